package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

func TestDeliversWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, feed, counted := newShelf(), answers(200, 10*time.Millisecond), &delivery.Feed{}, 0
		updates, cancel := feed.Subscribe("acmereg")
		defer cancel()
		d := &Dispatcher{Queue: q, Sender: s, Feed: feed, Jitter: noJitter, Attempted: func(delivery.Done) { counted++ }}
		before := q.put(hook("a"), event.Push)
		stop := running(t, d)
		synctest.Wait()
		later := q.put(hook("a"), event.Push)
		d.Wake()
		time.Sleep(time.Second)
		for _, id := range []delivery.ID{before, later} {
			ends := q.ends(id)
			if len(ends) != 1 || ends[0].Delivery.State != delivery.Delivered || ends[0].Attempt.Number != 1 {
				t.Errorf("delivery %s ended as %+v, want delivered at its first attempt", id, ends)
			}
		}
		if got := q.asked(); got.lease != defaultLease {
			t.Errorf("the lease is %v", got.lease)
		}
		if err := stop(); err != nil || counted != 2 {
			t.Errorf("stopped with %v after %d attempts counted, want nil and 2", err, counted)
		}
		for range 2 {
			if u := <-updates; u.WebhookID != "a" || u.EventID == "" || u.DeliveryID == 0 {
				t.Errorf("the feed says %+v", u)
			}
		}
	})
}

// TestSleeps keeps the dispatcher from polling: between due times it asks nothing but at the safety poll.
func TestSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Poll: time.Hour}
		running(t, d)
		time.Sleep(10*time.Hour - time.Minute)
		if got := q.asked(); len(got.claims) != 0 || got.looks > 10 {
			t.Errorf("ten idle hours took %d claims and %d looks, want none and one an hour", len(got.claims), got.looks)
		}
		q.mu.Lock() // whatever claims now waits, so that the calls come together
		for range 1000 {
			d.Wake() // must not block, and counts once or twice
		}
		q.mu.Unlock()
		synctest.Wait()
		if got := q.asked(); len(got.claims) > 2 {
			t.Errorf("1000 calls of Wake made %d claims", len(got.claims))
		}
	})
}

func TestRetriesAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(500, 0)
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Poll: 1000 * time.Hour} // no poll helps
		start := time.Now()
		id := q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(80 * time.Hour)
		want := []time.Duration{0}
		for _, wait := range (webhook.RetryPolicy{}).Waits() {
			want = append(want, want[len(want)-1]+wait)
		}
		got := s.times(id)
		if len(got) != 10 || want[9] != 75*time.Hour+35*time.Minute+5*time.Second {
			t.Fatalf("%d attempts, planned until %v; want 10 over 75 h 35 min", len(got), want[9])
		}
		for i, at := range got {
			if at.Sub(start) != want[i] {
				t.Errorf("attempt %d came after %v, want %v", i+1, at.Sub(start), want[i])
			}
		}
		if last := q.ends(id)[9].Delivery; last.State != delivery.Failed || last.Attempts != 10 {
			t.Errorf("ended as %s after %d attempts", last.State, last.Attempts)
		}
	})
}

func TestRetryAfterHoldsTheWebhookBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newShelf()
		s := &script{send: func(_ context.Context, job delivery.Job) delivery.Attempt {
			if job.Delivery.Attempts == 1 && job.Delivery.ID == 1 {
				return delivery.Attempt{Status: 503, Cause: delivery.CauseStatus, RetryAfter: 10 * time.Minute}
			}
			return delivery.Attempt{Status: 200}
		}}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Poll: 1000 * time.Hour}
		start := time.Now()
		first := q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(time.Minute)
		second, other := q.put(hook("a"), event.Push), q.put(hook("b"), event.Push)
		d.Wake()
		time.Sleep(time.Hour)
		if got := s.times(other)[0].Sub(start); got != time.Minute {
			t.Errorf("the other webhook's delivery came after %v", got)
		}
		for _, got := range [][]time.Time{s.times(first)[1:], s.times(second)} {
			if len(got) != 1 || got[0].Sub(start) != 10*time.Minute {
				t.Errorf("the paused webhook was called at %v, want 10 min after %v", got, start)
			}
		}
	})
}

func TestBoundsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 100*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Workers: 100}
		for i := range 2000 {
			q.put(hook(fmt.Sprintf("hook%02d", i%20)), event.Push)
		}
		stop := running(t, d)
		time.Sleep(time.Minute)
		stop()
		if got := len(s.sent); got != 2000 {
			t.Errorf("%d of 2000 sent", got)
		}
		if all, one := s.peak(""), s.peak("hook07"); all != 100 || one > mostInFlight {
			t.Errorf("%d in flight, want all 100 workers used; %d of one webhook, want at most %d", all, one, mostInFlight)
		}
		for _, n := range q.asked().claims {
			if n < 1 || n > batch {
				t.Fatalf("a claim asked for %d", n)
			}
		}
	})
}

// TestSlowStarvesNobody: thousands wait for a receiver that never answers, and the others go on as if it were not there.
func TestSlowStarvesNobody(t *testing.T) {
	for name, slow := range map[string]int{"one slow webhook": 1, "forty slow webhooks": 40} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newShelf()
				s := &script{send: func(ctx context.Context, job delivery.Job) delivery.Attempt {
					if strings.HasPrefix(job.Webhook.ID, "slow") {
						return answer(ctx, 0, 10*time.Second)
					}
					return answer(ctx, 200, 20*time.Millisecond)
				}}
				d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter}
				for i := range 1000 {
					q.put(hook(fmt.Sprintf("slow%02d", i%slow)), event.Push)
				}
				stop := running(t, d)
				put := map[delivery.ID]time.Time{}
				for i := range 100 {
					put[q.put(hook(fmt.Sprintf("quick%d", i%5)), event.Push)] = time.Now()
					d.Wake()
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(2 * time.Second)
				for id, at := range put {
					if got := s.times(id); len(got) != 1 || got[0].Sub(at) > time.Second {
						t.Fatalf("a healthy webhook's delivery of %v was sent at %v", at, got)
					}
				}
				s.mu.Lock()
				flying := 0
				for id, n := range s.flying {
					if strings.HasPrefix(id, "slow") {
						flying += n
					}
				}
				s.mu.Unlock()
				if flying > defaultWorkers/2 || flying == 0 {
					t.Errorf("slow webhooks hold %d of %d workers", flying, defaultWorkers)
				}
				d.Cut()
				stop()
			})
		})
	}
}

func TestResultsAreWrittenInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newShelf()
		q.commit = 50 * time.Millisecond
		s := &script{send: func(ctx context.Context, job delivery.Job) delivery.Attempt {
			return answer(ctx, 200, time.Duration(job.Delivery.ID)*10*time.Millisecond) // 10, 20, ... 80 ms
		}}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter}
		for i := range 8 {
			q.put(hook(fmt.Sprintf("hook%d", i)), event.Push)
		}
		stop := running(t, d)
		time.Sleep(time.Second)
		stop()
		var sizes []int
		for _, f := range q.asked().finishes {
			sizes = append(sizes, len(f))
		}
		// The first one goes alone at once (10 to 60 ms), then what came meanwhile (60 to 110 ms), then the rest.
		if fmt.Sprint(sizes) != "[1 4 3]" && fmt.Sprint(sizes) != "[1 5 2]" {
			t.Errorf("results were written in batches of %v", sizes)
		}
	})
}

// TestRefusedClaimIsNotSent keeps TRUST.md's rule: rows that come with an error were perhaps never committed.
func TestRefusedClaimIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 0)
		refusals := 0
		q.claimErr = func() error {
			if refusals++; refusals > 5 {
				return nil
			}
			return errors.New("commit refused")
		}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Lease: 10 * time.Second}
		id := q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(9 * time.Second)
		if len(s.times(id)) != 0 {
			t.Error("a delivery was sent although its claim failed")
		}
		for range 6 { // a lease each: the shelf kept what it handed out beside the error
			time.Sleep(12 * time.Second)
		}
		if got := s.times(id); len(got) != 1 {
			t.Errorf("sent %d times after the queue recovered, want once", len(got))
		}
	})
}

func TestClaimErrorsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 0)
		q.claimErr = func() error { return errors.New("the disk is gone") }
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Lease: time.Nanosecond}
		q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(10 * time.Minute)
		if got := len(q.asked().claims); got < 60 || got > 300 {
			t.Errorf("%d claims in ten minutes of refusals", got)
		}
	})
}

func TestResultsSurviveARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 0)
		var down atomic.Bool
		down.Store(true)
		q.finishErr = func([]delivery.Done) error {
			if down.Load() {
				return errors.New("the database is locked")
			}
			return nil
		}
		feed := &delivery.Feed{}
		updates, cancel := feed.Subscribe("acmereg")
		defer cancel()
		d := &Dispatcher{Queue: q, Sender: s, Feed: feed, Jitter: noJitter}
		for range 3 {
			q.put(hook("a"), event.Push)
		}
		stop := running(t, d)
		time.Sleep(time.Minute)
		if len(updates) != 0 {
			t.Error("browsers heard of a result that is not stored")
		}
		down.Store(false)
		time.Sleep(10 * time.Second)
		for id := range delivery.ID(3) {
			if ends := q.ends(id + 1); len(ends) != 1 || len(s.times(id+1)) != 1 {
				t.Errorf("delivery %d was sent %d times and has %d results, want one each", id+1, len(s.times(id+1)), len(ends))
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOneRefusedResultHoldsBackNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, time.Millisecond)
		poison := delivery.ID(2)
		q.finishErr = func(done []delivery.Done) error {
			for _, d := range done {
				if d.Delivery.ID == poison {
					return errors.New("this row cannot be stored")
				}
			}
			return nil
		}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter}
		for range 4 {
			q.put(hook("a"), event.Push)
		}
		stop := running(t, d)
		time.Sleep(time.Second)
		for id := range delivery.ID(4) {
			if got, want := len(q.ends(id+1)), 1; id+1 != poison && got != want {
				t.Errorf("delivery %d has %d results", id+1, got)
			}
		}
		if err := stop(); err == nil {
			t.Error("Run says nothing of the result that it could not store")
		}
	})
}

// TestBoundedMemory: while results cannot be stored, no more than a bounded number is sent.
func TestBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, time.Millisecond)
		q.finishErr = func([]delivery.Done) error { return errors.New("no") }
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Workers: 8, Lease: time.Second}
		for i := range 500 {
			q.put(hook(fmt.Sprint("hook", i)), event.Push)
		}
		stop := running(t, d)
		time.Sleep(time.Hour)
		synctest.Wait() // a sleep alone does not tell the race detector that the others stand still
		if got := len(s.sent); got > (mostUnwritten+1)*8 {
			t.Errorf("%d attempts were made while none could be stored", got)
		}
		stop()
	})
}

func TestAPanicCostsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, calls := newShelf(), 0
		s := &script{send: func(context.Context, delivery.Job) delivery.Attempt {
			if calls++; calls == 1 {
				panic("a bug")
			}
			return delivery.Attempt{Status: 200}
		}}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Workers: 1}
		id := q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(time.Minute)
		ends := q.ends(id)
		if len(ends) != 2 || ends[0].Attempt.Cause != delivery.CauseInternal || ends[0].Attempt.Sentence == "" || ends[1].Delivery.State != delivery.Delivered {
			t.Errorf("ended as %+v", ends)
		}
	})
}

// TestLogsOneLineWithoutSecrets puts a canary into every secret of a webhook.
func TestLogsOneLineWithoutSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		q, s := newShelf(), answers(500, 0)
		secret := hook("a")
		secret.ServiceURI = webhook.StoredURI("https://canary:canary@hooks.example.com/canary?token=canary")
		secret.Headers = webhook.Headers{{Name: "X-Key", Value: "canary"}}
		secret.SigningSecrets = []webhook.Secret{{Value: "whsec_canary"}}
		secret.Retry = webhook.RetryPolicy{Kind: webhook.RetryNone}
		q.put(secret, event.Push)
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Log: slog.New(slog.NewJSONHandler(&out, nil))}
		stop := running(t, d)
		time.Sleep(time.Second)
		stop()
		text := out.String()
		if strings.Count(text, "\n") != 1 || strings.Contains(text, "canary") || !strings.Contains(text, `"host":"hooks.example.com"`) || !strings.Contains(text, `"status":500`) {
			t.Errorf("the log says %s", text)
		}
	})
}
