package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// change stores a webhook as another one would be after a form.
func (q *queue) change(hook int, with func(*webhook.Webhook)) {
	q.t.Helper()
	w, err := q.db.Webhook(q.t.Context(), q.reg, q.hooks[hook].Name)
	if err == nil {
		version := w.Version
		with(&w)
		w.Updated = q.clock.now()
		err = q.db.UpdateWebhook(q.t.Context(), w, version)
	}
	if err != nil {
		q.t.Fatal(err)
	}
	w.Version++
	q.hooks[hook] = w
}

func (q *queue) pause(hook int) {
	q.t.Helper()
	q.change(hook, func(w *webhook.Webhook) { w.Paused = q.clock.now() })
}

// about stores a push of a repository and tag to a webhook.
func (q *queue) about(hook int, repository, tag string) delivery.ID {
	q.t.Helper()
	entry := q.entry(event.Push, q.hooks[hook])
	entry.Event.Target.Repository, entry.Event.Target.Tag = repository, tag
	entry.Deliveries[0].Image.Repository, entry.Deliveries[0].Image.Tag = repository, tag
	q.record(entry)
	return entry.Deliveries[0].ID
}

func (q *queue) due(want string) {
	q.t.Helper()
	due, err := q.db.NextDue(q.t.Context())
	got := "nothing"
	if !due.At.IsZero() {
		got = due.At.Sub(q.clock.now()).String()
	}
	if err != nil || got != want {
		q.t.Errorf("next due: %s (%v), want %s", got, err, want)
	}
}

// TestAPausedWebhookKeeps: nothing but pings is claimed of it, whatever comes; other webhooks go on, and nobody looks again and again.
func TestAPausedWebhookKeeps(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		before := q.waiting(0, 2)
		q.pause(0)
		q.waiting(0, 1)
		if jobs := q.claim(10, 10); len(jobs) != 0 {
			t.Errorf("claimed %v of a paused webhook", idsOf(jobs))
		}
		q.due("nothing")
		other, ping := q.waiting(1, 1)[0], q.ping(0)
		if jobs := q.claim(10, 10); len(jobs) != 2 || jobs[0].Delivery.ID != ping || jobs[1].Delivery.ID != other {
			t.Errorf("claimed %v, want the ping %v and the other webhook's %v", idsOf(jobs), ping, other)
		}
		if q.stored(before[0]).Hold.By != delivery.ByPause || q.stored(other).Hold.By != "" {
			t.Error("what waits for the paused webhook alone is kept")
		}
		page, err := q.db.Deliveries(t.Context(), delivery.Filter{WebhookID: q.hooks[0].ID, Action: event.Push})
		if err != nil || len(page.Deliveries) != 3 || page.Deliveries[0].Hold.By != delivery.ByPause {
			t.Errorf("the history: %+v, %v, want three that are kept", page.Deliveries, err)
		}
		q.change(0, func(w *webhook.Webhook) { w.Paused = time.Time{} })
		if jobs := q.claim(10, 10); len(jobs) != 3 || jobs[0].Delivery.ID != before[0] {
			t.Errorf("claimed %v after the pause, want all three in order", idsOf(jobs))
		}
	})
}

