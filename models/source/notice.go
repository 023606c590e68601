package source

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"dockbell/models/event"
)

// What is what a sender says happened.
type What string

// What can happen. Everything else is of no use, and ignored.
const (
	Pushed   What = "pushed"   // a manifest, under Target.Tag or by its digest alone
	Deleted  What = "deleted"  // the manifest of Target.Digest, with its tags
	Untagged What = "untagged" // Target.Tag alone
	Held     What = "held"     // a manifest is kept in quarantine
)

// Notice is one event as its sender tells it: nothing in it has been checked.
type Notice struct {
	ID      string // the sender's, as it is told back
	Key     string // by which it is known when it comes again; empty: its ID
	What    What   // empty: it is ignored, for the reason Why
	Why     string
	Wrong   string // it cannot be read, for this reason
	Time    string // RFC 3339; empty: now
	Target  event.Target
	Config  string   // media type of the manifest's config, where it is told
	Relayed bool     // its sender goes by Azure's rules: what it tells is told on
	Carried []string // Deleted: the tags that the sender says it had
	Request event.Request
	Actor   string
}

// Outcome is what became of an event.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"
	Duplicate Outcome = "duplicate" // it came before
	Ignored   Outcome = "ignored"   // it is of no use here
	Rejected  Outcome = "rejected"  // it breaks a rule
)

// Verdict is the outcome of one event of a body.
type Verdict struct {
	ID      string // the sender's, or one made of what it says
	Outcome Outcome
	Reason  string
	Event   event.ID // Accepted, Duplicate: the house's event
	Differs bool     // Duplicate: what came before says something else
}

// Arrival is one request of a source: its body and what became of each event in it.
type Arrival struct {
	Source   Source
	At       time.Time
	Type     string // of its content
	Addr     string
	Body     []byte
	Verdicts []Verdict // in the order of the events
	Images   []Image   // what raised no event and is to be remembered
}

// Arrived is an arrival as it is kept.
type Arrived struct {
	ID int64 // grows with time
	Arrival
}

// Tally counts the verdicts.
func (a Arrival) Tally() Counts {
	c := Counts{Last: a.At}
	for _, v := range a.Verdicts {
		switch v.Outcome {
		case Accepted:
			c.Accepted++
		case Duplicate:
			c.Duplicates++
		case Ignored:
			c.Ignored++
		case Rejected:
			c.Rejected++
		}
	}
	return c
}

// eventID is the house's ID of a source's event: the same each time that it comes, and of no other source's.
func (s Source) eventID(key string) event.ID {
	sum := sha256.Sum256([]byte(s.ID + "\n" + key))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80 // the form of a version 4 UUID
	id := hex.EncodeToString(sum[:16])
	return event.ID(id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:])
}
