package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// rowsOf counts the rows of a table.
func rowsOf(t *testing.T, db *store.DB, table string) int {
	t.Helper()
	var n int64
	if err := db.Read(t.Context()).Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestAnEventAndItsDeliveryAreStoredAsTheyAre(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		hook := q.hooks[0]
		ev := event.Event{
			ID: "5f3b1c52-0000-4000-8000-000000000001", Registry: "acmereg", Location: "westus", Action: event.ChartDelete, Time: noon.Add(time.Second),
			Target: event.Target{
				MediaType: artifact.OCIManifest, Digest: "sha256:abc", Size: 1 << 40, Repository: "Ünï/api", Tag: "v1", Kind: artifact.Chart,
				Chart: artifact.ChartInfo{Name: "api", Version: "1.2.3"},
			},
			CarriedTags: []string{"v1", "latest"}, Request: event.Request{ID: "r1", Addr: "192.0.2.1", Host: "acme.localhost:8080", Method: "DELETE", UserAgent: "helm/3"},
			Actor: "mei", Source: "harbor",
		}
		verdicts := []webhook.Verdict{
			{WebhookID: hook.ID, Webhook: hook.Name, Fires: true, As: event.Delete, Reason: "It matches."},
			{WebhookID: "gone", Webhook: "other", Reason: "The scope does not cover it."},
		}
		del := delivery.Delivery{
			ID: q.id(), EventID: ev.ID, Registry: "acmereg", WebhookID: hook.ID, Webhook: hook.Name, Action: event.Delete,
			Image: delivery.Image{Repository: "Ünï/api", Tag: "v1", Digest: "sha256:abc"}, Body: []byte{0, 255, '{'},
			State: delivery.Pending, Next: noon.Add(time.Minute), Created: noon,
		}
		q.record(delivery.Entry{Event: ev, Verdicts: verdicts, Deliveries: []delivery.Delivery{del}})
		gotEvent, err := q.db.Event(t.Context(), "ACMEREG", ev.ID)
		if d := cmp.Diff(ev, gotEvent); err != nil || d != "" {
			t.Errorf("the event: %v\n%s", err, d)
		}
		gotVerdicts, err := q.db.Verdicts(t.Context(), ev.ID)
		if d := cmp.Diff(verdicts, gotVerdicts); err != nil || d != "" {
			t.Errorf("its verdicts: %v\n%s", err, d)
		}
		if d := cmp.Diff(del, q.stored(del.ID)); d != "" {
			t.Errorf("its delivery:\n%s", d)
		}
		if _, err := q.db.Delivery(t.Context(), "other1", del.ID); !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "delivery" {
			t.Errorf("a delivery asked for in another registry: %v", err)
		}
		if _, err := q.db.Event(t.Context(), "other1", ev.ID); !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "event" {
			t.Errorf("an event asked for in another registry: %v", err)
		}
		if list, err := q.db.Verdicts(t.Context(), "nosuch"); err != nil || len(list) != 0 {
			t.Errorf("verdicts of no event: %v, %v", list, err)
		}
	})
}

func TestRecordStoresAllOrNothing(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		m := imageOf(t, "one")
		linkParts(t, q.db, "api", m)
		c := putOf("api", "v1", m)
		refusal := errors.New("no entries today")
		if _, err := q.db.Record(t.Context(), &c, func(event.Outcome) ([]delivery.Entry, error) { return q.entries(1), refusal }); !errors.Is(err, refusal) {
			t.Errorf("entries refused, Record said %v", err)
		}
		broken := q.entries(2)
		broken[1].Deliveries[0].ID = broken[0].Deliveries[0].ID // two rows of one key
		if _, err := q.db.Record(t.Context(), &c, func(event.Outcome) ([]delivery.Entry, error) { return broken, nil }); err == nil {
			t.Error("two deliveries of one ID were stored")
		}
		for _, table := range []string{"repositories", "manifests", "tags", "events", "bodies", "deliveries", "event_hours"} {
			if n := rowsOf(t, q.db, table); n != 0 {
				t.Errorf("%d rows of %s are left of what was refused", n, table)
			}
		}
		if out, err := q.db.Record(t.Context(), &c, func(out event.Outcome) ([]delivery.Entry, error) {
			if len(out.Affected) != 1 || out.Affected[0].Tag != "v1" {
				t.Errorf("entries are made from %+v", out)
			}
			return q.entries(1), nil
		}); err != nil || len(out.Affected) != 1 { // the control: the same without a mistake
			t.Fatalf("%+v, %v", out, err)
		}
		if rowsOf(t, q.db, "tags") != 1 || rowsOf(t, q.db, "deliveries") != 1 {
			t.Error("the control was not stored")
		}
	})
}

