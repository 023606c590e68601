// Package delivery is one event on its way to one webhook: its state, its attempts and what comes next.
package delivery

import (
	"strconv"
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// ID numbers deliveries in the order in which they were made; it is also the webhook-id header of every attempt.
type ID int64

// String writes the ID in decimal, as in addresses and in the webhook-id header.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// State is where a delivery stands.
type State string

// The states. Delivered, Failed and Cancelled are final until somebody redelivers.
const (
	Pending   State = "pending" // waits for its first or next attempt, or is in flight
	Delivered State = "delivered"
	Failed    State = "failed"    // the schedule is used up
	Cancelled State = "cancelled" // dropped before it was sent: its webhook went away or was disabled, or somebody chose so
)

// Delivery is one event to one webhook.
type Delivery struct {
	ID        ID
	EventID   event.ID
	Registry  registry.Name
	WebhookID string
	Webhook   webhook.Name
	Action    event.Action // the action it goes out as
	Image     Image
	Body      []byte // exact bytes of every attempt
	State     State
	Attempts  int       // started so far; counted by the claim, before the POST
	Retries   int       // attempts of the current round: starts again at 0 when somebody redelivers
	Next      time.Time // when the next attempt is due; zero when none is planned
	Created   time.Time
	Last      Result        // of the newest finished attempt
	Lease     time.Duration // of a new delivery: it is stored as claimed for so long, with its first attempt counted; 0: it waits
	Lane      string        // the repository whose order it keeps; "": it waits for no other
	Hold      Hold          // what keeps it back while it waits
}

// Image is what the history shows of the event's target.
type Image struct{ Repository, Tag, Digest string }

// String gives repo:tag, repo, or "" for a ping: Azure's IMAGE column.
func (i Image) String() string {
	if i.Tag == "" {
		return i.Repository
	}
	return i.Repository + ":" + i.Tag
}

// Result is what lists show of an attempt.
type Result struct {
	Status   int   // HTTP status; 0 when there was no answer
	Cause    Cause // why it failed; empty after a success
	Duration time.Duration
	At       time.Time // zero: not attempted yet
}

// Word is the text of the HTTP STATUS column: the code, or one word for an attempt without an answer; "" before the first.
func (r Result) Word() string {
	if r.Status != 0 {
		return strconv.Itoa(r.Status)
	}
	return r.Cause.Word()
}

// Header is one header line; names keep their order and may repeat.
type Header struct{ Name, Value string }

// Phases are the parts of an attempt's duration; a phase that was not reached is 0.
type Phases struct{ DNS, Connect, TLS, FirstByte time.Duration }

// Attempt is one HTTP request of a delivery and what came back.
type Attempt struct {
	DeliveryID      ID
	Number          int // 1, 2, ...
	Started         time.Time
	Duration        time.Duration
	Phases          Phases
	RemoteAddr      string
	RequestURI      string   // masked
	RequestHeaders  []Header // custom values masked
	Status          int      // 0: no answer
	StatusText      string   // the reason phrase as sent
	Proto           string   // "HTTP/1.1"
	ResponseHeaders []Header
	ResponseBody    []byte // its first 64 KiB
	Truncated       bool
	Cause           Cause  // empty after a success
	Sentence        string // one plain sentence with the next step; empty after a success
	RetryAfter      time.Duration
	CertExpires     time.Time // of the receiver's certificate; zero over plain HTTP
}

// Result is the attempt as lists show it.
func (a Attempt) Result() Result {
	return Result{Status: a.Status, Cause: a.Cause, Duration: a.Duration, At: a.Started}
}

// Succeeded reports a 2xx answer: the only success.
func (a Attempt) Succeeded() bool { return a.Cause == "" && a.Status >= 200 && a.Status <= 299 }
