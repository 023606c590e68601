package store_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
)

// TestRecoverSendsAgainWhatFailed: since a moment, with a new schedule; what waits for a retry goes at once; nothing else moves.
func TestRecoverSendsAgainWhatFailed(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		mine, other := q.hooks[0], q.hooks[1]
		fail := func(state delivery.State, next time.Time, entry delivery.Entry) delivery.ID {
			t.Helper()
			q.record(entry)
			var done []delivery.Done
			for _, job := range q.claim(10, 10) {
				a := q.attempt(job, 500)
				del := job.Delivery
				del.State, del.Next, del.Retries, del.Last = state, next, 3, a.Result()
				done = append(done, delivery.Done{Attempt: a, Delivery: del})
			}
			q.write(done...)
			return entry.Deliveries[0].ID
		}
		early := fail(delivery.Failed, time.Time{}, q.entry(event.Push, mine))
		q.clock.advance(time.Hour)
		since := q.clock.now()
		late := fail(delivery.Failed, time.Time{}, q.entry(event.Push, mine))
		foreign := fail(delivery.Failed, time.Time{}, q.entry(event.Push, other))
		ping := fail(delivery.Failed, time.Time{}, q.entry(event.Ping, mine))
		retrying := fail(delivery.Pending, since.Add(5*time.Hour), q.entry(event.Push, mine))
		q.clock.advance(time.Minute)

		n, err := q.db.Recoverable(t.Context(), mine.ID, since)
		if want := (delivery.Recoverable{Failed: 1, Waiting: 1}); err != nil || n != want {
			t.Errorf("recoverable: %+v, %v, want %+v", n, err, want)
		}
		if n, err := q.db.Lost(t.Context(), mine.ID); err != nil || n.Failed != 1 || n.Waiting != 1 {
			t.Errorf("%+v, %v: there is something of both", n, err)
		}
		if n, err := q.db.Lost(t.Context(), q.hooks[len(q.hooks)-1].ID+"x"); err != nil || n.Total() != 0 {
			t.Errorf("%+v, %v of a webhook that is not there", n, err)
		}
		if n, _ := q.db.Recoverable(t.Context(), mine.ID, time.Time{}); n.Failed != 2 {
			t.Errorf("of any time: %+v, want 2 failed", n)
		}
		var steps []int
		for {
			n, err := q.db.Recover(t.Context(), mine.ID, since, q.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			steps = append(steps, n)
		}
		if len(steps) != 2 {
			t.Errorf("steps %v, want one for what failed and one for what waits", steps)
		}
		now := q.clock.now()
		for id, want := range map[delivery.ID]struct {
			state   delivery.State
			next    time.Time
			retries int
		}{
			early: {delivery.Failed, time.Time{}, 3}, late: {delivery.Pending, now, 0}, foreign: {delivery.Failed, time.Time{}, 3},
			ping: {delivery.Failed, time.Time{}, 3}, retrying: {delivery.Pending, now, 3},
		} {
			if got := q.stored(id); got.State != want.state || !got.Next.Equal(want.next) || got.Retries != want.retries {
				t.Errorf("%v: %s, next %v, %d retries; want %+v", id, got.State, got.Next, got.Retries, want)
			}
		}
		if jobs := q.claim(10, 10); len(jobs) != 2 || jobs[0].Delivery.ID != late {
			t.Errorf("claimed %v, want the two in the order in which they were made", idsOf(jobs))
		}
	})
}

