package delivery

import (
	"fmt"
	"time"

	"dockbell/models/event"
)

// Obstacle is what keeps a delivery from being sent.
type Obstacle string

// The obstacles. A delivery that waits for its own retry has none of them.
const (
	ByPause      Obstacle = "paused"      // its webhook is paused
	ByOrder      Obstacle = "order"       // another of its repository comes first
	ByRetryAfter Obstacle = "retry-after" // the receiver asked the webhook to wait
	ByCircuit    Obstacle = "circuit"     // nothing answers at the endpoint, which is probed
	ByRate       Obstacle = "rate"        // as many as may began in this minute
	ByTurn       Obstacle = "in-flight"   // others of its webhook are under way
)

// Hold says why a delivery that could go is not sent yet; the zero Hold: nothing keeps it but its own schedule.
type Hold struct {
	By     Obstacle
	Behind ID        // by order: the delivery that comes first
	Since  time.Time // by pause and circuit; zero: it is not known
	Until  time.Time // when it may go at the earliest; zero: that is not a matter of time
	Rate   Rate      // by rate
	Drains bool      // the rate is that of what waited when a pause ended
	Flying int       // by turn: how many are under way
	Most   int       // by turn: how many may be; 0: Dockbell adapts it
}

// Circumstances are what holds the deliveries of a webhook at a moment.
type Circumstances struct {
	Paused  time.Time // since when; zero: not paused
	PutOff  time.Time // until when the receiver asked to wait
	Circuit Circuit
	Rate    Rate      // 0: no bound
	Drains  bool      // the rate is that of what waited when a pause ended
	Whole   time.Time // when the allowance of the rate is whole
	Most    int       // in flight; 0: Dockbell adapts it
	Flying  int       // in flight
}

// Waits reports whether a delivery can be held: it is not under way, nothing has become of it, and it is no ping.
func (d Delivery) Waits() bool {
	return d.State == Pending && !d.Next.IsZero() && d.Action != event.Ping
}

// Hold says what keeps a delivery of the webhook back. Before is the first of its repository that is not through, where the order is
// kept; 0 is none. What a person has to end comes first, then what another delivery ends, then what ends last by itself.
func (c Circumstances) Hold(d Delivery, before ID, now time.Time) Hold {
	if !d.Waits() {
		return Hold{}
	}
	if !c.Paused.IsZero() {
		return Hold{By: ByPause, Since: c.Paused}
	}
	if before != 0 && before != d.ID {
		return Hold{By: ByOrder, Behind: before}
	}
	due := d.Next
	if due.Before(now) {
		due = now
	}
	hold := Hold{}
	if c.PutOff.After(due) {
		due, hold = c.PutOff, Hold{By: ByRetryAfter, Until: c.PutOff}
	}
	if c.Circuit.Open() && (due.Equal(now) || !c.Circuit.ProbeAt.Before(due)) {
		due, hold = later(due, c.Circuit.ProbeAt), Hold{By: ByCircuit, Since: c.Circuit.Since, Until: c.Circuit.ProbeAt}
	}
	if c.Rate > 0 && c.Rate.Next(c.Whole).After(due) {
		due, hold = c.Rate.Next(c.Whole), Hold{By: ByRate, Rate: c.Rate, Drains: c.Drains, Until: c.Rate.Next(c.Whole)}
	}
	if hold.By == "" && due.Equal(now) && c.Flying > 0 && c.Flying >= c.Most {
		return Hold{By: ByTurn, Flying: c.Flying, Most: c.Most}
	}
	return hold
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Sentence says in plain words why a delivery waits and what to do; "" when nothing holds it.
func (h Hold) Sentence(now time.Time) string {
	switch h.By {
	case ByPause:
		return fmt.Sprintf("The webhook is paused since %s. Resume it to send what waits.", moment(h.Since, now))
	case ByOrder:
		return fmt.Sprintf("Waits behind delivery %s of the same repository, because the webhook keeps the order of each repository. "+
			"It goes when that one has arrived or was given up: look there what keeps it.", h.Behind)
	case ByRetryAfter:
		return fmt.Sprintf("The receiver asked us to wait, so nothing goes to this webhook until %s. If that is too often, raise the receiver's limit.", moment(h.Until, now))
	case ByCircuit:
		return h.circuit(now)
	case ByRate:
		if h.Drains {
			return fmt.Sprintf("What waited when the webhook was resumed goes out %d a minute, as was chosen then; the next one may go at %s. "+
				"Drop what need not be sent any more.", h.Rate, moment(h.Until, now))
		}
		return fmt.Sprintf("The webhook's rate lets %d a minute go; the next one may go at %s. Raise its rate to send sooner.", h.Rate, moment(h.Until, now))
	case ByTurn:
		if h.Most > 0 {
			return fmt.Sprintf("%s under way to this webhook, which takes %d at a time: it goes when one of them ends. Raise the most in flight to send more at once.", are(h.Flying), h.Most)
		}
		return fmt.Sprintf("%s under way to this webhook, and Dockbell sends as many at a time as its receiver answers well: it goes when there is room. "+
			"If that takes long, let the receiver answer first and work afterwards.", are(h.Flying))
	}
	return ""
}

func (h Hold) circuit(now time.Time) string {
	since, next := "", "now"
	if !h.Since.IsZero() {
		since = ": no receiver was found since " + moment(h.Since, now)
	}
	if h.Until.After(now) {
		next = "at " + moment(h.Until, now)
	}
	return fmt.Sprintf("The endpoint is tried again %s, with one delivery at a time%s. This one keeps all its attempts. "+
		"Repair the receiver, then redeliver or recover to try at once.", next, since)
}

func are(n int) string {
	if n == 1 {
		return "1 delivery is"
	}
	return fmt.Sprintf("%d deliveries are", n)
}

// moment writes a time in UTC, with its day unless that is today.
func moment(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2 January 2006 15:04 UTC")
}