// TestResumeSendsWhatIsChosen: all, the newest of every tag, or none of what waited; what comes meanwhile is sent in any case.
func TestResumeSendsWhatIsChosen(t *testing.T) {
	for choice, want := range map[delivery.Choice]string{
		delivery.SendAll: "sent 5, dropped 0: 0 1 2 3 4 later", delivery.SendNewest: "sent 3, dropped 2: 2 3 4 later", delivery.SendNone: "sent 0, dropped 5: later",
	} {
		t.Run(string(choice), func(t *testing.T) {
			eachQueue(t, 2, func(t *testing.T, q *queue) {
				q.pause(0)
				names := map[delivery.ID]string{}
				for i, image := range []string{"api:v1", "api:v1", "api:v1", "api:v2", "web:v1"} {
					repository, tag, _ := strings.Cut(image, ":")
					names[q.about(0, repository, tag)] = fmt.Sprint(i)
				}
				foreign := q.about(1, "api", "v1")
				names[foreign] = "foreign"
				q.clock.advance(time.Second)
				c := &delivery.Controls{Store: q.db, Now: q.clock.now}
				n, err := q.db.WaitingFor(t.Context(), q.hooks[0].ID, delivery.Which{Before: delivery.FirstID(q.clock.now())})
				if want := (delivery.Waiting{All: 5, Newest: 3}); err != nil || n != want {
					t.Errorf("waiting: %+v, %v, want %+v", n, err, want)
				}
				names[q.about(0, "api", "v1")] = "later"
				sent, dropped, err := c.Resume(t.Context(), q.reg, q.hooks[0].Name, delivery.Resume{Send: choice, By: "mei"})
				if err != nil {
					t.Fatal(err)
				}
				got := fmt.Sprintf("sent %d, dropped %d:", sent, dropped)
				for _, job := range q.claim(10, 10) {
					if job.Delivery.ID != foreign {
						got += " " + names[job.Delivery.ID]
					}
				}
				if got != want {
					t.Errorf("%s; want %s", got, want)
				}
				if _, _, err := c.Resume(t.Context(), q.reg, q.hooks[0].Name, delivery.Resume{Send: choice, By: "mei"}); err == nil {
					t.Error("a webhook that is not paused was resumed")
				}
			})
		})
	}
}

// TestADrainHasItsRate: what waited goes at the rate of the resume, and what comes after it as fast as ever.
func TestADrainHasItsRate(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.pause(0)
		q.waiting(0, 3)
		q.clock.advance(time.Second)
		c := &delivery.Controls{Store: q.db, Now: q.clock.now}
		if _, _, err := c.Resume(t.Context(), q.reg, q.hooks[0].Name, delivery.Resume{Send: delivery.SendAll, Drain: 6, By: "mei"}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if jobs := q.claim(10, 10); len(jobs) != 1 {
				t.Fatalf("%d at once of the %d. of a minute's six", len(jobs), i+1)
			}
			if i < 2 {
				q.due("10s")
			}
			q.clock.advance(10 * time.Second)
		}
		q.waiting(0, 5)
		if jobs := q.claim(10, 10); len(jobs) != 5 {
			t.Errorf("%d after the backlog was gone, want 5 at once", len(jobs))
		}
	})
}

// TestAWebhookHasItsOwnLimits in flight and per minute, below those of the claim, whoever claims.
func TestAWebhookHasItsOwnLimits(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.change(0, func(w *webhook.Webhook) { w.MaxInFlight = 2 })
		q.waiting(0, 5)
		jobs := q.claim(10, 10)
		if len(jobs) != 2 || len(q.claim(10, 10)) != 0 {
			t.Fatalf("claimed %d, want 2 and then none", len(jobs))
		}
		q.finish(jobs[:1], 200)
		if jobs := q.claim(10, 10); len(jobs) != 1 {
			t.Errorf("claimed %d after one ended, want 1", len(jobs))
		}
		q.change(1, func(w *webhook.Webhook) { w.Rate = 120 })
		q.waiting(1, 9)
		if jobs := q.claim(10, 10); len(jobs) != 2 {
			t.Errorf("claimed %d, want the two of a second", len(jobs))
		}
		q.ping(1)
		if jobs := q.claim(10, 10); len(jobs) != 1 || jobs[0].Delivery.Action != event.Ping {
			t.Errorf("claimed %v, want the ping, which no rate holds back", idsOf(jobs))
		}
		q.clock.advance(time.Minute / 2)
		if jobs := q.claim(10, 1); len(jobs) != 0 {
			t.Errorf("claimed %d over the cap of the claim", len(jobs))
		}
	})
}

// TestLimitsHoldAcrossProcesses lets eight callers claim over two handles.
func TestLimitsHoldAcrossProcesses(t *testing.T) {
	twoHandles(t, func(t *testing.T, q *queue, handles []*store.DB) {
		q.change(0, func(w *webhook.Webhook) { w.Rate, w.MaxInFlight = 240, 16 })
		q.change(1, func(w *webhook.Webhook) { w.MaxInFlight = 3 })
		q.waiting(0, 50)
		q.waiting(1, 50)
		taken := map[webhook.Name]int{}
		claimers(t, handles, claims{10, 16}, func(job delivery.Job) { taken[job.Webhook.Name]++ })
		for name, n := range of(q.claim(100, 16)) { // what a claimer left because another looked into its line
			taken[name] += n
		}
		if taken["hook0"] != 4 || taken["hook1"] != 3 {
			t.Errorf("claimed in one moment: %v, want the four of a second and three in flight", taken)
		}
	})
}

