package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// claims is the part of a run that decides when to ask the queue, holds what it gives, and hands it to the workers.
type claims struct {
	d       *Dispatcher
	jobs    chan<- delivery.Job // has room for every worker's job: putting one in never waits
	freed   chan struct{}       // a worker became free
	written chan struct{}       // results were stored

	mu       sync.Mutex
	pace     *pace
	soon     time.Time      // earliest time that a stored result asked for since the last look; zero: none
	returned []delivery.Job // to be given back to the queue
	turn     int64          // of the webhooks, when what is held was last looked through
	closed   bool           // nothing more is handed to workers

	wake time.Time // when to look next without being called
	held bool      // something is due that caps hold back: results that are stored make room for it
	full bool      // there is no room for more, and there may be more
	rest backoff
}

func newClaims(d *Dispatcher, jobs chan<- delivery.Job) *claims {
	return &claims{
		d: d, jobs: jobs, pace: newPace(d.Workers, d.Alone),
		freed: make(chan struct{}, 1), written: make(chan struct{}, 1),
	}
}

// run claims until ctx ends. A claim that is under way then goes on in the working context, for one that is broken off
// may have been committed, and its deliveries would have to wait for the end of their lease. It sleeps until something is due, somebody calls Wake, or room appears for what was held back.
func (c *claims) run(ctx, working context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(min(max(c.wake.Sub(c.d.Now()), 0), c.d.Poll)) // a clock that is set must not make it longer
		select {
		case <-ctx.Done():
			return
		case <-c.d.bell:
			c.giveBack(working)
			c.fill(ctx, working)
		case <-timer.C:
			c.look(ctx, working)
		case <-c.freed:
			if c.full && c.low() {
				c.fill(ctx, working)
			}
		case <-c.written:
			c.takeSoon()
			if c.held && c.low() {
				c.fill(ctx, working)
			}
		}
	}
}

// busy reports whether at least half of the workers send.
func (c *claims) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 2*c.pace.flying >= c.pace.workers && c.pace.unwritten < c.pace.workers
}

func (c *claims) low() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pace.low()
}

// look asks when something is due and claims only then.
func (c *claims) look(ctx, working context.Context) {
	c.mu.Lock()
	c.pace.forget(c.d.Now())
	c.mu.Unlock()
	if c.due(working, c.d.Now()) {
		c.fill(ctx, working)
	}
}

// due sets the time of the next look and reports whether something was due at the given time.
func (c *claims) due(ctx context.Context, now time.Time) bool {
	asking, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	due, err := c.d.Queue.NextDue(asking)
	if err != nil {
		c.failed(ctx, "asking what is due", err)
		return false
	}
	c.mu.Lock()
	c.pace.stillBehind(due.Waiting)
	c.mu.Unlock()
	c.wake = c.d.Now().Add(c.d.Poll)
	if !due.At.IsZero() && due.At.Before(c.wake) {
		c.wake = due.At
	}
	return !due.At.IsZero() && !due.At.After(now)
}

// fill claims until the workers are busy or nothing more is to be had.
func (c *claims) fill(ctx, working context.Context) {
	c.held, c.full = false, false
	for ctx.Err() == nil {
		c.mu.Lock()
		asks := c.pace.next()
		c.full = c.pace.free() <= 0
		c.mu.Unlock()
		if len(asks) == 0 {
			c.hold(!c.full)
			return
		}
		asked := c.d.Now()
		more, err := c.claim(working, asks)
		if err != nil {
			c.failed(working, "claiming deliveries", err)
			return
		}
		if more {
			continue
		}
		c.rest.reset()
		if !c.due(working, asked) {
			if !c.wake.After(c.d.Now()) {
				continue // it became due while we asked
			}
			return
		}
		c.hold(true)
		return
	}
}

// hold waits for room: for a stored result or a free worker, and looks by itself now and then.
func (c *claims) hold(held bool) {
	c.held = held
	c.wake = c.d.Now().Add(heldPoll)
}

// claim makes the asks in order until one gives as much as it may; it reports whether there may be more.
func (c *claims) claim(ctx context.Context, asks []ask) (more bool, err error) {
	for _, a := range asks {
		got, err := c.ask(ctx, a)
		if err != nil {
			return false, err // what was claimed, if anything, must not be sent
		}
		c.mu.Lock()
		for i := range got {
			c.pace.took(&got[i], c.d.Now())
			if len(got) >= a.n { // there may be more
				c.pace.behind[got[i].Delivery.WebhookID] = true
			}
		}
		if len(got) < a.n {
			c.pace.caughtUp()
		}
		c.hand()
		c.mu.Unlock()
		if len(got) >= a.n {
			return true, nil
		}
	}
	return false, nil
}