// TestRefusedRecordsDoNotTakeOthersAlong lets good and bad ones meet in shared commits, on both databases.
func TestRefusedRecordsDoNotTakeOthersAlong(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		m := imageOf(t, "one") // whose parts are not here
		const callers, each = 16, 10
		var all sync.WaitGroup
		var mu sync.Mutex
		var stored []delivery.ID
		for i := range callers {
			all.Go(func() {
				for range each {
					entry := q.entry(event.Push, q.hooks[0])
					entries := func(event.Outcome) ([]delivery.Entry, error) { return []delivery.Entry{entry}, nil }
					if i%4 == 0 {
						c := putOf("api", "v1", m)
						if _, err := q.db.Record(t.Context(), &c, entries); !fault.Is(err, fault.Invalid) {
							t.Errorf("a push without its parts: %v", err)
						}
						continue
					}
					if _, err := q.db.Record(t.Context(), nil, entries); err != nil {
						t.Errorf("a good event: %v", err)
						continue
					}
					mu.Lock()
					stored = append(stored, entry.Deliveries[0].ID)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if n := rowsOf(t, q.db, "deliveries"); n != len(stored) || n != callers*each*3/4 {
			t.Errorf("%d deliveries stored, %d acknowledged, want %d", n, len(stored), callers*each*3/4)
		}
		for _, id := range stored {
			q.stored(id)
		}
		counts, err := q.db.EventHours(t.Context(), q.reg, noon)
		if err != nil || len(counts) != 1 || counts[0].Events != len(stored) {
			t.Errorf("counted %+v (%v), want %d pushes", counts, err, len(stored))
		}
	})
}

func TestTheSameEventAgainChangesNothing(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		entry := q.entry(event.Push, q.hooks...)
		q.record(entry, entry) // also twice in one call
		again := entry
		again.Event.Actor = "somebody else"
		again.Deliveries = q.entry(event.Push, q.hooks...).Deliveries // with new IDs, as the outbox makes them
		fresh := q.entry(event.Push, q.hooks[0])
		q.record(again, fresh)
		if ev, err := q.db.Event(t.Context(), q.reg, entry.Event.ID); err != nil || ev.Actor != "" {
			t.Errorf("the event was changed by %q (%v)", ev.Actor, err)
		}
		page, err := q.db.Deliveries(t.Context(), delivery.Filter{EventID: entry.Event.ID})
		if err != nil || len(page.Deliveries) != 2 {
			t.Errorf("%d deliveries of the event (%v), want the first two", len(page.Deliveries), err)
		}
		q.stored(fresh.Deliveries[0].ID) // the control: a new one beside it is stored
		counts, err := q.db.EventHours(t.Context(), q.reg, noon)
		if err != nil || len(counts) != 1 || counts[0].Events != 2 {
			t.Errorf("counted %+v (%v), want two events", counts, err)
		}
		if n := rowsOf(t, q.db, "bodies"); n != 2 {
			t.Errorf("%d bodies are stored, want one per event", n)
		}
	})
}

