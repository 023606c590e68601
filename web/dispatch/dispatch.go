// Package dispatch is the door out: it claims due deliveries, sends each with one POST and writes back what came of it.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/failpoint"
	"dockbell/models/webhook"
)

// Queue holds the deliveries that wait.
type Queue interface {
	// Claim gives up to n due deliveries to this process alone until the lease ends, and counts their attempts. What it
	// returns may be sent only when the error is nil.
	Claim(ctx context.Context, n int, caps delivery.Caps, lease time.Duration) ([]delivery.Job, error)
	// Finish stores the ends of attempts and what follows from them, all or none.
	Finish(ctx context.Context, done []delivery.Done) error
	// Release gives claims back of which nothing was sent.
	Release(ctx context.Context, jobs []delivery.Job) error
	// NextDue says when a Claim could next give something, and for which webhooks something is due.
	NextDue(ctx context.Context) (delivery.Due, error)
	// Turn counts the changes of webhooks: a claim of an earlier turn may be out of date.
	Turn() int64
}

// Sender makes one attempt. When its context is cancelled it returns soon, with the cause "interrupted".
type Sender interface {
	Send(ctx context.Context, job delivery.Job) delivery.Attempt
}

// Defaults and bounds of a Dispatcher.
const (
	defaultWorkers = 64
	defaultLease   = 2 * time.Minute  // longer than the longest attempt and the writing of its result
	defaultGrace   = 25 * time.Second // for attempts in flight when the program stops
	defaultPoll    = 30 * time.Second
	lastWrite      = 4 * time.Second  // for the results of those attempts, after the grace
	queueTimeout   = 30 * time.Second // of one call to the queue
	heldPoll       = time.Second      // until the next look when due deliveries are held back by caps
)

// Dispatcher sends what is due: workers take claimed deliveries, their results are written in batches. The fields are
// set before Run and not changed afterwards; those that say so have a default.
type Dispatcher struct {
	Queue     Queue
	Sender    Sender
	Feed      *delivery.Feed      // hears of every result that is stored; may be nil
	Log       *slog.Logger        // default: nowhere
	Attempted func(delivery.Done) // counts attempts for the metrics; may be nil
	Workers   int                 // deliveries in flight; default 64
	Alone     bool                // no other process takes from the queue
	Lease     time.Duration       // default 2 min
	Grace     time.Duration       // how long attempts in flight may go on after the end of Run's context; default 25 s
	Poll      time.Duration       // longest sleep, for work of other machines that nobody wakes us for; default 30 s
	Now       func() time.Time    // default time.Now
	Jitter    func() float64      // numbers from 0 up to 1; default random

	running atomic.Pointer[claims] // while deliveries can be started
	once    sync.Once
	bell    chan struct{} // holds one Wake
	cut     chan struct{} // closed by Cut
	cutOnce sync.Once
	flying  atomic.Int64
	members atomic.Int64
}

// Wake says that there is work. It never blocks; calls that come together count as one.
func (d *Dispatcher) Wake() {
	d.init()
	ring(d.bell)
}

// Share says how many processes take from the queue, this one among them.
func (d *Dispatcher) Share(members int) { d.members.Store(int64(members)) }

// Cut ends the grace that attempts in flight have after the end of Run's context.
func (d *Dispatcher) Cut() {
	d.init()
	d.cutOnce.Do(func() { close(d.cut) })
}

func (d *Dispatcher) init() {
	d.once.Do(func() { d.bell, d.cut = make(chan struct{}, 1), make(chan struct{}) })
}

// Run sends what is due until ctx ends. Then it claims nothing more, gives attempts in flight the grace to finish, writes
// their results and returns: within the grace and five seconds. The error says what could not be written. It runs once.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.init()
	d.defaults()
	working, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	go d.endGrace(ctx, working, interrupt)

	jobs := make(chan delivery.Job, d.Workers)
	c := newClaims(d, jobs)
	d.running.Store(c)
	r := newResults(d, c)
	writing := make(chan error, 1)
	go func() { writing <- r.write() }()
	var workers sync.WaitGroup
	for range d.Workers {
		workers.Go(func() {
			for job := range jobs {
				r.add(d.attempt(working, job))
			}
		})
	}
	c.run(ctx, working)
	d.running.Store(nil)
	unsent := c.close()
	close(jobs)
	left := wait(&workers, working)
	r.close()
	return errors.Join(left, unsent, <-writing)
}

// Reserve takes room for a delivery that is being stored (delivery.Starter).
func (d *Dispatcher) Reserve(hook *webhook.Webhook, action event.Action) (lease time.Duration, ok bool) {
	c := d.running.Load()
	if c == nil || !c.reserve(hook, action) {
		return 0, false
	}
	return d.Lease, true
}

// GiveBack ends reservations of which nothing was stored.
func (d *Dispatcher) GiveBack(jobs []delivery.Job) {
	if c := d.running.Load(); c != nil {
		c.unreserve(jobs)
	}
}

