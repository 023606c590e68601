package delivery

import (
	"time"

	"dockbell/models/registry"
)

// Limits of an inbox: it is a throw-away receiver, not an archive.
const (
	InboxBody   = 256 << 10        // bytes of a request that are accepted
	InboxKeeps  = 100              // newest requests that are kept
	InboxesEach = 20               // inboxes of one registry
	InboxDelay  = 30 * time.Second // longest that an inbox waits before it answers
)

// Inbox is a receiver of this installation's own, so that a first webhook needs no endpoint of one's own.
type Inbox struct {
	Token    string // unguessable; the last part of its address
	Registry registry.Name
	Created  time.Time
	Answer   Answer
}

// Answer is what an inbox replies: settable, so that people can see retries and timeouts at work.
type Answer struct {
	Status int // 0 is 200
	Delay  time.Duration
}

// Code is the HTTP status of the answer.
func (a Answer) Code() int {
	if a.Status == 0 {
		return 200
	}
	return a.Status
}

// Received is one request that came to an inbox.
type Received struct {
	ID      int64 // grows with every request
	At      time.Time
	Method  string
	Query   string // the raw query, without "?"
	Addr    string
	Headers []Header
	Body    []byte
	Status  int // what was answered
}
