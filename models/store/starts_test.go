package store_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
)

// TestALeaseBeginsWhenItIsStored: a delivery that is started at once is in flight from then on, however long ago it was made.
func TestALeaseBeginsWhenItIsStored(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		entry := q.entry(event.Push, q.hooks[0])
		entry.Deliveries[0].Lease, entry.Deliveries[0].Attempts = lease, 1
		q.clock.advance(time.Minute)
		q.record(entry)
		q.clock.advance(lease - time.Microsecond)
		if jobs := q.claim(1, 1); len(jobs) != 0 {
			t.Errorf("it was claimed before its lease ended: %+v", jobs)
		}
		q.clock.advance(time.Microsecond)
		if jobs := q.claim(1, 1); len(jobs) != 1 {
			t.Error("it was not claimed when its lease ended")
		}
	})
}

// TestWhatJustBeganToWaitIsNoBacklog: of several processes one claims in the next moment what another one stored. What is held back
// is one from the beginning.
func TestWhatJustBeganToWaitIsNoBacklog(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		backlog := func(want int) {
			t.Helper()
			due, err := q.db.NextDue(t.Context())
			if err != nil || len(due.Waiting) != want || !due.At.Equal(noon) {
				t.Errorf("%+v, %v, want a backlog of %d webhooks", due, err, want)
			}
		}
		q.waiting(0, 2)
		if q.db.Postgres() {
			backlog(0)
			q.clock.advance(time.Second - time.Microsecond)
			backlog(0)
			q.clock.advance(time.Microsecond)
		}
		backlog(1)
		setState(t, q, "update webhook_states set paused_until = ? where webhook_id = ?", q.clock.now().Add(time.Hour).UnixMicro(), q.hooks[1].ID)
		q.waiting(1, 1)
		backlog(2)
	})
}

// TestTroublesOfAWebhookAreKnownEverywhere: what one process learned of a webhook keeps the others from starting deliveries without the
// queue, which counts and holds back for all of them.
func TestTroublesOfAWebhookAreKnownEverywhere(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		if !q.db.Postgres() { // one process knows what it did
			return
		}
		troubled := func(want bool) {
			t.Helper()
			for range 2 { // opened, then remembered
				hooks, err := q.db.Subscribers(t.Context(), q.reg)
				if err != nil || len(hooks) != 2 || hooks[0].Troubled != want || hooks[0].Controlled() != want || hooks[1].Troubled {
					t.Errorf("%v: %+v, want the first one troubled: %v", err, hooks, want)
				}
			}
		}
		troubled(false)
		set := func(column string, value int64) {
			setState(t, q, "update webhook_states set "+column+" = ? where webhook_id = ?", value, q.hooks[0].ID)
		}
		for _, column := range []string{"failing_since", "paused_until", "probe_gap", "drain_last"} {
			set(column, noon.Add(time.Hour).UnixMicro())
			troubled(true)
			set(column, 0)
			troubled(false)
		}
		q.waiting(0, 1)
		jobs := q.claim(1, 1)
		a := q.attempt(jobs[0], 503)
		a.RetryAfter = time.Hour
		q.write(delivery.Next(jobs[0], a, q.clock.now(), nil))
		troubled(true)
	})
}

// setState changes the state of a webhook as another process would.
func setState(t *testing.T, q *queue, statement string, args ...any) {
	t.Helper()
	if err := q.db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error }); err != nil {
		t.Fatal(err)
	}
}
