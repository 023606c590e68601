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