// TestALargeRecoveryIsNotCountedForAPage: who asks gets the numbers as they were written last, those of the start before any are.
func TestALargeRecoveryIsNotCountedForAPage(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.db.CountedAtOnce(1)
		outbox := &delivery.Outbox{Store: q.db, Now: q.clock.now}
		far := func(delivered, waiting int) {
			t.Helper()
			got, ok, err := q.db.LastRecovery(t.Context(), q.hooks[0].ID)
			if err != nil || !ok || got.Total != 3 || got.Delivered != delivered || got.Waiting != waiting {
				t.Errorf("%+v (%v, %v), want %d delivered and %d waiting of 3", got, ok, err, delivered, waiting)
			}
		}
		count := func(old time.Time) {
			t.Helper()
			if err := q.db.CountRecoveries(t.Context(), old); err != nil {
				t.Fatal(err)
			}
		}
		q.waiting(0, 3)
		for _, job := range q.claim(3, 3) {
			q.end(job, delivery.Failed, time.Time{})
		}
		q.clock.advance(time.Minute)
		if n, err := outbox.Recover(t.Context(), q.reg, q.hooks[0].Name, time.Time{}, "mei"); n != 3 || err != nil {
			t.Fatalf("recovered %d, %v", n, err)
		}
		far(0, 3)
		q.clock.advance(time.Second)
		q.finish(q.claim(2, 2), 200)
		far(0, 3)
		count(q.clock.now())
		far(2, 1)
		q.finish(q.claim(1, 1), 200)
		count(q.clock.now().Add(-time.Second)) // it was counted since
		far(2, 1)
		count(q.clock.now())
		far(3, 0)
	})
}

// TestARecoveryTellsHowFarItIs: what arrived, failed again, waits and was dropped of what it sent again, and of nothing else; the next one
// begins anew.
func TestARecoveryTellsHowFarItIs(t *testing.T) {
	t.Run("counted at once", func(t *testing.T) { tellsHowFarItIs(t, 5, func(*queue) {}) })
	t.Run("counted now and then", func(t *testing.T) {
		tellsHowFarItIs(t, 0, func(q *queue) {
			if err := q.db.CountRecoveries(q.t.Context(), q.clock.now()); err != nil {
				q.t.Fatal(err)
			}
		})
	})
}

func tellsHowFarItIs(t *testing.T, atOnce int, count func(q *queue)) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.db.CountedAtOnce(atOnce)
		hook := q.hooks[0]
		outbox := &delivery.Outbox{Store: q.db, Now: q.clock.now}
		far := func(want delivery.Recovery) {
			t.Helper()
			count(q)
			got, ok, err := q.db.LastRecovery(t.Context(), hook.ID)
			got.HookID, got.Started, got.Since = "", time.Time{}, time.Time{}
			if want.By = "mei"; err != nil || !ok || got != want {
				t.Fatalf("%+v (%v, %v), want %+v", got, ok, err, want)
			}
		}
		if _, ok, err := q.db.LastRecovery(t.Context(), hook.ID); ok || err != nil {
			t.Fatalf("before the first: %v, %v", ok, err)
		}
		fail := func(jobs []delivery.Job, state delivery.State) {
			t.Helper()
			for _, job := range jobs {
				q.end(job, state, q.clock.now().Add(5*time.Hour))
			}
		}
		q.waiting(0, 5)
		jobs := q.claim(10, 10)
		fail(jobs[:4], delivery.Failed)
		fail(jobs[4:], delivery.Pending)
		q.clock.advance(time.Minute)
		q.waiting(0, 1) // not of the recovery
		if n, err := outbox.Recover(t.Context(), q.reg, hook.Name, time.Time{}, "mei"); n != 5 || err != nil {
			t.Fatalf("recovered %d, %v", n, err)
		}
		far(delivery.Recovery{Total: 5, Waiting: 5})
		q.clock.advance(time.Second)
		jobs = q.claim(3, 10)
		far(delivery.Recovery{Total: 5, Waiting: 5})
		q.finish(jobs[:1], 200)
		fail(jobs[1:2], delivery.Failed)
		fail(jobs[2:], delivery.Pending)
		far(delivery.Recovery{Total: 5, Delivered: 1, Failed: 2, Waiting: 2})
		c := &delivery.Controls{Store: q.db, Now: q.clock.now}
		q.clock.advance(time.Second)
		if _, err := c.Drop(t.Context(), hook, delivery.Which{}); err != nil {
			t.Fatal(err)
		}
		far(delivery.Recovery{Total: 5, Delivered: 1, Failed: 1})
		if n, err := outbox.Recover(t.Context(), q.reg, hook.Name, time.Time{}, "mei"); n != 1 || err != nil {
			t.Fatalf("recovered %d, %v", n, err)
		}
		far(delivery.Recovery{Total: 1, Waiting: 1})
	})
}
