package delivery_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	acme = registry.Name("acmereg")
)

// desk is an outbox on a real database, with what it told the dispatcher and the pages.
type desk struct {
	*delivery.Outbox
	db      *store.DB
	woken   int
	updates <-chan delivery.Update
}

// onEach runs a test on every database, with a registry that is at home in eastus and has a replica in westus.
func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		reg := registry.Registry{
			ID: uuid.NewString(), Name: acme, LoginServer: "localhost", Home: "eastus", Replicas: []registry.Replica{{Location: "westus", Created: noon}},
			Tier: registry.Premium, Kind: registry.BuiltIn, Created: noon, Updated: noon,
		}
		if err := db.AddRegistry(t.Context(), reg); err != nil {
			t.Fatal(err)
		}
		d := &desk{db: db}
		d.Outbox = &delivery.Outbox{
			Store: db, Now: func() time.Time { return noon }, NewID: func() event.ID { return event.ID(uuid.NewString()) },
			NewDeliveryID: delivery.NewIDs(func() time.Time { return noon }).Next, Wake: func() { d.woken++ }, Feed: &delivery.Feed{},
		}
		updates, stop := d.Feed.Subscribe(acme)
		t.Cleanup(stop)
		d.updates = updates
		test(t, d)
	})
}

// hook adds a webhook; change makes it differ from an enabled one in eastus that asks for every action.
func (d *desk) hook(t *testing.T, name webhook.Name, change func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w := webhook.Webhook{
		ID: uuid.NewString(), Registry: acme, Name: name, Location: "eastus", ServiceURI: webhook.StoredURI("https://hooks.example.com/"),
		Actions: []event.Action{event.Push, event.Delete, event.ChartPush, event.ChartDelete}, Status: webhook.Enabled, Format: "azure",
		Timeout: time.Second, Version: 1, Created: noon, Updated: noon,
	}
	if change != nil {
		change(&w)
	}
	if err := d.db.AddWebhook(t.Context(), w, 500); err != nil {
		t.Fatal(err)
	}
	return w
}

