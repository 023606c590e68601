// Package doctor says what is wrong with an installation, and what to do about it.
package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// BeatEvery is how often a member says that it lives; one that was silent for Silent is not counted on.
const (
	BeatEvery = 10 * time.Second
	Silent    = 35 * time.Second
	// Forgotten is how long a member that ended without a word stays on the list.
	Forgotten = 24 * time.Hour
)

// Member is a process that serves the database.
type Member struct {
	ID        string
	Host      string // its machine
	Address   string // where it listens
	PublicURL string
	Version   string
	Blobs     string // where it keeps layers
	Workers   int    // deliveries that it sends at once
	Flying    int    // that it sends now
	Skew      time.Duration
	Disk      Disk
	Started   time.Time
	Seen      time.Time
}

// Disk is where a member keeps its data.
type Disk struct{ Free, Size int64 } // bytes; Free is below 0 where nobody knows

// Alive reports whether a member may be counted on.
func (m Member) Alive(now time.Time) bool { return now.Sub(m.Seen) < Silent }

// Queue is what waits and what is in flight.
type Queue struct {
	Waiting int
	Oldest  time.Time // when the first of those that are due became due; zero: none is
	Flying  int
	Lines   []Line
}

// Line is the queue of one webhook.
type Line struct {
	Registry registry.Name
	Webhook  webhook.Name
	Waiting  int
	Oldest   time.Time // when its first delivery became due; in the future for one that waits for a retry
	Flying   int
	Paused   bool // by somebody, or by its receiver: it waits on purpose
	Failing  time.Time
}

// Mails are what is wrong with mailing notices.
type Mails struct {
	Waiting int
	Oldest  time.Time   // when the first of those became due; in the future for one that is tried again; zero: none waits
	Untaken []UntakenOf // by registry
}

// UntakenOf is the newest mail about a registry's webhooks that the mail server did not take; the same person got none since.
type UntakenOf struct {
	Registry registry.Name
	Problem  string    // a sentence
	Next     time.Time // when it is tried again; zero: never
}

// FullSource is a source of events of which as much is kept as may be.
type FullSource struct {
	Registry registry.Name
	Name     string
	Space    int // MiB
}

// Facts are what somebody found out. What nobody asked is zero, and nothing is said of it.
type Facts struct {
	Now      time.Time
	Shared   bool          // the database is one that several machines can share
	Skew     time.Duration // of the machine that asks
	Members  []Member
	Queue    Queue
	Mails    Mails
	Full     []FullSource
	Disk     Disk
	Problems []Finding // found by asking the outside
}

// Finding is one thing that somebody should know.
type Finding struct {
	Wrong bool   // something has to be done; else it is good to know
	What  string // one sentence
	Next  string // what to do about it
}

// Bounds beyond which something is wrong.
const (
	mostSkew   = 2 * time.Second
	leastShare = 10        // of a disk, in percent
	leastFree  = 512 << 20 // bytes
	mostLate   = 5 * time.Minute
)

// Examine says what the facts mean, what is wrong first.
func Examine(f Facts) []Finding {
	var all []Finding
	all = append(all, members(f)...)
	all = append(all, queue(f)...)
	all = append(all, mails(f)...)
	all = append(all, full(f)...)
	if f.Skew.Abs() > mostSkew {
		all = append(all, skewed("This machine", f.Skew))
	}
	all = append(all, disk("This machine", f.Disk)...)
	all = append(all, f.Problems...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		switch {
		case a.Wrong == b.Wrong:
			return 0
		case a.Wrong:
			return -1
		default:
			return 1
		}
	})
	return all
}

// Sick reports whether something has to be done.
func Sick(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.Wrong })
}

func wrong(what, next string) Finding { return Finding{Wrong: true, What: what, Next: next} }

func members(f Facts) []Finding {
	var all []Finding
	var alive []Member
	for _, m := range f.Members {
		if m.Alive(f.Now) {
			alive = append(alive, m)
			continue
		}
		all = append(all, wrong(
			fmt.Sprintf("%s has not been heard of for %s: it was killed, or does not reach the database.", m.name(), rounded(f.Now.Sub(m.Seen))),
			"Start it again if it was meant to go on. What it had in flight was given to the others when its leases ended; it leaves the list by itself after a day.",
		))
	}
	for _, m := range alive {
		if m.Skew.Abs() > mostSkew {
			all = append(all, skewed(m.name(), m.Skew))
		}
		all = append(all, disk(m.name(), m.Disk)...)
	}
	return append(all, differences(alive)...)
}

