package delivery

import (
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
)

// Filter narrows a delivery history; zero fields do not narrow.
type Filter struct {
	Registry  registry.Name
	WebhookID string
	EventID   event.ID
	Action    event.Action
	Class     StatusClass
	Text      string // part of a repository, tag or the start of an event ID
	Since     time.Time
	Before    ID // keyset paging: older than this
	After     ID // keyset paging: newer than this
	Limit     int
}

// StatusClass is a choice of the history's HTTP status filter.
type StatusClass string

// The status classes; None is an attempt without an answer, Waiting a delivery before its first result.
const (
	AnyClass StatusClass = ""
	Class2xx StatusClass = "2xx"
	Class3xx StatusClass = "3xx"
	Class4xx StatusClass = "4xx"
	Class5xx StatusClass = "5xx"
	NoAnswer StatusClass = "none"
)

// Page is one page of a history, newest first.
type Page struct {
	Deliveries []Delivery
	Older      bool // there are older ones
	Newer      bool // there are newer ones
}

// Hour is one bar of a webhook's 24 hours: attempts that ended in that hour.
type Hour struct {
	Start             time.Time
	Succeeded, Failed int
	P50, P95          time.Duration // time to answer; 0 without attempts
}

// Health is what the webhook list shows beside a webhook.
type Health struct {
	Last  Result   // newest finished attempt of all its deliveries
	Hours [24]Hour // oldest first, the last one is the running hour
	// FailingSince is the start of the first failed attempt after the last success; zero when the last one succeeded.
	FailingSince time.Time
	Circuit      Circuit
	Drain        Rate // of what waited when a pause ended, while some of it still waits
}

// Totals of the 24 hours.
func (h Health) Totals() (succeeded, failed int) {
	for _, x := range h.Hours {
		succeeded += x.Succeeded
		failed += x.Failed
	}
	return succeeded, failed
}

// Backlog is what waits for a retry: pending deliveries that were attempted before.
type Backlog struct {
	Waiting int
	Next    time.Time // when the first of them is due; zero when none waits
}

// Stakes is what goes when webhooks are deleted, in numbers, for the page that asks before.
type Stakes struct {
	Waiting int // deliveries that wait for their first or next attempt
	Past    int // deliveries of any state
}
