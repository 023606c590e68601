// Package webhook is a subscription: which events of a registry are sent to which service URI.
package webhook

import (
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
)

// Status says whether a webhook takes part; Azure's words.
type Status string

// The states of a webhook.
const (
	Enabled  Status = "enabled"
	Disabled Status = "disabled" // events are dropped, as in Azure; Ping still works
)

// Limits and defaults of a webhook (PRODUCT.md, decisions 7 and 19).
const (
	DefaultTimeout = 10 * time.Second
	MinTimeout     = time.Second
	MaxTimeout     = 60 * time.Second
	MostInFlight   = 16       // deliveries of one webhook
	MaxRate        = 60_000   // deliveries of one webhook in a minute
	Masked         = "******" // what stands in place of a secret; sent back unchanged it keeps what is stored
)

// Webhook is one subscription.
type Webhook struct {
	ID             string // UUID made before the insert; sealed values are bound to it
	Registry       registry.Name
	Name           Name
	Location       registry.Location
	ServiceURI     URI
	Headers        Headers
	Actions        []event.Action
	Status         Status
	Scope          Scope
	Tags           map[string]string
	Format         string        // name of a payload.Format; "azure" unless chosen otherwise
	Retry          RetryPolicy   // default, none or an own list
	Timeout        time.Duration // of one attempt, connecting included
	MaxInFlight    int           // at most so many at a time; 0: Dockbell adapts it
	Rate           int           // at most so many begin in a minute; 0: as many as come
	Ordered        bool          // deliveries of one repository never overtake each other
	Paused         time.Time     // since when events are kept and not sent; zero: not paused. Never set while disabled
	Troubled       bool          // where several processes share the work: it fails, or what came of its deliveries holds the next ones back
	SigningSecrets []Secret      // newest first; empty = unsigned. An older one signs too until it expires
	Version        int64         // counts changes; an update names the version it was made from
	DisabledReason string        // set when Dockbell disabled it by itself, cleared when it is enabled
	CreatedBy      string
	CreatedByKind  string // User, Application or empty for Dockbell itself
	Created        time.Time
	UpdatedBy      string
	UpdatedByKind  string
	Updated        time.Time
}

// Secret is a signing secret in Standard Webhooks form ("whsec_" and base64).
type Secret struct {
	Value   string
	Expires time.Time // zero: current; else it signs beside the new one until then
}

// Key is the form in which names are compared and stored for uniqueness.
func (w Webhook) Key() string { return w.Name.Key() }

// Controlled reports whether the webhook holds deliveries back by what it is set to, or by its troubles.
func (w Webhook) Controlled() bool {
	return w.IsPaused() || w.MaxInFlight > 0 || w.Rate > 0 || w.Ordered || w.Troubled
}

// IsPaused reports whether what fires the webhook is kept and not sent.
func (w Webhook) IsPaused() bool { return !w.Paused.IsZero() }

// Subscribed reports whether the webhook asked for action a.
func (w Webhook) Subscribed(a event.Action) bool {
	for _, have := range w.Actions {
		if have == a {
			return true
		}
	}
	return false
}

// Verdict says whether an event fires a webhook and, if not, why: the answer to "why did it not fire?".
type Verdict struct {
	WebhookID string
	Webhook   Name
	Fires     bool
	As        event.Action // the action it goes out as: a chart as push for webhooks without chart_push
	Reason    string       // one sentence, for both outcomes
}