// TestControlsAreReadFromTheirIndex: the claim asks for them with every line, and most webhooks have none.
func TestControlsAreReadFromTheirIndex(t *testing.T) {
	plan, err := storetest.Open(t).Plan(t.Context(), store.LinesQuery)
	if err != nil || !strings.Contains(plan, "SCAN webhooks USING COVERING INDEX webhooks_controls") {
		t.Errorf("the plan of the lines: %s (%v)", plan, err)
	}
}

// TestDropCancelsWhatWaits, all of it or what is asked for: no ping, nothing that is under way, nothing of another webhook.
func TestDropCancelsWhatWaits(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		for range 600 {
			q.about(0, "api", "v1")
		}
		web := q.about(0, "web", "v1")
		retrying := q.claim(1, 1)
		q.finish(retrying, 500)
		under := q.claim(1, 1)[0].Delivery.ID
		ping, foreign := q.ping(0), q.about(1, "api", "v1") // after the claims, which take from either
		q.clock.advance(time.Second)
		late := q.about(0, "api", "v2")
		c := &delivery.Controls{Store: q.db, Now: q.clock.now}
		for _, step := range []struct {
			which delivery.Which
			want  int
		}{{delivery.Which{Retries: true}, 1}, {delivery.Which{Repository: "web"}, 1}, {delivery.Which{}, 598}} {
			n, err := c.Waiting(t.Context(), q.hooks[0], step.which)
			dropped, dropErr := c.Drop(t.Context(), q.hooks[0], step.which)
			if err != nil || dropErr != nil || dropped != step.want || n.All < dropped || n.All > dropped+1 {
				t.Errorf("%+v: counted %d, dropped %d, want %d (%v, %v)", step.which, n.All, dropped, step.want, err, dropErr)
			}
		}
		for id, want := range map[delivery.ID]delivery.State{
			retrying[0].Delivery.ID: delivery.Cancelled, web: delivery.Cancelled, foreign: delivery.Pending, under: delivery.Pending, ping: delivery.Pending, late: delivery.Pending,
		} {
			if got := q.stored(id).State; got != want {
				t.Errorf("%v is %s, want %s", id, got, want)
			}
		}
	})
}

// TestAPingOvertakesEveryBacklog: 10,000 wait for a webhook that is paused, has a rate, is probed or keeps an order, and its ping is the
// next to go.
func TestAPingOvertakesEveryBacklog(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		for range 10 {
			q.waiting(0, 1000)
		}
		for name, hold := range map[string]func(*webhook.Webhook){
			"nothing": func(*webhook.Webhook) {}, "a pause": func(w *webhook.Webhook) { w.Paused = q.clock.now() },
			"a rate": func(w *webhook.Webhook) { w.Rate = 1 }, "an order": func(w *webhook.Webhook) { w.Ordered = true },
			"one in flight": func(w *webhook.Webhook) { w.MaxInFlight = 1 },
		} {
			q.change(0, func(w *webhook.Webhook) {
				w.Paused, w.Rate, w.Ordered, w.MaxInFlight = time.Time{}, 0, false, 0
				hold(w)
			})
			q.claim(1, 16)
			ping := q.ping(0)
			if jobs := q.claim(1, 16); len(jobs) != 1 || jobs[0].Delivery.ID != ping {
				t.Errorf("%s: claimed %v, want the ping %v", name, idsOf(jobs), ping)
			}
		}
		q.change(0, func(w *webhook.Webhook) { w.Paused, w.Rate, w.Ordered, w.MaxInFlight = time.Time{}, 0, false, 0 })
		q.refuse(q.claim(delivery.DeadAfter, 50)...)
		ping := q.ping(0)
		if jobs := q.claim(1, 16); len(jobs) != 1 || jobs[0].Delivery.ID != ping {
			t.Errorf("a dead endpoint: claimed %v, want the ping %v", idsOf(jobs), ping)
		}
	})
}
