package store_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

// refuse ends jobs as if nothing listened at their endpoint.
func (q *queue) refuse(jobs ...delivery.Job) {
	q.t.Helper()
	var done []delivery.Done
	for _, job := range jobs {
		a := q.attempt(job, 0)
		a.Cause = delivery.CauseRefused
		done = append(done, delivery.Next(job, a, q.clock.now(), nil))
	}
	q.write(done...)
}

// TestADeadEndpointIsProbed: after some attempts in a row one delivery at a time is tried, with growing gaps; those that were not sent
// lose no attempt, another webhook is not held back, and the first answer lets everything through.
func TestADeadEndpointIsProbed(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		waiting := q.waiting(0, 20)
		jobs := q.claim(8, 8)
		q.refuse(jobs...)
		if jobs := q.claim(10, 10); len(jobs) != 0 {
			t.Fatalf("%d deliveries go to an endpoint where nothing listens", len(jobs))
		}
		q.due("1s")
		h := q.health(0)
		if !h.Circuit.Open() || h.Circuit.Dead != 8 || !h.Circuit.ProbeAt.Equal(q.clock.now().Add(time.Second)) {
			t.Errorf("health: %+v", h.Circuit)
		}
		other := q.waiting(1, 1)
		if jobs := q.claim(10, 10); len(jobs) != 1 || jobs[0].Delivery.ID != other[0] {
			t.Errorf("claimed %v, want the other webhook's", idsOf(jobs))
		} else {
			q.finish(jobs, 200)
		}
		for _, gap := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			q.clock.advance(gap - time.Millisecond)
			if jobs := q.claim(10, 10); len(jobs) != 0 {
				t.Fatalf("%d were sent before the probe was due", len(jobs))
			}
			q.clock.advance(time.Millisecond)
			jobs := q.claim(10, 10)
			if len(jobs) != 1 || len(q.claim(10, 10)) != 0 {
				t.Fatalf("%d and more are the probe, want one", len(jobs))
			}
			q.refuse(jobs...)
		}
		for _, id := range waiting[11:] {
			if del := q.stored(id); del.Attempts != 0 || del.Retries != 0 {
				t.Errorf("%v was not sent and lost attempts: %+v", id, del)
			}
		}
		q.clock.advance(8 * time.Second)
		q.finish(q.claim(10, 10), 503)
		if q.health(0).Circuit.Open() {
			t.Error("somebody answered, and is still probed")
		}
		if jobs := q.claim(20, 20); len(jobs) < 9 {
			t.Errorf("claimed %d after the answer, want all that is due", len(jobs))
		}
	})
}

// TestWhoSaysItIsBackIsProbedAtOnce: by redelivering or recovering, by another service URI, by enabling and by a ping that is answered.
func TestWhoSaysItIsBackIsProbedAtOnce(t *testing.T) {
	open := func(t *testing.T, q *queue) []delivery.ID {
		t.Helper()
		ids := q.waiting(0, 20)
		q.refuse(q.claim(6, 6)...)
		for range 4 {
			q.clock.advance(time.Minute)
			q.refuse(q.claim(1, 1)...)
		}
		if jobs := q.claim(10, 10); len(jobs) != 0 {
			t.Fatalf("%d are sent", len(jobs))
		}
		return ids
	}
	for name, c := range map[string]struct {
		say  func(q *queue, ids []delivery.ID)
		want int
	}{
		"redeliver": {func(q *queue, ids []delivery.ID) { _, _ = q.db.Requeue(q.t.Context(), q.reg, ids[0], q.clock.now()) }, 1},
		"recover": {func(q *queue, _ []delivery.ID) {
			_, _ = q.db.Recover(q.t.Context(), q.hooks[0].ID, noon, q.clock.now())
		}, 1},
		"another service URI": {func(q *queue, _ []delivery.ID) {
			q.change(0, func(w *webhook.Webhook) { w.ServiceURI = webhook.StoredURI("https://other.example.com/") })
		}, 10},
		"enable": {func(q *queue, _ []delivery.ID) {
			q.change(0, func(w *webhook.Webhook) { w.Status = webhook.Disabled })
			q.change(0, func(w *webhook.Webhook) { w.Status = webhook.Enabled })
			q.waiting(0, 20)
		}, 10},
		"a ping that is answered": {func(q *queue, _ []delivery.ID) { q.ping(0); q.finish(q.claim(1, 1), 200) }, 10},
		"a change of its scope":   {func(q *queue, _ []delivery.ID) { q.change(0, func(w *webhook.Webhook) { w.Format = "azure" }) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			eachQueue(t, 1, func(t *testing.T, q *queue) {
				c.say(q, open(t, q))
				if jobs := q.claim(10, 10); len(jobs) != c.want {
					t.Errorf("claimed %d, want %d", len(jobs), c.want)
				}
			})
		})
	}
}
