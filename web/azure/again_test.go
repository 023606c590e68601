package azure_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// pushed publishes a push of an image.
func (h *house) pushed(repository, tag string) event.ID {
	h.t.Helper()
	ev := event.Event{
		ID: event.ID(uuid.NewString()), Registry: first, Location: "eastus", Action: event.Push, Time: h.Now(), Source: "builtin",
		Target: event.Target{Repository: repository, Tag: tag},
	}
	h.must(h.door.Outbox.Publish(h.t.Context(), ev))
	return ev.ID
}

// fails ends the attempts of all that is due, each for good.
func (h *house) fails() {
	h.t.Helper()
	jobs, err := h.db.Claim(h.t.Context(), 100, delivery.Caps{Default: 100}, time.Minute)
	h.must(err)
	done := []delivery.Done{}
	for _, job := range jobs {
		a := delivery.Attempt{DeliveryID: job.Delivery.ID, Number: job.Delivery.Attempts, Started: h.Now(), Status: 500, Cause: delivery.CauseStatus}
		d := delivery.Next(job, a, h.Now(), nil)
		d.Delivery.State, d.Delivery.Next = delivery.Failed, time.Time{}
		done = append(done, d)
	}
	h.must(h.db.Finish(h.t.Context(), done))
}

// TestWhatIsSentAgainIsCountedBefore: every command counts with dryRun and changes nothing then, does what it counted, and says how far
// it is.
func TestWhatIsSentAgainIsCountedBefore(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt(string(first)) + "/webhooks/hook1"
	post := func(action, body string, status int) string {
		t.Helper()
		return strings.TrimSpace(c.do("POST", at+"/"+action, body).status(status).body)
	}
	says := func(action, body, want string) {
		t.Helper()
		if got := post(action, body, 200); got != want {
			t.Errorf("%s %s: %s, want %s", action, body, got, want)
		}
	}
	missed := h.pushed("team/old", "v1")
	h.wait(time.Second)
	c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"]}}`).status(200)
	c.get(at + "/recover").status(404)
	c.get(at + "/replay").status(404)
	for range 2 { // counting twice counts the same
		says("replay", `{"dryRun":true}`, `{"count":1,"dryRun":true}`)
	}
	c.get(at + "/replay").status(404)
	says("replay", `{"kind":"missed"}`, `{"count":1,"dryRun":false}`)
	c.get(at+"/replay").status(200).says("state", "running").says("kind", "missed")
	post("replay", `{}`, 409)
	h.must(h.door.Replays.Work(t.Context()))
	c.get(at+"/replay").status(200).says("state", "done")

	h.pushed("team/api", "v1")
	says("drop", `{"dryRun":true}`, `{"count":2,"dryRun":true}`)
	says("drop", `{"dryRun":true,"repository":"team/api"}`, `{"count":1,"dryRun":true}`)
	says("drop", `{"dryRun":true,"retries":true}`, `{"count":0,"dryRun":true}`)
	h.fails()
	says("replay", `{"kind":"again","from":"9999-12-31T23:59:59Z","dryRun":true}`, `{"count":0,"dryRun":true}`)
	h.wait(time.Minute)
	since := h.Now().UTC().Format(time.RFC3339)
	says("recover", `{"dryRun":true,"since":"`+since+`"}`, `{"count":0,"dryRun":true}`)
	says("recover", `{"dryRun":true}`, `{"count":2,"dryRun":true}`)
	c.get(at + "/recover").status(404)
	says("recover", `{}`, `{"count":2,"dryRun":false}`)
	far := c.get(at + "/recover").status(200).body
	if !strings.Contains(far, `"total":2,"delivered":0,"failed":0,"waiting":2,"dropped":0}`) || strings.Contains(far, "since") {
		t.Errorf("how far it is: %s", far)
	}
	h.wait(time.Second)
	says("drop", `{"repository":"team/api"}`, `{"count":1,"dryRun":false}`)
	h.fails()
	redelivered := post("redeliver", `{"event":"`+string(missed)+`","dryRun":true}`, 200)
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{EventID: missed})
	h.must(err)
	del := page.Deliveries[0]
	if want := `{"event":"` + string(missed) + `","delivery":"` + del.ID.String() + `","dryRun":true}`; redelivered != want || del.State != delivery.Failed {
		t.Errorf("counted %s, %s; want %s and nothing done", redelivered, del.State, want)
	}
	post("redeliver", `{"delivery":"`+del.ID.String()+`"}`, 200)
	if again, err := h.db.Delivery(t.Context(), first, del.ID); err != nil || again.State != delivery.Pending {
		t.Errorf("redelivered is %s (%v)", again.State, err)
	}
	post("pause", "", 200)
	says("resume", `{"send":"none","dryRun":true}`, `{"sent":0,"dropped":1,"dryRun":true}`)
	says("resume", `{"dryRun":true}`, `{"sent":1,"dropped":0,"dryRun":true}`)
}

// TestWhatCannotBeSentAgainIsRefused with the field, and another webhook's deliveries are not this one's.
func TestWhatCannotBeSentAgainIsRefused(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt(string(first)) + "/webhooks/"
	for _, name := range []string{"hook1", "hook2"} {
		scope := map[string]string{"hook1": "team/api:*", "hook2": "team/web:*"}[name]
		c.put(at+name, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"],"scope":"`+scope+`"}}`).status(200)
	}
	foreign := h.pushed("team/web", "v1")
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{EventID: foreign})
	h.must(err)
	for _, bad := range []struct {
		action, body, target string
		status               int
	}{
		{"replay", `{"kind":"some"}`, "kind", 400}, {"replay", `{"from":"yesterday"}`, "from", 400},
		{"replay", `{"from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}`, "to", 400}, {"recover", `{"since":5}`, "since", 400},
		{"drop", `{"retries":"yes"}`, "retries", 400}, {"drop", `{"dryRun":1}`, "dryRun", 400}, {"drop", ``, "body", 400},
		{"redeliver", `{}`, "event", 400}, {"redeliver", `{"event":"x","delivery":"1"}`, "event", 400}, {"redeliver", `{"delivery":"x"}`, "delivery", 400},
		{"redeliver", `{"event":"` + string(foreign) + `"}`, "delivery", 404},
		{"redeliver", `{"delivery":"` + page.Deliveries[0].ID.String() + `"}`, "delivery", 404},
	} {
		if got := c.do("POST", at+"hook1/"+bad.action, bad.body).status(bad.status).at("error.target"); got != bad.target {
			t.Errorf("%s %s: target %v, want %s", bad.action, bad.body, got, bad.target)
		}
	}
	if del, err := h.db.Delivery(t.Context(), first, page.Deliveries[0].ID); err != nil || del.State != delivery.Pending || del.Attempts != 0 {
		t.Errorf("the other's delivery: %+v, %v", del, err)
	}
	_, err = h.door.Webhooks.SetStatus(t.Context(), first, "hook1", webhook.Disabled, "mei")
	h.must(err)
	for _, action := range []string{"replay", "recover"} {
		c.do("POST", at+"hook1/"+action, "{}").status(409)
	}
}