// Start sends what was reserved and stored. While the dispatcher stops it goes back to the queue.
func (d *Dispatcher) Start(jobs []delivery.Job) {
	if c := d.running.Load(); c == nil || !c.startReserved(jobs) {
		_ = d.release(context.Background(), jobs) // logged; their lease ends in any case
	}
}

// release gives claims back to the queue. Where that fails they are recorded as interrupted when their lease ends.
func (d *Dispatcher) release(ctx context.Context, jobs []delivery.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lastWrite)
	defer cancel()
	err := d.Queue.Release(ctx, jobs)
	if err != nil {
		d.Log.Error("giving deliveries back failed", "error", err, "deliveries", len(jobs))
	}
	return err
}

func (d *Dispatcher) defaults() {
	d.Workers = orDefault(d.Workers, defaultWorkers)
	d.Lease = orDefault(d.Lease, defaultLease)
	d.Grace = orDefault(d.Grace, defaultGrace)
	d.Poll = orDefault(d.Poll, defaultPoll)
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Jitter == nil {
		d.Jitter = rand.Float64
	}
}

func orDefault[T int | time.Duration](given, otherwise T) T {
	if given <= 0 {
		return otherwise
	}
	return given
}

// endGrace interrupts what still works when the grace after the end of ctx is over.
func (d *Dispatcher) endGrace(ctx, working context.Context, interrupt func()) {
	select {
	case <-ctx.Done():
	case <-working.Done():
		return
	}
	grace := time.NewTimer(d.Grace)
	defer grace.Stop()
	select {
	case <-grace.C:
	case <-d.cut:
	case <-working.Done():
	}
	interrupt()
}

// wait returns when the workers are done; one that does not even end when it is interrupted is left behind.
func wait(workers *sync.WaitGroup, working context.Context) error { //nolint:revive // the context is what is waited for, not what bounds the call
	idle := make(chan struct{})
	go func() {
		workers.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-working.Done():
	}
	stuck := time.NewTimer(time.Second)
	defer stuck.Stop()
	select {
	case <-idle:
		return nil
	case <-stuck.C:
		return errors.New("an attempt did not end when it was interrupted; the next start records it")
	}
}

// Flying is how many attempts are in flight.
func (d *Dispatcher) Flying() int { return int(d.flying.Load()) }

// attempt sends one delivery and decides what follows.
func (d *Dispatcher) attempt(ctx context.Context, job delivery.Job) delivery.Done {
	d.flying.Add(1)
	defer d.flying.Add(-1)
	done := delivery.Next(job, d.send(ctx, job), d.Now(), d.Jitter)
	d.tell(ctx, job, done)
	return done
}

// send asks the sender. One that panics costs an attempt, not the program.
func (d *Dispatcher) send(ctx context.Context, job delivery.Job) (att delivery.Attempt) {
	started := d.Now()
	defer func() {
		if fault := recover(); fault != nil {
			d.Log.ErrorContext(ctx, "sending failed inside", "delivery", job.Delivery.ID, "panic", fmt.Sprint(fault))
			att = delivery.Attempt{
				DeliveryID: job.Delivery.ID, Number: job.Delivery.Attempts, Started: started, Duration: d.Now().Sub(started),
				RequestURI: job.Webhook.ServiceURI.Masked(),
				Cause:      delivery.CauseInternal, Sentence: delivery.Sentence(delivery.CauseInternal, delivery.Facts{}),
			}
		}
	}()
	failpoint.Hit(failpoint.Claimed)
	att = d.Sender.Send(ctx, job)
	failpoint.Hit(failpoint.Sent)
	return att
}

// tell writes the attempt's line: everything a search could ask for, and no secret. Of the service URI it names the host
// alone, for people put tokens into paths and queries.
func (d *Dispatcher) tell(ctx context.Context, job delivery.Job, done delivery.Done) {
	att, del, level := done.Attempt, done.Delivery, slog.LevelInfo
	if !att.Succeeded() {
		level = slog.LevelWarn
	}
	if !d.Log.Enabled(ctx, level) {
		return
	}
	d.Log.LogAttrs(ctx, level, "attempt",
		slog.Int64("delivery", int64(del.ID)), slog.String("event", string(del.EventID)), slog.String("registry", string(del.Registry)),
		slog.String("webhook", string(del.Webhook)), slog.String("action", string(del.Action)), slog.String("image", del.Image.String()),
		slog.String("host", job.Webhook.ServiceURI.Authority()), slog.String("remote", att.RemoteAddr),
		slog.Int("attempt", att.Number), slog.Int("status", att.Status), slog.String("cause", string(att.Cause)),
		slog.Duration("duration", att.Duration), slog.Duration("dns", att.Phases.DNS), slog.Duration("connect", att.Phases.Connect),
		slog.Duration("tls", att.Phases.TLS), slog.Duration("first_byte", att.Phases.FirstByte),
		slog.String("state", string(del.State)), slog.Time("next", del.Next), slog.Duration("pause", done.Pause), slog.String("disabled", done.Disable),
	)
}

// ring puts a signal into a channel that holds one.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
