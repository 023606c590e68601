package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"dockbell/models/doctor"
	"dockbell/models/webhook"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Show the servers and the queue, and say what is wrong",
		Long: "Shows the servers that share the database and what waits, by webhook, and says what is wrong with the next step: clocks, disks, servers that fell silent, the public address and its certificate, " +
			"receivers that the allowed networks refuse, mails that do not arrive, sources that are full, a key that does not fit. It works on the data folder or the PostgreSQL, with or without a running server; give it the settings of the server.\n\n" +
			"It ends with 1 when something is wrong.",
		Example: "  dockbell doctor\n" +
			"  dockbell doctor --database postgres://dockbell@db/dockbell --key-file /etc/dockbell/key\n" +
			"  dockbell doctor --json | jq .findings",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if _, missing := os.Stat(string(cfg.Database)); missing != nil && !cfg.Database.Postgres() {
				return fmt.Errorf("there is no database at %s: name the data folder of your server with --data, or start a server, which makes one", cfg.Database)
			}
			return withData(c, func(ctx context.Context, d data) error {
				found, err := examine(ctx, d)
				if err != nil {
					return err
				}
				if asJSON {
					err = found.writeJSON(c.OutOrStdout())
				} else {
					err = found.write(c)
				}
				if err == nil && doctor.Sick(found.Findings) {
					err = errors.New("something is wrong")
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	addSettings(c, "data", "database", "key-file", "allowed-networks", "tls", "tls-cert", "tls-key")
	return c
}

// examination is what doctor found.
type examination struct {
	Facts    doctor.Facts
	Findings []doctor.Finding
}

// linesShown is how many webhooks are listed.
const linesShown = 20

func examine(ctx context.Context, d data) (examination, error) {
	facts := doctor.Facts{Shared: d.cfg.Database.Postgres(), Disk: diskOf(d.cfg.Data)}
	var err error
	if facts.Skew, err = d.db.Skew(ctx); err != nil {
		return examination{}, err
	}
	facts.Now = d.db.Now()
	if facts.Members, err = d.db.Members(ctx); err != nil {
		return examination{}, err
	}
	if facts.Queue, err = d.db.Queue(ctx, linesShown); err != nil {
		return examination{}, err
	}
	if facts.Mails, err = d.db.Mails(ctx); err != nil {
		return examination{}, err
	}
	if facts.Full, err = d.db.FullSources(ctx); err != nil {
		return examination{}, err
	}
	if facts.Problems, err = lookOutside(ctx, d, facts); err != nil {
		return examination{}, err
	}
	facts.Disk = onceMeasured(facts)
	return examination{facts, doctor.Examine(facts)}, nil
}

// onceMeasured leaves this machine's disk to the server on it, which measures the same one.
func onceMeasured(f doctor.Facts) doctor.Disk {
	host, _ := os.Hostname() // unknown: nothing is left out
	if slices.ContainsFunc(f.Members, func(m doctor.Member) bool { return m.Host == host && m.Alive(f.Now) && m.Disk.Size == f.Disk.Size }) {
		return doctor.Disk{Free: -1}
	}
	return f.Disk
}

// lookOutside asks what the database does not know.
func lookOutside(ctx context.Context, d data, facts doctor.Facts) ([]doctor.Finding, error) {
	var all []doctor.Finding
	var urls []string
	for _, m := range facts.Members {
		if m.Alive(facts.Now) && !slices.Contains(urls, m.PublicURL) {
			urls = append(urls, m.PublicURL)
		}
	}
	for _, url := range urls {
		all = append(all, tryPublic(ctx, d.cfg, url, facts.Now)...)
	}
	all = append(all, tryCertFile(d.cfg, facts.Now)...)
	refused, err := tryReceivers(ctx, d, urls)
	return append(all, refused...), err
}

// Bounds of looking at receivers.
const (
	receiversTried = 200
	receiverWait   = 3 * time.Second
	receiversWait  = 20 * time.Second
)

// tryReceivers finds enabled webhooks to which nothing may be sent.
func tryReceivers(ctx context.Context, d data, publics []string) ([]doctor.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, receiversWait)
	defer cancel()
	networks := webhook.NewAllowList(d.cfg.AllowedNetworks, d.db, resolve, d.db.Now)
	registries, err := d.db.Registries(ctx)
	if err != nil {
		return nil, err
	}
	var all []doctor.Finding
	tried := 0
	for _, reg := range registries {
		hooks, err := d.db.Webhooks(ctx, reg.Name)
		if err != nil {
			return nil, err
		}
		for _, hook := range hooks {
			own := slices.ContainsFunc(publics, func(url string) bool { return webhook.OwnInbox(url)(hook.ServiceURI) })
			if tried++; hook.Status != webhook.Enabled || own || tried > receiversTried || ctx.Err() != nil {
				continue
			}
			if said := judgeReceiver(ctx, networks, hook); said != "" {
				all = append(all, doctor.Finding{Wrong: true, What: fmt.Sprintf("Nothing can be sent to the webhook %s of %s: %s", hook.Name, reg.Name, said),
					Next: "Change its service URI, or add the network under Settings > Allowed networks. If the server was started with other DOCKBELL_ALLOWED_NETWORKS than this command, repeat it with those."})
			}
		}
	}
	return all, nil
}

func judgeReceiver(ctx context.Context, networks *webhook.AllowList, hook webhook.Webhook) string {
	ctx, cancel := context.WithTimeout(ctx, receiverWait)
	defer cancel()
	if _, err := networks.Judge(ctx, hook.ServiceURI.Host()); err != nil && ctx.Err() == nil {
		return oneLine(err)
	}
	return ""
}

func (e examination) write(c *cobra.Command) error {
	w := c.OutOrStdout()
	now := e.Facts.Now
	err := table(c, []string{"SERVER", "STATE", "VERSION", "STARTED", "LAST HEARD", "IN FLIGHT"}, e.Facts.Members, func(m doctor.Member) []any {
		state := "running"
		if !m.Alive(now) {
			state = "silent"
		}
		return []any{m.Host + " " + m.Address, state, m.Version, day(m.Started), ago(now.Sub(m.Seen)), fmt.Sprintf("%d of %d", m.Flying, m.Workers)}
	})
	if err != nil {
		return err
	}
	q := e.Facts.Queue
	fmt.Fprintf(w, "\n%d waiting, %d in flight", q.Waiting, q.Flying)
	if late := now.Sub(q.Oldest); !q.Oldest.IsZero() && late > 0 {
		fmt.Fprintf(w, ", the oldest due %s", ago(late))
	}
	fmt.Fprint(w, "\n\n")
	if len(q.Lines) > 0 {
		err = table(c, []string{"WEBHOOK", "REGISTRY", "WAITING", "NEXT DUE", "IN FLIGHT", ""}, q.Lines, func(l doctor.Line) []any {
			return []any{orWord(string(l.Webhook), "(deleted)"), l.Registry, l.Waiting, ago(now.Sub(l.Oldest)), l.Flying, lineWord(l)}
		})
		fmt.Fprintln(w)
	}
	for _, f := range e.Findings {
		mark := "Note: "
		if f.Wrong {
			mark = "Wrong: "
		}
		fmt.Fprintf(w, "%s%s\n  %s\n", mark, f.What, f.Next)
	}
	if len(e.Findings) == 0 {
		fmt.Fprintln(w, "Nothing is wrong.")
	}
	return err
}

func lineWord(l doctor.Line) string {
	switch {
	case l.Paused:
		return "paused"
	case !l.Failing.IsZero():
		return "failing"
	default:
		return ""
	}
}

// ago says how long something is over, or when it will be.
func ago(d time.Duration) string {
	if d < 0 {
		return "in " + (-d).Round(time.Second).String()
	}
	return d.Round(time.Second).String() + " ago"
}

// writeJSON is for programs: the names are those of a contract.
func (e examination) writeJSON(w io.Writer) error {
	type finding struct {
		Wrong bool   `json:"wrong"`
		What  string `json:"what"`
		Next  string `json:"next"`
	}
	out := struct {
		Members  []object  `json:"members"`
		Waiting  int       `json:"waiting"`
		InFlight int       `json:"inFlight"`
		Oldest   string    `json:"oldest,omitempty"`
		Queue    []object  `json:"queue"`
		Findings []finding `json:"findings"`
	}{Members: []object{}, Queue: []object{}, Findings: []finding{}, Waiting: e.Facts.Queue.Waiting, InFlight: e.Facts.Queue.Flying}
	if !e.Facts.Queue.Oldest.IsZero() {
		out.Oldest = e.Facts.Queue.Oldest.Format(time.RFC3339)
	}
	for _, m := range e.Facts.Members {
		out.Members = append(out.Members, object{
			"id": m.ID, "host": m.Host, "address": m.Address, "publicUrl": m.PublicURL, "version": m.Version, "alive": m.Alive(e.Facts.Now),
			"started": m.Started.Format(time.RFC3339), "lastSeen": m.Seen.Format(time.RFC3339), "inFlight": m.Flying, "workers": m.Workers, "clockSkewMs": m.Skew.Milliseconds(),
		})
	}
	for _, l := range e.Facts.Queue.Lines {
		out.Queue = append(out.Queue, object{"registry": l.Registry, "webhook": l.Webhook, "waiting": l.Waiting, "inFlight": l.Flying, "paused": l.Paused, "failing": !l.Failing.IsZero()})
	}
	for _, f := range e.Findings {
		out.Findings = append(out.Findings, finding(f))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}
