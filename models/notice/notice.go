// Package notice tells people what became of a webhook: that it began to fail, was disabled or works again, once per change.
package notice

import (
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Kind is what changed.
type Kind string

// The kinds.
const (
	Failing   Kind = "failing"   // it began to fail
	Disabled  Kind = "disabled"  // Dockbell disabled it by itself
	Recovered Kind = "recovered" // the first delivery arrived after one of the other two
	Test      Kind = "test"      // nothing: somebody tries whether mails arrive
)

// Notice is one change of a webhook.
type Notice struct {
	ID         int64    // grows with time
	EventID    event.ID // of the event that another webhook gets of it
	Registry   registry.Name
	WebhookID  string
	Webhook    webhook.Name
	Kind       Kind
	At         time.Time
	Since      time.Time // when it began to fail; zero: unknown
	DeliveryID int64     // whose attempt decided it
	Status     int       // of that attempt; 0: no answer
	Cause      string    // why it failed, a delivery.Cause; "" after a success
	Sentence   string    // what the attempt came to, or why the webhook was disabled
}

// Title says in one line what changed.
func (n Notice) Title() string {
	switch n.Kind {
	case Test:
		return "A test mail"
	case Failing:
		return "The webhook " + string(n.Webhook) + " began to fail"
	case Disabled:
		return "The webhook " + string(n.Webhook) + " was disabled"
	default:
		return "The webhook " + string(n.Webhook) + " works again"
	}
}

// Written is a time as messages say it.
func Written(t time.Time) string { return t.UTC().Format("2 January 2006 15:04:05 UTC") }

// Text says in a sentence or two what is known of it.
func (n Notice) Text() string {
	since := ""
	if !n.Since.IsZero() {
		since = Written(n.Since)
	}
	switch {
	case n.Kind == Test:
		return "Mails about the webhooks of " + string(n.Registry) + " arrive here. Nothing became of any of them."
	case n.Kind == Recovered && since != "":
		return "A delivery arrived again. The trouble was noticed " + since + "."
	case n.Kind == Recovered:
		return "A delivery arrived again."
	case n.Kind == Failing && since != "":
		return "Every attempt since " + since + " failed. The last one: " + n.Sentence
	default:
		return n.Sentence
	}
}

// Bad reports a change for the worse.
func (n Notice) Bad() bool { return n.Kind == Failing || n.Kind == Disabled }

// Filter narrows a list of notices; zero fields do not narrow.
type Filter struct {
	Registry registry.Name
	Before   int64 // keyset paging: older than this
	After    int64 // keyset paging: newer than this
	Limit    int
}

// Page is one page of them, newest first.
type Page struct {
	Notices []Notice
	Older   bool // there are older ones
	Newer   bool // there are newer ones
}