// differences are what members should have in common.
func differences(alive []Member) []Finding {
	var all []Finding
	differ := func(of func(Member) string) (string, bool) {
		var values []string
		for _, m := range alive {
			values = append(values, of(m))
		}
		slices.Sort(values)
		values = slices.Compact(values)
		return strings.Join(values, ", "), len(values) > 1
	}
	if urls, more := differ(func(m Member) string { return m.PublicURL }); more {
		all = append(all, wrong("The members have different public addresses: "+urls+".",
			"Set DOCKBELL_PUBLIC_URL to the same address on every machine: the one of the load balancer before them."))
	}
	if places, more := differ(func(m Member) string { return m.Blobs }); more {
		all = append(all, wrong("The members keep layers in different places ("+places+"): what was pushed to one cannot be pulled from another.",
			"Set DOCKBELL_BLOBS to the same bucket on every machine, or let all of them use one shared data folder."))
	}
	if versions, more := differ(func(m Member) string { return m.Version }); more {
		all = append(all, Finding{What: "The members run different versions: " + versions + ".", Next: "That is as it should be during an update. Finish it."})
	}
	return all
}

func queue(f Facts) []Finding {
	late := f.Now.Sub(f.Queue.Oldest)
	if f.Queue.Oldest.IsZero() || late <= 0 {
		return nil
	}
	served := slices.ContainsFunc(f.Members, func(m Member) bool { return m.Alive(f.Now) })
	switch {
	case !served:
		return []Finding{wrong("Deliveries wait and no server runs.", "Start one: dockbell serve.")}
	case late > mostLate:
		return []Finding{wrong(fmt.Sprintf("The oldest delivery has been due for %s: the servers do not keep up.", rounded(late)),
			"Look below for the webhook whose queue is long. If its receiver is slow, that is why; if many are long, raise DOCKBELL_WORKERS or add a machine.")}
	}
	return nil
}

func mails(f Facts) []Finding {
	var all []Finding
	for _, m := range f.Mails.Untaken {
		found := Finding{
			Wrong: !m.Next.IsZero(), What: fmt.Sprintf("The mail server does not take a mail about the webhooks of %s. %s", m.Registry, m.Problem),
			Next: "It is tried again. Look at the recipients on Monitoring > Notices of the registry, and at DOCKBELL_SMTP_URL; a test mail there tries both.",
		}
		if !found.Wrong {
			found.What = fmt.Sprintf("The mail server did not take a mail about the webhooks of %s. %s", m.Registry, m.Problem)
			found.Next = "It is not tried again, and nobody was mailed since. Send a test mail on Monitoring > Notices of the registry."
		}
		all = append(all, found)
	}
	served := slices.ContainsFunc(f.Members, func(m Member) bool { return m.Alive(f.Now) })
	if late := f.Now.Sub(f.Mails.Oldest); served && !f.Mails.Oldest.IsZero() && late > mostLate {
		all = append(all, wrong(fmt.Sprintf("%d mails wait, the first of them for %s, and no server sends them.", f.Mails.Waiting, rounded(late)),
			"Start a server with DOCKBELL_SMTP_URL and DOCKBELL_SMTP_FROM, as when they were written."))
	}
	return all
}

func full(f Facts) []Finding {
	var all []Finding
	for _, s := range f.Full {
		all = append(all, wrong(fmt.Sprintf("The source %s of %s is full: what it sends is answered 429.", s.Name, s.Registry),
			fmt.Sprintf("It may take up %d MiB. Give it more: dockbell source update %s --space MIB, or on its page; or keep history for a shorter time (Settings > Retention).", s.Space, s.Name)))
	}
	return all
}

func skewed(who string, skew time.Duration) Finding {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return wrong(fmt.Sprintf("The clock of %s is %s %s the database's.", lower(who), rounded(skew.Abs()), direction),
		"Let the machine set its clock by NTP (systemd-timesyncd or chrony). Deliveries go by the database's clock; certificates and signatures of receivers do not.")
}

func disk(who string, d Disk) []Finding {
	if d.Free < 0 || d.Size == 0 || d.Free >= leastFree && d.Free*100/d.Size >= leastShare {
		return nil
	}
	return []Finding{wrong(fmt.Sprintf("The disk of %s is nearly full: %d MB of %d MB are free.", lower(who), d.Free>>20, d.Size>>20),
		"Free some space, or set retention (Settings > Retention, and each registry's Properties). When it is full, pushes are answered 507 and events 503.")}
}

func (m Member) name() string {
	if m.Host == "" {
		return "The server at " + m.Address
	}
	return fmt.Sprintf("The server on %s at %s", m.Host, m.Address)
}

// lower is a name within a sentence.
func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// rounded is a duration as people say it.
func rounded(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d seconds", int(d.Seconds()+0.5))
	}
}
