package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/fault"
)

const (
	writeBatch = 256 // results that one Finish carries at most
	// gather is how long results are collected while at least half of the workers are busy: each webhook's figures are then
	// written once for many of them. Nobody waits for it: a worker goes on at once.
	gather = 2 * time.Millisecond
)

// results collects what workers bring and writes it: what comes while a Finish is committing goes into the next one,
// and a lone result does not wait for company. A result that could not be written is kept and tried again.
type results struct {
	d      *Dispatcher
	claims *claims

	mu      sync.Mutex
	waiting []delivery.Done
	closing bool
	come    chan struct{}      // something waits, or the workers are gone
	ctx     context.Context    //nolint:containedctx // of the Finish calls: it ends lastWrite after the workers
	cancel  context.CancelFunc // ends it
}

func newResults(d *Dispatcher, c *claims) *results {
	r := &results{d: d, claims: c, come: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *results) add(done delivery.Done) {
	r.mu.Lock()
	r.waiting = append(r.waiting, done)
	r.mu.Unlock()
	r.claims.ended(done)
	ring(r.come)
}

// close says that no more results come: write ends with the last of them, or gives up after a while.
func (r *results) close() {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	time.AfterFunc(lastWrite, r.cancel)
	ring(r.come)
}

func (r *results) take() (batch []delivery.Done, closing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), writeBatch)
	batch, r.waiting = r.waiting[:n:n], r.waiting[n:]
	if len(r.waiting) == 0 {
		r.waiting = make([]delivery.Done, 0, n) // as many may come again
	}
	return batch, r.closing
}

// write stores results until close was called and none is left.
func (r *results) write() error {
	defer r.cancel()
	var rest backoff
	for {
		if r.claims.busy() {
			time.Sleep(gather)
		}
		batch, closing := r.take()
		if len(batch) == 0 {
			if closing {
				return nil
			}
			<-r.come
			continue
		}
		left, err := r.finish(batch)
		if err == nil {
			rest.reset()
			continue
		}
		r.mu.Lock()
		r.waiting = append(left, r.waiting...)
		unwritten := len(r.waiting)
		r.mu.Unlock()
		pause := rest.next(r.d.Jitter)
		r.d.Log.Error("storing results failed", "error", err, "results", unwritten, "again_in", pause)
		if !r.sleep(pause) {
			return fmt.Errorf("%d results could not be stored; the next start records their attempts as interrupted: %w", unwritten, err)
		}
	}
}

// finish stores a batch and gives back what is left of it. When the database is there and refuses, the results are
// stored one by one, so that one which it does not take holds back no other.
func (r *results) finish(batch []delivery.Done) (left []delivery.Done, err error) {
	err = r.store(batch)
	if err == nil {
		r.stored(batch)
		return nil, nil
	}
	if len(batch) == 1 || fault.Is(err, fault.Unavailable) || r.ctx.Err() != nil {
		return batch, err
	}
	err = nil
	for _, done := range batch {
		one := []delivery.Done{done}
		if refused := r.store(one); refused != nil {
			left, err = append(left, done), refused
			continue
		}
		r.stored(one)
	}
	return left, err
}

func (r *results) store(batch []delivery.Done) error {
	ctx, cancel := context.WithTimeout(r.ctx, queueTimeout)
	defer cancel()
	return r.d.Queue.Finish(ctx, batch)
}

// stored tells whoever listens; nobody hears of a result before it is safe.
func (r *results) stored(batch []delivery.Done) {
	r.claims.stored(batch)
	for _, done := range batch {
		if r.d.Attempted != nil {
			r.d.Attempted(done)
		}
		if r.d.Feed != nil {
			del := done.Delivery
			r.d.Feed.Publish(delivery.Update{Registry: del.Registry, WebhookID: del.WebhookID, DeliveryID: del.ID, EventID: del.EventID})
		}
	}
}

// sleep waits; it reports false when the last chance to write is over.
func (r *results) sleep(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// backoff grows the pauses between tries at something that keeps failing.
type backoff struct{ pause time.Duration }

const (
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = 5 * time.Second
)

// next gives the pause before the next try: up to half of it is left to chance, so that machines do not come back together.
func (b *backoff) next(jitter func() float64) time.Duration {
	b.pause = min(max(2*b.pause, firstBackoff), mostBackoff)
	return b.pause/2 + time.Duration(jitter()*float64(b.pause/2))
}

func (b *backoff) reset() { b.pause = 0 }