func (c *claims) ask(ctx context.Context, a ask) ([]delivery.Job, error) {
	asking, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	return c.d.Queue.Claim(asking, a.n, a.caps, c.d.Lease)
}

// failed waits a little longer after every refusal of the database in a row.
func (c *claims) failed(ctx context.Context, doing string, err error) {
	if ctx.Err() != nil {
		return
	}
	pause := c.rest.next(c.d.Jitter)
	c.wake = c.d.Now().Add(pause)
	c.d.Log.ErrorContext(ctx, doing+" failed", "error", err, "again_in", pause)
}

// ended is told by a worker that an attempt is over.
func (c *claims) ended(done delivery.Done) {
	id := done.Delivery.WebhookID
	c.mu.Lock()
	c.put(c.pace.ended(id, done.Attempt, c.d.Now()))
	if done.Pause > 0 || done.Disable != "" {
		c.put(c.pace.drop(id))
	}
	c.hand()
	c.mu.Unlock()
	ring(c.freed)
}

// hand gives the workers what is held, as far as they are free. What became out of date while it was held goes back to the queue.
func (c *claims) hand() {
	if c.closed {
		return
	}
	c.pace.members = max(int(c.d.members.Load()), 1)
	turn := c.d.Queue.Turn()
	for {
		job, ok := c.pace.begin()
		if !ok {
			return
		}
		if job.Turn != turn {
			c.pace.unbegin(job)
			c.put([]delivery.Job{job})
			continue
		}
		c.jobs <- job
	}
}

// put keeps deliveries to be given back to the queue.
func (c *claims) put(jobs []delivery.Job) {
	if len(jobs) > 0 {
		c.returned = append(c.returned, jobs...)
		ring(c.d.bell)
	}
}

// giveBack returns deliveries to the queue, with those that became out of date.
func (c *claims) giveBack(ctx context.Context) {
	turn := c.d.Queue.Turn()
	c.mu.Lock()
	jobs := c.returned
	c.returned = nil
	if turn != c.turn {
		c.turn = turn
		jobs = append(jobs, c.pace.dropOlder(turn)...)
	}
	c.mu.Unlock()
	_ = c.d.release(ctx, jobs) // logged; what is not given back is free when its lease ends
}

func (c *claims) reserve(hook *webhook.Webhook, action event.Action) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && c.pace.reserve(hook, action)
}

func (c *claims) unreserve(jobs []delivery.Job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range jobs {
		c.pace.unreserve(&jobs[i])
	}
}

// startReserved hands over what was reserved and is stored now; it reports false when it is too late for that.
func (c *claims) startReserved(jobs []delivery.Job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	now := c.d.Now()
	for i := range jobs {
		c.pace.unreserve(&jobs[i])
		c.pace.took(&jobs[i], now)
	}
	c.hand()
	return true
}

// close ends the handing over and gives what no worker has back to the queue.
func (c *claims) close() error {
	c.mu.Lock()
	c.closed = true
	jobs := slices.Concat(c.returned, c.pace.dropAll())
	c.returned = nil
	c.mu.Unlock()
	return c.d.release(context.Background(), jobs)
}

// stored is told that results are in the queue again, with what they ask for next.
func (c *claims) stored(batch []delivery.Done) {
	now := c.d.Now()
	c.mu.Lock()
	c.pace.unwritten -= len(batch)
	for _, done := range batch {
		if done.Delivery.State == delivery.Pending {
			c.sooner(done.Delivery.Next)
		}
		if done.Delivery.Action == event.Ping && done.Attempt.Status != 0 { // whoever answers is not probed any more
			c.sooner(now)
		}
		if done.Delivery.Lane != "" { // what stands behind it in its lane may go
			c.sooner(now)
		}
		if done.Pause > 0 {
			c.sooner(now.Add(done.Pause))
		}
	}
	c.hand()
	c.mu.Unlock()
	ring(c.written)
}

func (c *claims) sooner(at time.Time) {
	if c.soon.IsZero() || at.Before(c.soon) {
		c.soon = at
	}
}

// takeSoon moves the next look forward to what stored results asked for.
func (c *claims) takeSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.soon.IsZero() && c.soon.Before(c.wake) {
		c.wake = c.soon
	}
	c.soon = time.Time{}
}
