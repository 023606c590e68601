package store_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

// TestWhatWaitsSaysWhy: every obstacle that the queue knows is told of the delivery that it keeps back, alone and in a list, and no
// longer when the queue lets it go.
func TestWhatWaitsSaysWhy(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		held := func(id delivery.ID, by delivery.Obstacle) delivery.Hold {
			t.Helper()
			got := q.stored(id).Hold
			page, err := q.db.Deliveries(t.Context(), delivery.Filter{Before: id + 1, Limit: 1})
			if err != nil || len(page.Deliveries) != 1 || page.Deliveries[0].Hold != got || got.By != by {
				t.Fatalf("held by %+v, in the list %+v (%v), want %q", got, page.Deliveries, err, by)
			}
			return got
		}
		// most in flight
		q.change(0, func(w *webhook.Webhook) { w.MaxInFlight = 1 })
		ids := q.waiting(0, 3)
		held(ids[1], "")
		jobs := q.claim(1, 5)
		if h := held(ids[1], delivery.ByTurn); h.Flying != 1 || h.Most != 1 {
			t.Errorf("by turn: %+v", h)
		}
		held(ids[0], "") // under way
		// Retry-After
		done := delivery.Next(jobs[0], q.attempt(jobs[0], 429), q.clock.now(), nil)
		done.Pause = time.Minute
		q.write(done)
		if h := held(ids[1], delivery.ByRetryAfter); !h.Until.Equal(q.clock.now().Add(time.Minute)) {
			t.Errorf("by Retry-After: %+v", h)
		}
		q.clock.advance(time.Minute)
		held(ids[1], "")
		// a rate, and the slower one of what a pause kept
		q.change(0, func(w *webhook.Webhook) { w.MaxInFlight, w.Rate = 0, 30 })
		jobs = q.claim(1, 5)
		q.finish(jobs, 200)
		if h := held(ids[2], delivery.ByRate); h.Rate != 30 || h.Drains || !h.Until.After(q.clock.now()) {
			t.Errorf("by rate: %+v", h)
		}
		q.pause(0)
		if h := held(ids[2], delivery.ByPause); !h.Since.Equal(q.clock.now()) {
			t.Errorf("by pause: %+v", h)
		}
		held(q.waiting(1, 1)[0], "")
		q.clock.advance(time.Second)
		c := &delivery.Controls{Store: q.db, Now: q.clock.now}
		if _, _, err := c.Resume(t.Context(), q.reg, q.hooks[0].Name, delivery.Resume{Send: delivery.SendAll, Drain: 6, By: "mei"}); err != nil {
			t.Fatal(err)
		}
		if h := held(ids[2], delivery.ByRate); h.Rate != 6 || !h.Drains {
			t.Errorf("by the rate of what waited: %+v", h)
		}
	})
}

// TestADeliveryNamesTheOneBefore it of the same repository, and an endpoint since when nothing answered there.
func TestADeliveryNamesTheOneBefore(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		push, _ := ordered(q)
		first, second, other := push("api"), push("api"), push("web")
		if h := q.stored(second).Hold; h.By != delivery.ByOrder || h.Behind != first {
			t.Errorf("the second of a repository: %+v, want behind %v", h, first)
		}
		if q.stored(first).Hold.By != "" || q.stored(other).Hold.By != "" {
			t.Error("the first of a repository is held")
		}
		var opened time.Time
		for range delivery.DeadAfter {
			opened = q.clock.now()
			q.refuse(q.claim(1, 5)...)
			push("db")
			q.clock.advance(time.Minute)
		}
		q.refuse(q.claim(1, 5)...) // a probe
		if h := q.stored(push("new")).Hold; h.By != delivery.ByCircuit || !h.Since.Equal(opened) {
			t.Errorf("at a dead endpoint: %+v, want since %v", h, opened)
		}
	})
}