// TestManyWritersOfOneEvent lets eight callers tell the same events at once: each is stored once, with one set of deliveries.
func TestManyWritersOfOneEvent(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		const events = 20
		told := q.entries(events)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for _, entry := range told {
					mine := entry
					mine.Deliveries = nil
					for _, del := range entry.Deliveries {
						del.ID = q.id()
						mine.Deliveries = append(mine.Deliveries, del)
					}
					q.record(mine)
				}
			})
		}
		all.Wait()
		if e, d := rowsOf(t, q.db, "events"), rowsOf(t, q.db, "deliveries"); e != events || d != events*2 {
			t.Errorf("%d events and %d deliveries, want %d and %d", e, d, events, events*2)
		}
	})
}

func TestDeliveriesShareABody(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		entry := q.entry(event.Push, q.hooks...)
		entry.Deliveries[1].Body = []byte("another format")
		other := q.entry(event.Push, q.hooks[0])
		other.Deliveries[0].Body = entry.Deliveries[0].Body // of another event: nothing is shared across events
		q.record(entry, other)
		if n := rowsOf(t, q.db, "bodies"); n != 3 {
			t.Errorf("%d bodies are stored, want 3", n)
		}
		for _, del := range append(entry.Deliveries, other.Deliveries...) {
			if got := q.stored(del.ID); !bytes.Equal(got.Body, del.Body) {
				t.Errorf("%s has the body %q, want %q", del.Webhook, got.Body, del.Body)
			}
		}
		for _, job := range q.claim(10, 10) {
			if want := q.stored(job.Delivery.ID).Body; !bytes.Equal(job.Delivery.Body, want) {
				t.Errorf("the job of %s has the body %q, want %q", job.Webhook.Name, job.Delivery.Body, want)
			}
		}
	})
}

func TestManyDeliveriesOfOneEvent(t *testing.T) {
	eachQueue(t, 0, func(t *testing.T, q *queue) {
		for i := range 450 { // more than one statement carries
			q.hooks = append(q.hooks, hookOf("acmereg", webhook.Name(fmt.Sprintf("many%03d", i))))
		}
		entry := q.entry(event.Push, q.hooks...)
		q.record(entry)
		page, err := q.db.Deliveries(t.Context(), delivery.Filter{EventID: entry.Event.ID, Limit: 1000})
		if err != nil || len(page.Deliveries) != 450 {
			t.Errorf("%d deliveries (%v), want 450", len(page.Deliveries), err)
		}
		verdicts, err := q.db.Verdicts(t.Context(), entry.Event.ID)
		if err != nil || len(verdicts) != 450 {
			t.Errorf("%d verdicts (%v), want 450", len(verdicts), err)
		}
	})
}

