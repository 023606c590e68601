package store_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/webhook"
)

// replays are those of a queue.
func (q *queue) replays() *delivery.Replays {
	return &delivery.Replays{
		Store: q.db, NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler), Kick: make(chan struct{}, 1),
		Outbox: &delivery.Outbox{Store: q.db, Now: q.clock.now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: q.ids.Next},
	}
}

// hears makes a webhook match every push.
func (q *queue) hears(hook int) {
	q.change(hook, func(w *webhook.Webhook) {
		w.Actions, w.Scope, w.Format = []event.Action{event.Push}, webhook.Scope{}, "azure"
	})
}

func (q *queue) start(s *delivery.Replays, hook int, kind delivery.ReplayKind, in delivery.Range) delivery.Replay {
	q.t.Helper()
	_, err := s.Start(q.t.Context(), q.hooks[hook], kind, in, "mei")
	if err == nil {
		err = s.Work(q.t.Context())
	}
	if err != nil {
		q.t.Fatal(err)
	}
	r, _, err := q.db.LastReplay(q.t.Context(), q.hooks[hook].ID)
	if err != nil {
		q.t.Fatal(err)
	}
	return r
}

// TestReplaySendsWhatWasMissed: each event in the range that the webhook matches and has no delivery for, once, however often it is
// asked; it is found on the page of the event.
func TestReplaySendsWhatWasMissed(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		var missed []event.ID
		for i := range 450 {
			entry := q.entry(event.Push, q.hooks[1]) // the first webhook hears of none of them ...
			switch {
			case i%9 == 0: // ... but these,
				entry = q.entry(event.Push, q.hooks...)
			case i%10 == 1: // and it does not ask for those
				entry.Event.Action = event.Quarantine
			default:
				missed = append(missed, entry.Event.ID)
			}
			q.record(entry)
			q.clock.advance(time.Second)
		}
		q.hears(0)
		q.finish(q.claim(1000, 1000), 200)
		s := q.replays()
		all := delivery.Range{}
		if n, err := s.Count(t.Context(), q.hooks[0], delivery.Missed, all); err != nil || n != len(missed) {
			t.Fatalf("%d are missed (%v), want %d", n, err, len(missed))
		}
		early := delivery.Range{From: noon.Add(10 * time.Second), To: noon.Add(30 * time.Second)}
		if n, _ := s.Count(t.Context(), q.hooks[0], delivery.Missed, early); n != 16 {
			t.Errorf("%d are missed from the 11th to the 30th event, want 16", n)
		}
		r := q.start(s, 0, delivery.Missed, early)
		if r.State != delivery.ReplayDone || r.Made != 16 || r.Total != 16 {
			t.Errorf("the first replay: %+v", r)
		}
		r = q.start(s, 0, delivery.Missed, all)
		if r.State != delivery.ReplayDone || r.Made != len(missed)-16 || r.Made != r.Total {
			t.Errorf("the second replay: %+v, want %d more", r, len(missed)-16)
		}
		if r = q.start(s, 0, delivery.Missed, all); r.Made != 0 {
			t.Errorf("the third replay made %d", r.Made)
		}
		for _, id := range missed {
			page, err := q.db.Deliveries(t.Context(), delivery.Filter{Registry: q.reg, EventID: id, WebhookID: q.hooks[0].ID})
			if err != nil || len(page.Deliveries) != 1 {
				t.Fatalf("event %s has %d deliveries to the webhook (%v), want 1", id, len(page.Deliveries), err)
			}
		}
		jobs := q.claim(1000, 1000)
		if len(jobs) != len(missed) || !strings.Contains(string(jobs[0].Delivery.Body), string(jobs[0].Delivery.EventID)) {
			t.Errorf("%d are sent, want %d with their events' bodies", len(jobs), len(missed))
		}
	})
}

// TestReplaySendsAgain what was sent in a range, whatever became of it; what waits or came later is not touched.
func TestReplaySendsAgain(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 3)
		q.clock.advance(time.Minute)
		q.waiting(0, 250)
		jobs := q.claim(300, 300)
		q.finish(jobs[:200], 200)
		for _, job := range jobs[200:] {
			q.end(job, delivery.Failed, time.Time{})
		}
		q.clock.advance(time.Minute)
		later := q.waiting(0, 1)
		s := q.replays()
		in := delivery.Range{From: noon.Add(30 * time.Second), To: noon.Add(90 * time.Second)}
		if n, err := s.Count(t.Context(), q.hooks[0], delivery.Again, in); err != nil || n != 250 {
			t.Errorf("%d can be sent again, %v", n, err)
		}
		r := q.start(s, 0, delivery.Again, in)
		if r.State != delivery.ReplayDone || r.Made != 250 || r.Total != 250 {
			t.Errorf("the replay: %+v", r)
		}
		if jobs := q.claim(300, 300); len(jobs) != 251 || jobs[250].Delivery.ID != later[0] || jobs[0].Delivery.Retries != 0 || jobs[0].Delivery.Attempts != 2 {
			t.Errorf("%d are sent, the first %+v", len(jobs), jobs[0].Delivery)
		}
	})
}

// TestAReplayGoesOnAfterARestart where it was, and two workers make nothing twice.
func TestAReplayGoesOnAfterARestart(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.hears(0)
		for range 1000 {
			q.record(q.entry(event.Push, q.hooks[1]))
		}
		q.clock.advance(time.Second)
		s := q.replays()
		if _, err := s.Start(t.Context(), q.hooks[0], delivery.Missed, delivery.Range{}, "mei"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Start(t.Context(), q.hooks[0], delivery.Again, delivery.Range{}, "mei"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second replay while one runs: %v", err)
		}
		ended := make(chan error)
		for range 2 {
			go func() { ended <- q.replays().Work(t.Context()) }()
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		_ = q.replays().Work(cancelled) // as in a process that ends
		r, _, err := q.db.LastReplay(t.Context(), q.hooks[0].ID)
		if err != nil || r.State != delivery.ReplayDone || r.Made != 1000 {
			t.Errorf("the replay: %+v, %v", r, err)
		}
		if n, err := q.db.WaitingFor(t.Context(), q.hooks[0].ID, delivery.Which{}); err != nil || n.All != 1000 {
			t.Errorf("%d wait, %v", n.All, err)
		}
		q.change(0, func(w *webhook.Webhook) { w.Status = webhook.Disabled })
		if _, err := s.Start(t.Context(), q.hooks[0], delivery.Missed, delivery.Range{}, "mei"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a replay to a disabled webhook: %v", err)
		}
	})
}
