package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dockbell/models/delivery"
)

// The commands that send deliveries again or drop them: each counts first, and asks on a terminal.

// careful are the flags of a command that counts before it does something.
type careful struct{ dryRun, yes bool }

func (f *careful) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "count, and do nothing: exit code 4 when there is something to do")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
}

// errand is a call that can be counted before it is made.
type errand struct {
	path    string
	body    object
	many    func(counted object) int    // deliveries that it is about
	ask     func(counted object) string // the question
	columns []column
	always  bool // it changes something even when it is about no delivery
}

// run counts, asks and makes the call; done is false when there was nothing more to do than to show the count.
func (f careful) run(c *cobra.Command, a *client, out *output, e errand) (answer object, done bool, err error) {
	if f.dryRun || !f.yes && isTerminal(c.InOrStdin()) {
		counting := object{"dryRun": true}
		maps.Copy(counting, e.body)
		counted, err := a.call(c.Context(), http.MethodPost, e.path, counting)
		if err != nil {
			return nil, false, err
		}
		a.progress.done()
		n := e.many(counted)
		if f.dryRun || n == 0 && !e.always {
			if err := out.show(counted, e.columns); err != nil || n == 0 && !e.always {
				return nil, false, err
			}
			return nil, false, changesPending{deliveries(n)}
		}
		if !confirm(c, e.ask(counted)) {
			return nil, false, errors.New("nothing was changed")
		}
	}
	answer, err = a.call(c.Context(), http.MethodPost, e.path, e.body)
	a.progress.done()
	return answer, err == nil, err
}

// numberAt reads a number of an answer.
func numberAt(key string) func(object) int {
	return func(o object) int { n, _ := strconv.Atoi(pick(o, key)); return n }
}

func countOf(o object) int { return numberAt("count")(o) }

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

var (
	countColumns       = []column{at("COUNT", "count"), at("DRY RUN", "dryRun")}
	redeliveredColumns = []column{at("EVENT", "event"), at("DELIVERY", "delivery"), at("DRY RUN", "dryRun")}
	recoveryColumns    = []column{
		at("TOTAL", "total"), at("DELIVERED", "delivered"), at("FAILED", "failed"), at("WAITING", "waiting"), at("DROPPED", "dropped"),
	}
	replayColumns = []column{at("KIND", "kind"), at("STATE", "state"), at("TOTAL", "total"), at("MADE", "made")}
)

// parseWhen reads a moment: a time in UTC, or how long ago it was.
func parseWhen(flag, text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if days, whole := strings.CutSuffix(text, "d"); whole {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, usage("--%s is a time such as 2026-05-31T18:30 (in UTC), or how long ago such as 90m, 24h or 7d", flag)
}

// setWhen puts a moment of the command line into a body; an empty one says nothing.
func setWhen(body object, key, flag, text string) error {
	if text == "" {
		return nil
	}
	at, err := parseWhen(flag, text, time.Now())
	body[key] = at.UTC().Format(time.RFC3339)
	return err
}

func webhookRecover() *cobra.Command {
	var f careful
	var since string
	var wait bool
	c := &cobra.Command{
		Use:   "recover --registry REGISTRY --name NAME --since WHEN [--dry-run] [--yes] [--wait]",
		Short: "Send again what failed since a moment, and what waits for a retry",
		Long: "Sends again, oldest first, what failed of a webhook since a moment, with the whole retry schedule before it, and at once what waits for a retry. " +
			"On a terminal it counts and asks first. With --wait it ends when all of it was tried, with exit code 1 when some of it failed again.",
		Example: "  dockbell webhook recover -r mycontainerregistry -n deployhook --since 24h --dry-run\n" +
			"  dockbell webhook recover -r mycontainerregistry -n deployhook --since 2026-05-31T18:30 --yes --wait\n" +
			"  dockbell webhook recover -r mycontainerregistry -n deployhook --since ever",
	}
	c.Flags().StringVar(&since, "since", "", "a time in UTC such as 2026-05-31T18:30, how long ago such as 24h or 7d, or ever")
	c.Flags().BoolVarP(&wait, "wait", "w", false, "wait until all of it was tried")
	f.add(c)
	complete(c, "since", cobra.FixedCompletions([]cobra.Completion{"1h", "24h", "7d", "ever"}, cobra.ShellCompDirectiveNoFileComp))
	required(c, "since")
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		body := object{}
		if since != "ever" {
			if err := setWhen(body, "since", "since", orWord(since, "-")); err != nil {
				return err
			}
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		path := reg.webhook(at.name) + "/recover"
		e := errand{path: path, body: body, many: countOf, columns: countColumns, ask: func(o object) string { return "Send " + deliveries(countOf(o)) + " again?" }}
		answer, done, err := f.run(c, a, out, e)
		if err != nil || !done {
			return err
		}
		if !wait || countOf(answer) == 0 {
			return out.show(answer, countColumns)
		}
		return a.follow(ctx, path, out, recovering)
	})
}

// following says how far something is: in words, and whether it has ended; failed is what then makes the command fail.
type following struct {
	columns []column
	far     func(object) (words string, ended bool)
	failed  func(object) string
}

