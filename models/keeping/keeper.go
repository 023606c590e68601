package keeping

import (
	"context"
	"log/slog"
	"time"
)

// Thing is one part of what is forgotten.
type Thing string

// The things.
const (
	Deliveries   Thing = "deliveries" // with their attempts
	Bodies       Thing = "payloads"
	Events       Thing = "events" // with the images that nothing else is about
	Arrivals     Thing = "requests of sources"
	Notices      Thing = "notices" // with their mails
	Requests     Thing = "requests to inboxes"
	EventHours   Thing = "counters of events"
	WebhookHours Thing = "counters of webhooks"
	AuditLog     Thing = "entries of the audit log"
)

// walks are what is forgotten, in order: payloads and events stay as long as a delivery needs them, and an event a day longer
// than what was sent because of it, so that a source that sends it again is still recognised.
var walks = []struct {
	thing Thing
	kind  Kind
	lag   time.Duration
}{
	{Deliveries, History, 0},
	{Bodies, History, 0},
	{Events, History, 24 * time.Hour},
	{Arrivals, History, 0},
	{Notices, History, 0},
	{Requests, Inbox, 0},
	{EventHours, Counters, 0},
	{WebhookHours, Counters, 0},
	{AuditLog, Audit, 0},
}

// Mark is a place in a walk through old rows; the zero one is its beginning.
type Mark struct {
	Key string
	ID  int64
}

// Step is a little that was forgotten in one write.
type Step struct {
	Forgotten int
	Next      Mark
	Done      bool          // nothing of this is left
	Worked    time.Duration // inside the write
	Held      time.Duration // until it was committed, with whatever shared the commit: nobody else wrote meanwhile
}

// Store is what forgetting needs of the database.
type Store interface {
	// Forget removes at most so many rows that are older than a moment, from a mark on. What waits or is being sent stays.
	Forget(ctx context.Context, what Thing, before time.Time, from Mark, most int) (Step, error)
}

// The pace: a step is as large as lets it work for this long, and the writer is left to others most of the time.
const (
	work        = 400 * time.Microsecond
	largestStep = 500
	rest        = 9 // times as long as a step held the writer
	shortest    = 2 * time.Millisecond
	longest     = 200 * time.Millisecond
)

// Keeper forgets what is older than its period. Several processes of a database may do so at once.
type Keeper struct {
	Store   Store
	Periods func(context.Context) (Periods, error)
	Now     func() time.Time
	Rest    func(context.Context, time.Duration) // between two steps; nil: that long
	Stepped func(Step)                           // after each step; may be nil
	Log     *slog.Logger
}

// Run forgets at once and with every tick, until ctx ends.
func (k *Keeper) Run(ctx context.Context, every <-chan time.Time) {
	for {
		gone, err := k.Forget(ctx)
		if err != nil && ctx.Err() == nil {
			k.Log.Error("old history is not forgotten yet", "error", err.Error())
		}
		for thing, n := range gone {
			k.Log.Info("old history is forgotten", "what", string(thing), "rows", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-every:
		}
	}
}

// Forget removes all that is older than its period, and says how much of what.
func (k *Keeper) Forget(ctx context.Context) (map[Thing]int, error) {
	gone := map[Thing]int{}
	periods, err := k.Periods(ctx)
	if err != nil {
		return gone, err
	}
	now := k.Now()
	for _, w := range walks {
		days := periods[w.kind]
		if days == Forever {
			continue
		}
		n, err := k.walk(ctx, w.thing, now.AddDate(0, 0, -days).Add(-w.lag))
		if n > 0 {
			gone[w.thing] = n
		}
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// walk forgets one thing step by step.
func (k *Keeper) walk(ctx context.Context, what Thing, before time.Time) (gone int, err error) {
	size := 1
	for step := (Step{}); !step.Done; {
		if err := ctx.Err(); err != nil {
			return gone, err
		}
		if step, err = k.Store.Forget(ctx, what, before, step.Next, size); err != nil {
			return gone, err
		}
		gone += step.Forgotten
		size = nextSize(size, step.Worked)
		if step.Forgotten == 0 { // nobody was held up
			continue
		}
		if k.Stepped != nil {
			k.Stepped(step)
		}
		k.rest(ctx, min(max(rest*step.Held, shortest), longest))
	}
	return gone, nil
}

// nextSize fits the next step into the time that a step may work.
func nextSize(size int, worked time.Duration) int {
	switch {
	case worked > work:
		return max(size/2, 1)
	case worked < work/2:
		return min(size*2, largestStep)
	default:
		return size
	}
}

func (k *Keeper) rest(ctx context.Context, d time.Duration) {
	if k.Rest != nil {
		k.Rest(ctx, d)
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
