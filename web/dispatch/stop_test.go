package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
)

// TestStop: what is in flight may finish, what does not is interrupted, every result is stored, nothing more is claimed.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newShelf()
		s := &script{send: func(ctx context.Context, job delivery.Job) delivery.Attempt {
			return answer(ctx, 200, map[string]time.Duration{"quick": 20 * time.Second, "hangs": 100 * time.Second}[job.Webhook.ID])
		}}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter}
		quick, hangs := q.put(hook("quick"), event.Push), q.put(hook("hangs"), event.Push)
		stop := running(t, d)
		time.Sleep(time.Second)
		late := q.put(hook("late"), event.Push)
		asked := time.Now()
		go func() { // work that comes while it stops
			for range 20 {
				time.Sleep(time.Second)
				d.Wake()
			}
		}()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(asked); took < 25*time.Second || took > 26*time.Second {
			t.Errorf("stopping took %v, want the grace of 25 s", took)
		}
		if ends := q.ends(quick); len(ends) != 1 || ends[0].Delivery.State != delivery.Delivered {
			t.Errorf("the one that finished in time ended as %+v", ends)
		}
		if ends := q.ends(hangs); len(ends) != 1 || ends[0].Attempt.Cause != delivery.CauseInterrupted || ends[0].Delivery.State != delivery.Pending || ends[0].Delivery.Next.IsZero() {
			t.Errorf("the one that hung ended as %+v", ends)
		}
		if len(s.times(late)) != 0 {
			t.Error("a delivery was claimed while stopping")
		}
		synctest.Wait()
		time.Sleep(time.Minute)
	})
}

func TestStopAtOnceWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := running(t, &Dispatcher{Queue: newShelf(), Sender: answers(200, 0)})
		time.Sleep(time.Minute)
		asked := time.Now()
		if err := stop(); err != nil || time.Since(asked) != 0 {
			t.Errorf("stopped with %v after %v", err, time.Since(asked))
		}
	})
}

func TestCutEndsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 100*time.Second)
		d := &Dispatcher{Queue: q, Sender: s}
		id := q.put(hook("a"), event.Push)
		stop := running(t, d)
		time.Sleep(time.Second)
		asked := time.Now()
		time.AfterFunc(3*time.Second, d.Cut)
		if err := stop(); err != nil || time.Since(asked) != 3*time.Second {
			t.Errorf("stopped with %v after %v, want 3 s", err, time.Since(asked))
		}
		if ends := q.ends(id); len(ends) != 1 || ends[0].Attempt.Cause != delivery.CauseInterrupted {
			t.Errorf("ended as %+v", ends)
		}
	})
}

// TestStopWithinTheLimit: neither a database that is gone nor a sender that hangs keeps the program from ending.
func TestStopWithinTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newShelf()
		q.finishErr = func([]delivery.Done) error { return errors.New("gone") }
		d := &Dispatcher{Queue: q, Sender: answers(200, 100*time.Second), Jitter: noJitter}
		q.put(hook("a"), event.Push)
		stop := running(t, d)
		time.Sleep(time.Second)
		asked := time.Now()
		err := stop()
		if took := time.Since(asked); err == nil || took > 30*time.Second {
			t.Errorf("stopped after %v with %v, want an error within 30 s", took, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		q, release := newShelf(), make(chan struct{})
		s := &script{send: func(context.Context, delivery.Job) delivery.Attempt {
			<-release // deaf to its context
			return delivery.Attempt{Status: 200}
		}}
		q.put(hook("a"), event.Push)
		stop := running(t, &Dispatcher{Queue: q, Sender: s})
		time.Sleep(time.Second)
		asked := time.Now()
		err := stop()
		if took := time.Since(asked); err == nil || took > 30*time.Second {
			t.Errorf("stopped after %v with %v, want an error within 30 s", took, err)
		}
		close(release)
		synctest.Wait()
	})
}

// stalled is a shelf whose Claim takes what it gets and answers only after a while.
type stalled struct {
	*shelf
	takes time.Duration
}

func (s stalled) Claim(ctx context.Context, n int, caps delivery.Caps, lease time.Duration) ([]delivery.Job, error) {
	got, err := s.shelf.Claim(ctx, n, caps, lease)
	select {
	case <-time.After(s.takes):
		return got, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestStopDuringAClaim: a claim that was committed is sent, so that nothing waits for the end of a lease.
func TestStopDuringAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := stalled{newShelf(), 2 * time.Second}
		s := answers(200, time.Second)
		id := q.put(hook("a"), event.Push)
		stop := running(t, &Dispatcher{Queue: q, Sender: s})
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if ends := q.ends(id); len(ends) != 1 || ends[0].Delivery.State != delivery.Delivered {
			t.Errorf("ended as %+v", ends)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		q := stalled{newShelf(), time.Hour}
		q.put(hook("a"), event.Push)
		stop := running(t, &Dispatcher{Queue: q, Sender: answers(200, 0)})
		time.Sleep(time.Second)
		asked := time.Now()
		stop()
		if took := time.Since(asked); took > 30*time.Second {
			t.Errorf("a queue that hangs kept it for %v", took)
		}
	})
}

// TestLeaseOfTheDead: what a killed process held is sent by the next one after the lease, with the attempt counted.
func TestLeaseOfTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 0)
		start := time.Now()
		id := q.put(hook("a"), event.Push)
		if _, err := q.Claim(t.Context(), 1, delivery.Caps{Default: 1}, 90*time.Second); err != nil {
			t.Fatal(err)
		}
		running(t, &Dispatcher{Queue: q, Sender: s, Poll: time.Hour})
		time.Sleep(5 * time.Minute)
		if got := s.times(id); len(got) != 1 || got[0].Sub(start) != 90*time.Second {
			t.Errorf("sent at %v, want 90 s after %v", got, start)
		}
		if ends := q.ends(id); len(ends) != 1 || ends[0].Attempt.Number != 2 {
			t.Errorf("ended as %+v, want the second attempt", ends)
		}
	})
}