var recovering = following{
	columns: recoveryColumns,
	far: func(o object) (string, bool) {
		left := numberAt("waiting")(o)
		return fmt.Sprintf("%s of %s arrived, %s failed again, %d to be sent", pick(o, "delivered"), pick(o, "total"), pick(o, "failed"), left), left == 0
	},
	failed: func(o object) string {
		if n := numberAt("failed")(o); n > 0 {
			return deliveries(n) + " failed again"
		}
		return ""
	},
}

var replaying = following{
	columns: replayColumns,
	far: func(o object) (string, bool) {
		return fmt.Sprintf("%s of %s queued", pick(o, "made"), pick(o, "total")), pick(o, "state") != string(delivery.ReplayRunning)
	},
	failed: func(o object) string {
		if pick(o, "state") == string(delivery.ReplayStopped) {
			return "it was stopped, because the webhook was disabled"
		}
		return ""
	},
}

// lookAgain is how often the progress is asked for.
const lookAgain = time.Second

// follow shows how far something is until it has ended, then what became of it.
func (a *client) follow(ctx context.Context, path string, out *output, f following) error {
	for {
		now, err := a.call(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		words, ended := f.far(now)
		if ended {
			a.progress.done()
			if err := out.show(now, f.columns); err != nil {
				return err
			}
			if failed := f.failed(now); failed != "" {
				return errors.New(failed)
			}
			return nil
		}
		a.progress.say("%s", words)
		if err := a.pause(ctx, lookAgain); err != nil {
			return err
		}
	}
}

func webhookReplay() *cobra.Command {
	var f careful
	var from, to string
	var wait bool
	c := &cobra.Command{
		Use:   "replay --registry REGISTRY --name NAME [--kind missed|again] [--from WHEN] [--to WHEN] [--dry-run] [--yes] [--wait]",
		Short: "Send what a webhook missed, or again what it was sent",
		Long: "Sends the events that a webhook matches and never got, such as those from before it was made, or again what it was sent, whatever became of it. " +
			"On a terminal it counts and asks first. The server goes on with the work by itself; with --wait the command ends when all of it is queued.",
		Example: "  dockbell webhook replay -r mycontainerregistry -n deployhook --dry-run\n" +
			"  dockbell webhook replay -r mycontainerregistry -n deployhook --from 7d --yes --wait\n" +
			"  dockbell webhook replay -r mycontainerregistry -n deployhook --kind again --from 2026-05-31T18:30 --to 2026-05-31T19:00",
	}
	kind := addOneOf(c, "kind", "what is sent: what it missed (the default), or again what it was sent", string(delivery.Missed), string(delivery.Again))
	c.Flags().StringVar(&from, "from", "", "begins then: a time in UTC such as 2026-05-31T18:30, or how long ago such as 24h or 7d (default: the beginning)")
	c.Flags().StringVar(&to, "to", "", "ends then (default: now)")
	c.Flags().BoolVarP(&wait, "wait", "w", false, "wait until all of it is queued")
	f.add(c)
	for _, name := range []string{"from", "to"} {
		complete(c, name, cobra.NoFileCompletions)
	}
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		body := object{"kind": orWord(kind.word, string(delivery.Missed))}
		if err := errors.Join(setWhen(body, "from", "from", from), setWhen(body, "to", "to", to)); err != nil {
			return err
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		path := reg.webhook(at.name) + "/replay"
		e := errand{path: path, body: body, many: countOf, columns: countColumns, ask: func(o object) string { return "Send " + deliveries(countOf(o)) + "?" }}
		answer, done, err := f.run(c, a, out, e)
		if err != nil || !done {
			return err
		}
		if !wait {
			return out.show(answer, countColumns)
		}
		return a.follow(ctx, path, out, replaying)
	})
}

func webhookDrop() *cobra.Command {
	var f careful
	var repository string
	var retries bool
	c := &cobra.Command{
		Use:   "drop --registry REGISTRY --name NAME [--repository REPOSITORY] [--retries] [--dry-run] [--yes]",
		Short: "Cancel what waits for a webhook",
		Long:  "Cancels what waits for a webhook: it is not sent, stays in the history as cancelled, and can be redelivered. On a terminal it counts and asks first.",
		Example: "  dockbell webhook drop -r mycontainerregistry -n deployhook --dry-run\n" +
			"  dockbell webhook drop -r mycontainerregistry -n deployhook --repository team/api --yes\n" +
			"  dockbell webhook drop -r mycontainerregistry -n deployhook --retries",
	}
	c.Flags().StringVar(&repository, "repository", "", "of this repository alone")
	c.Flags().BoolVar(&retries, "retries", false, "only what was tried before and waits for a retry")
	f.add(c)
	complete(c, "repository", cobra.NoFileCompletions)
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		body := object{"retries": retries}
		if repository != "" {
			body["repository"] = repository
		}
		e := errand{
			path: reg.webhook(at.name) + "/drop", body: body, many: countOf, columns: countColumns,
			ask: func(o object) string { return "Drop " + deliveries(countOf(o)) + "?" },
		}
		answer, done, err := f.run(c, a, out, e)
		if err != nil || !done {
			return err
		}
		return out.show(answer, countColumns)
	})
}