// emptyIndex is a manifest that needs nothing else to be there.
const emptyIndex = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`

// put is a push of it as an image or a chart.
func put(kind artifact.Kind, tag string) event.Change {
	c := event.Change{
		Kind: event.PutManifest, Registry: acme, Repository: "team/api", Tag: tag, Actor: "ci", Time: noon,
		Request: event.Request{ID: uuid.NewString(), Host: "localhost", Method: "PUT", UserAgent: "crane"},
		Manifest: artifact.Manifest{
			Raw: []byte(emptyIndex), MediaType: "application/vnd.oci.image.index.v1+json", Kind: kind,
			Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(emptyIndex))),
		},
	}
	if kind == artifact.Chart {
		c.Chart = artifact.ChartInfo{Name: "web", Version: tag}
	}
	return c
}

// history lists what waits, the oldest first, as "webhook action image".
func (d *desk) history(t *testing.T) []string {
	t.Helper()
	page, err := d.db.Deliveries(t.Context(), delivery.Filter{Registry: acme})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, del := range page.Deliveries {
		all = append(all, fmt.Sprintf("%s %s %s", del.Webhook, del.Action, del.Image))
	}
	slices.Reverse(all)
	return all
}

func (d *desk) events(t *testing.T) []event.Event {
	t.Helper()
	page, err := d.db.Events(t.Context(), event.Filter{Registry: acme})
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

// told empties the feed.
func (d *desk) told() (all []delivery.Update) {
	for len(d.updates) > 0 {
		all = append(all, <-d.updates)
	}
	return all
}

func wantHistory(t *testing.T, d *desk, want ...string) {
	t.Helper()
	if got := d.history(t); !slices.Equal(got, want) {
		t.Errorf("deliveries %q, want %q", got, want)
	}
}

// TestAPushAndItsDeliveriesAreStoredTogether follows one push to each webhook's verdict and to the bytes that will be sent.
func TestAPushAndItsDeliveriesAreStoredTogether(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		inside := d.hook(t, "inside", func(w *webhook.Webhook) { w.Scope = webhook.StoredScope("team/*:v*") })
		d.hook(t, "outside", func(w *webhook.Webhook) { w.Scope = webhook.StoredScope("team/web:*") })
		d.hook(t, "asleep", func(w *webhook.Webhook) { w.Status = webhook.Disabled })
		d.hook(t, "elsewhere", func(w *webhook.Webhook) { w.Location = "westus" })

		done, err := d.Record(t.Context(), put(artifact.Image, "v1"))
		if err != nil || len(done.Affected) != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		wantHistory(t, d, "inside push team/api:v1", "elsewhere push team/api:v1")
		if m, err := d.db.Manifest(t.Context(), acme, "team/api", "v1"); err != nil || string(m.Raw) != emptyIndex {
			t.Errorf("the manifest is %q, %v", m.Raw, err)
		}
		if d.woken != 1 {
			t.Errorf("the dispatcher was woken %d times, want once", d.woken)
		}
		d.checkVerdicts(t)
		d.checkBody(t, inside)
	})
}

// checkVerdicts: at home, the push has a verdict with a sentence for every webhook, those that did not fire included.
func (d *desk) checkVerdicts(t *testing.T) {
	t.Helper()
	for _, ev := range d.events(t) {
		if ev.Location != "eastus" || ev.Action != event.Push {
			continue
		}
		verdicts, err := d.db.Verdicts(t.Context(), ev.ID)
		if err != nil {
			t.Fatal(err)
		}
		said := map[webhook.Name]string{"inside": "inside the scope", "outside": "outside the scope", "asleep": "disabled", "elsewhere": "westus"}
		for _, v := range verdicts {
			if v.Fires != (v.Webhook == "inside") || !strings.Contains(v.Reason, said[v.Webhook]) {
				t.Errorf("%s fires: %v, because %q", v.Webhook, v.Fires, v.Reason)
			}
			delete(said, v.Webhook)
		}
		if len(said) > 0 {
			t.Errorf("no verdict for %v", said)
		}
		return
	}
	t.Error("the push is not among the events")
}

// checkBody: what is claimed for sending are the bytes of the format, made once when the event was stored.
func (d *desk) checkBody(t *testing.T, hook webhook.Webhook) {
	t.Helper()
	jobs, err := d.db.Claim(t.Context(), 10, delivery.Caps{Default: 4}, time.Minute)
	if err != nil || len(jobs) != 2 {
		t.Fatalf("%d jobs, %v; want 2", len(jobs), err)
	}
	for _, job := range jobs {
		ev, err := d.db.Event(t.Context(), acme, job.Delivery.EventID)
		if err != nil {
			t.Fatal(err)
		}
		ev.Action = job.Delivery.Action
		want, err := payload.Azure.Encode(ev)
		if err != nil || !bytes.Equal(job.Delivery.Body, want) {
			t.Errorf("%s gets %s, want %s (%v)", job.Webhook.Name, job.Delivery.Body, want, err)
		}
		if job.Webhook.ID == hook.ID && (job.Delivery.State != delivery.Pending || !job.Delivery.Created.Equal(noon) || job.Delivery.Attempts != 1) {
			t.Errorf("%+v is not a first attempt of noon", job.Delivery)
		}
	}
}

// TestAChartIsOneDelivery for each webhook, as the action that it asked for.
func TestAChartIsOneDelivery(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "charts", func(w *webhook.Webhook) { w.Actions = []event.Action{event.ChartPush} })
		d.hook(t, "plain", func(w *webhook.Webhook) { w.Actions = []event.Action{event.Push} })
		d.hook(t, "every", nil)
		d.hook(t, "deletes", func(w *webhook.Webhook) { w.Actions = []event.Action{event.Delete} })
		if _, err := d.Record(t.Context(), put(artifact.Chart, "1.2.3")); err != nil {
			t.Fatal(err)
		}
		got := d.history(t)
		slices.Sort(got)
		if want := []string{"charts chart_push team/api:1.2.3", "every chart_push team/api:1.2.3", "plain push team/api:1.2.3"}; !slices.Equal(got, want) {
			t.Errorf("deliveries %q, want %q", got, want)
		}
	})
}

func TestARefusedChangeLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		c := put(artifact.Image, "v1")
		c.Manifest.Config = &artifact.Descriptor{Digest: "sha256:" + strings.Repeat("b", 64)} // never uploaded
		if _, err := d.Record(t.Context(), c); !fault.Is(err, fault.Invalid) {
			t.Errorf("a manifest without its config: %v, want it refused", err)
		}
		c.Registry = "nobody1"
		if _, err := d.Record(t.Context(), c); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such registry: %v", err)
		}
		if evs := d.events(t); len(evs)+len(d.history(t))+len(d.told())+d.woken != 0 {
			t.Errorf("%d events, %q, woken %d times", len(evs), d.history(t), d.woken)
		}
	})
}

// TestPublishTwiceIsOnce: a source that resends an event, alone or among others, changes nothing.
func TestPublishTwiceIsOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		first := event.Event{
			ID: event.ID(uuid.NewString()), Registry: acme, Location: "eastus", Action: event.Push, Time: noon, Source: "harbor",
			Target: event.Target{Repository: "team/web", Tag: "v1", Digest: "sha256:" + strings.Repeat("c", 64)},
		}
		second := first
		second.ID, second.Target.Tag = event.ID(uuid.NewString()), "v2"
		for _, batch := range [][]event.Event{{first}, {first}, {first, second}, {}} {
			if err := d.Publish(t.Context(), batch...); err != nil {
				t.Fatal(err)
			}
		}
		wantHistory(t, d, "every push team/web:v1", "every push team/web:v2")
		if len(d.events(t)) != 2 {
			t.Errorf("%d events, want 2", len(d.events(t)))
		}
	})
}

func TestAnEventThatFiresNothingIsToldAllTheSame(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ev := event.Event{ID: event.ID(uuid.NewString()), Registry: acme, Location: "eastus", Action: event.Push, Time: noon}
		if err := d.Publish(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		if told := d.told(); len(told) != 1 || told[0].EventID != ev.ID || told[0].DeliveryID != 0 || d.woken != 0 {
			t.Errorf("told %+v, woken %d times; want the event alone and nobody woken", told, d.woken)
		}
	})
}

// TestPingIgnoresStatusActionsAndScope (PRODUCT.md, decisions 4 and 10), and goes to one webhook alone.
func TestPingIgnoresStatusActionsAndScope(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		asleep := d.hook(t, "asleep", func(w *webhook.Webhook) {
			w.Status, w.Actions, w.Scope, w.Location = webhook.Disabled, []event.Action{event.Delete}, webhook.StoredScope("no/such:v1"), "westus"
		})
		d.hook(t, "other", nil)
		del, err := d.Ping(t.Context(), acme, "ASLEEP")
		if err != nil {
			t.Fatal(err)
		}
		if wantHistory(t, d, "asleep ping "); d.woken != 1 {
			t.Errorf("woken %d times, want once", d.woken)
		}
		if told := d.told(); len(told) != 1 || told[0] != (delivery.Update{Registry: acme, WebhookID: asleep.ID, DeliveryID: del.ID, EventID: del.EventID}) {
			t.Errorf("told %+v", told)
		}
		if ev, err := d.db.Event(t.Context(), acme, del.EventID); err != nil || ev.Action != event.Ping || ev.Location != "westus" {
			t.Errorf("the event is %+v, %v", ev, err)
		}
		if got := len(del.Body); got != 104 { // ACR.md, section 3.1
			t.Errorf("a ping of %d bytes: %s; Azure's has 104", got, del.Body)
		}
		if _, err := d.Ping(t.Context(), acme, "nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a webhook that is not there: %v", err)
		}
	})
}

func TestRedeliverSendsTheSameAgain(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		if err := d.Publish(t.Context(), event.Event{ID: event.ID(uuid.NewString()), Registry: acme, Location: "eastus", Action: event.Push, Time: noon}); err != nil {
			t.Fatal(err)
		}
		job := d.claim(t)
		if _, err := d.Redeliver(t.Context(), acme, job.Delivery.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("while it is under way: %v, want a conflict", err)
		}
		job.Webhook.Retry.Kind = webhook.RetryNone
		failed := delivery.Attempt{DeliveryID: job.Delivery.ID, Number: 1, Started: noon, Status: 500, Cause: delivery.CauseStatus}
		if err := d.db.Finish(t.Context(), []delivery.Done{delivery.Next(job, failed, noon, nil)}); err != nil {
			t.Fatal(err)
		}
		d.told()
		before := d.woken
		again, err := d.Redeliver(t.Context(), acme, job.Delivery.ID)
		if err != nil || again.ID != job.Delivery.ID || again.State != delivery.Pending || again.Retries != 0 || !again.Next.Equal(noon) {
			t.Fatalf("%+v, %v", again, err)
		}
		if told := d.told(); d.woken != before+1 || len(told) != 1 || told[0].DeliveryID != again.ID || told[0].WebhookID != job.Webhook.ID {
			t.Errorf("woken %d times, told %+v", d.woken-before, told)
		}
		if second := d.claim(t); !bytes.Equal(second.Delivery.Body, job.Delivery.Body) || second.Delivery.Attempts != 2 {
			t.Errorf("attempt %d sends %s, want attempt 2 with %s", second.Delivery.Attempts, second.Delivery.Body, job.Delivery.Body)
		}
		if _, err := d.Redeliver(t.Context(), acme, 1); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such delivery: %v", err)
		}
	})
}

func (d *desk) claim(t *testing.T) delivery.Job {
	t.Helper()
	jobs, err := d.db.Claim(t.Context(), 10, delivery.Caps{Default: 4}, time.Minute)
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v; want 1", len(jobs), err)
	}
	return jobs[0]
}

// unsure is a store that asks for the entries twice, as one does whose first transaction was taken back, and may then refuse.
type unsure struct {
	*store.DB
	refuses error
}

func (u unsure) Record(ctx context.Context, c *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	if _, err := entries(event.Outcome{}); err != nil {
		return event.Outcome{}, err
	}
	if u.refuses != nil {
		return event.Outcome{}, u.refuses
	}
	return u.DB.Record(ctx, c, entries)
}

// TestNobodyHearsOfWhatWasNotStored: the commit comes first, and what was asked for twice is told once.
func TestNobodyHearsOfWhatWasNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		full := errors.New("the disk is full")
		d.Store = unsure{d.db, full}
		for name, err := range map[string]error{
			"Record":  func() error { _, err := d.Record(t.Context(), put(artifact.Image, "v1")); return err }(),
			"Publish": d.Publish(t.Context(), event.Event{ID: "e", Registry: acme, Location: "eastus", Action: event.Push}),
			"Ping":    func() error { _, err := d.Ping(t.Context(), acme, "every"); return err }(),
		} {
			if !errors.Is(err, full) {
				t.Errorf("%s: %v, want the store's refusal", name, err)
			}
		}
		if told := d.told(); len(told) != 0 || d.woken != 0 {
			t.Errorf("told %+v and woke %d times for nothing", told, d.woken)
		}
		d.Store = unsure{d.db, nil}
		if _, err := d.Record(t.Context(), put(artifact.Image, "v1")); err != nil {
			t.Fatal(err)
		}
		known := map[delivery.ID]bool{}
		page, _ := d.db.Deliveries(t.Context(), delivery.Filter{Registry: acme})
		for _, del := range page.Deliveries {
			known[del.ID] = true
		}
		for _, u := range d.told() {
			if u.DeliveryID != 0 && !known[u.DeliveryID] {
				t.Errorf("told of %+v, which is not stored", u)
			}
		}
		if len(known) != 1 || d.woken != 1 {
			t.Errorf("%d deliveries, woken %d times; want one of each", len(known), d.woken)
		}
	})
}

// TestAnOutboxNeedsNobodyToTell: on the command line there is neither a dispatcher nor a page.
func TestAnOutboxNeedsNobodyToTell(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		d.Wake, d.Feed = nil, nil
		if _, err := d.Ping(t.Context(), acme, "every"); err != nil {
			t.Error(err)
		}
	})
}

// TestARepeatFromASourceRingsNobody: it is stored once, and nobody is told or woken again.
func TestARepeatFromASourceRingsNobody(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.hook(t, "every", nil)
		src := source.Source{ID: uuid.NewString(), Name: "edge", Registry: acme, Location: "eastus", Kind: source.Distribution, TokenHash: []byte("hash"), Version: 1}
		if err := d.db.AddSource(t.Context(), src); err != nil {
			t.Fatal(err)
		}
		ev := event.Event{
			ID: event.ID(uuid.NewString()), Registry: acme, Location: "eastus", Action: event.Push, Time: noon, Source: "edge",
			Target: event.Target{Repository: "team/app", Tag: "v1", Digest: "sha256:a"},
		}
		for n, want := range []source.Outcome{source.Accepted, source.Duplicate} {
			a := source.Arrival{Source: src, At: noon, Verdicts: []source.Verdict{{ID: "x", Outcome: source.Ignored}, {ID: "e-1", Outcome: source.Accepted, Event: ev.ID}}}
			a, err := d.Take(t.Context(), a, []event.Event{ev})
			if err != nil || a.Verdicts[1].Outcome != want || a.Verdicts[0].Outcome != source.Ignored {
				t.Fatalf("%d: %+v, %v", n, a.Verdicts, err)
			}
			if told := d.told(); len(told) != 1-n || d.woken != 1 {
				t.Errorf("%d: told %+v, woken %d times", n, told, d.woken)
			}
		}
	})
}