func TestRequeue(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		requeue := func(id delivery.ID, code fault.Code) {
			t.Helper()
			before := q.stored(id)
			if _, err := q.db.Requeue(t.Context(), q.reg, id, q.clock.now()); !fault.Is(err, code) {
				t.Errorf("requeue of a delivery that is %s: %v, want %s", before.State, err, code)
			}
			if d := cmp.Diff(before, q.stored(id)); d != "" {
				t.Errorf("a refused requeue changed the delivery:\n%s", d)
			}
		}
		ids := q.waiting(0, 2)
		q.finish(q.claim(1, 1), 500)
		failed := q.stored(ids[0])
		failed.State, failed.Retries, failed.Next = delivery.Failed, 3, time.Time{}
		err := q.db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("update deliveries set state = 'failed', retries = 3, next = 0 where id = ?", int64(ids[0])).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.db.Requeue(t.Context(), "ACMEREG", ids[0], q.clock.now())
		want := failed
		want.State, want.Retries, want.Next, want.Body = delivery.Pending, 0, q.clock.now(), nil
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("requeued: %v\n%s", err, d)
		}
		jobs := q.claim(5, 5)
		if len(jobs) != 2 {
			t.Fatalf("%d jobs after a requeue, want both", len(jobs))
		}
		requeue(ids[0], fault.Conflict) // it is being sent
		q.finish(jobs, 200)
		if _, err := q.db.Requeue(t.Context(), q.reg, ids[0], q.clock.now()); err != nil {
			t.Errorf("a delivered one: %v", err)
		}
		if got := q.stored(ids[0]); got.State != delivery.Pending || got.Attempts != 2 {
			t.Errorf("requeued after two attempts it is %s with %d", got.State, got.Attempts)
		}

		ping := q.ping(1)
		q.finish(q.claim(1, 1), 200)
		late := q.waiting(1, 1)[0]
		off := q.hooks[1]
		off.Status = webhook.Disabled
		if err := q.db.UpdateWebhook(t.Context(), off, 1); err != nil {
			t.Fatal(err)
		}
		requeue(late, fault.Conflict) // its webhook is disabled
		if _, err := q.db.Requeue(t.Context(), q.reg, ping, q.clock.now()); err != nil {
			t.Errorf("a ping of a disabled webhook: %v", err)
		}
		if err := q.db.DeleteWebhook(t.Context(), q.reg, off.Name, 0); err != nil {
			t.Fatal(err)
		}
		requeue(late, fault.Conflict) // its webhook is gone
		requeue(ping, fault.Conflict)
		if _, err := q.db.Requeue(t.Context(), "other1", late, noon); !fault.Is(err, fault.NotFound) {
			t.Errorf("in another registry: %v", err)
		}
		if _, err := q.db.Requeue(t.Context(), q.reg, 42, noon); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such delivery: %v", err)
		}
	})
}

// TestAnAttemptUnderWayIsNotOvertaken disables and enables a webhook while it is sent to: its delivery is cancelled, and may be
// sent again only when the attempt that goes on is over.
func TestAnAttemptUnderWayIsNotOvertaken(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		jobs := q.claim(1, 1)
		q.toggle(0)
		if _, err := q.db.Requeue(t.Context(), q.reg, id, q.clock.now()); !fault.Is(err, fault.Conflict) {
			t.Errorf("requeued while it is being sent: %v, want a conflict", err)
		}
		q.finish(jobs, 500)
		if got := q.stored(id); got.State != delivery.Cancelled {
			t.Errorf("after the failure it is %s, want cancelled", got.State)
		}
		if _, err := q.db.Requeue(t.Context(), q.reg, id, q.clock.now()); err != nil {
			t.Errorf("after the attempt: %v", err)
		}
		q.claim(1, 1)
		q.clock.advance(lease + 1)
		if _, err := q.db.Requeue(t.Context(), q.reg, id, q.clock.now()); err != nil {
			t.Errorf("after the lease ended: %v", err)
		}
	})
}

// toggle disables a webhook and enables it again.
func (q *queue) toggle(hook int) {
	q.t.Helper()
	for _, status := range []webhook.Status{webhook.Disabled, webhook.Enabled} {
		w, err := q.db.Webhook(q.t.Context(), q.reg, q.hooks[hook].Name)
		if err != nil {
			q.t.Fatal(err)
		}
		w.Status = status
		if err := q.db.UpdateWebhook(q.t.Context(), w, w.Version); err != nil {
			q.t.Fatal(err)
		}
	}
}

// TestADeletedRegistryTakesNoEvents lets an event come while its registry goes.
func TestEventsOfARegistryThatIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		if err := db.DeleteRegistry(t.Context(), "acmereg", 0); err != nil {
			t.Fatal(err)
		}
		id := q.waiting(0, 1)[0] // its webhooks were read before
		if jobs := q.claim(5, 5); len(jobs) != 0 {
			t.Errorf("%d deliveries are sent for a webhook that is gone", len(jobs))
		}
		if got := q.stored(id); got.State != delivery.Cancelled || got.Attempts != 0 {
			t.Errorf("it is %s after %d attempts, want cancelled after none", got.State, got.Attempts)
		}
	})
}
