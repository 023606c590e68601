package store_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// TestTwoWritersOnOneTag holds that pushes and deletions of one tag at once leave a tag that leads to a manifest, or none.
func TestTwoWritersOnOneTag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		images := []artifact.Manifest{imageOf(t, "one"), imageOf(t, "two")}
		for _, m := range images {
			linkParts(t, db, "api", m)
		}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 15 {
					c := putOf("api", "latest", images[(i+n)%2])
					switch i {
					case 6:
						c.Kind, c.Tag = event.DeleteManifest, ""
					case 7:
						c.Kind = event.DeleteTag
					}
					if _, err := db.Record(t.Context(), &c, nothing); err != nil && !fault.Is(err, fault.NotFound) {
						t.Errorf("%s: %v", c.Kind, err)
					}
				}
			})
		}
		all.Wait()
		change(t, db, putOf("api", "latest", images[1]))
		if got, err := db.Manifest(t.Context(), "acmereg", "api", "latest"); err != nil || got.Digest != images[1].Digest {
			t.Errorf("latest is %s (%v), want the last push", got.Digest, err)
		}
		var lost int64
		err := db.Read(t.Context()).Raw("select count(*) from tags where not exists (select 1 from manifests where manifests.digest = tags.digest)").Scan(&lost).Error
		if err != nil || lost != 0 {
			t.Errorf("%d tags lead nowhere (%v)", lost, err)
		}
	})
}

// TestADeletedRegistryLeavesNothing fills every table, deletes the registry and looks into all of them.
func TestADeletedRegistryLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rows := func() map[string]int64 {
			t.Helper()
			counts := map[string]int64{}
			for _, table := range []string{
				"repositories", "manifests", "tags", "blob_links", "events", "images", "event_hours", "bodies", "deliveries", "attempts",
				"webhook_hours", "webhooks", "webhook_states",
			} {
				var n int64
				if err := db.Read(t.Context()).Table(table).Count(&n).Error; err != nil {
					t.Fatal(err)
				}
				counts[table] = n
			}
			return counts
		}
		fill := func(name registry.Name) {
			t.Helper()
			addRegistry(t, db, acme(name, registry.Premium))
			q := queueOf(t, db, name, 1)
			m := imageOf(t, string(name))
			for _, blob := range append([]artifact.Descriptor{*m.Config}, m.Layers...) {
				if err := db.LinkBlob(t.Context(), name, "api", blob.Digest, blob.Size); err != nil {
					t.Fatal(err)
				}
			}
			c := putOf("api", "v1", m)
			c.Registry = name
			if _, err := db.Record(t.Context(), &c, func(event.Outcome) ([]delivery.Entry, error) { return q.entries(2), nil }); err != nil {
				t.Fatal(err)
			}
			q.finish(q.claim(16, 16), 200)
		}
		fill("other1")
		before := rows()
		for table, n := range before {
			if n == 0 {
				t.Fatalf("the test leaves %s empty", table)
			}
		}
		fill("acmereg")
		if err := db.DeleteRegistry(t.Context(), "AcmeReg", 0); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, rows()); d != "" {
			t.Errorf("rows after a registry came and went:\n%s", d)
		}
		if err := db.DeleteRegistry(t.Context(), "acmereg", 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

// foreign is text that neither PostgreSQL nor a page can take as it is.
const foreign = "a\x00b\xffc"

// mended is what is stored of it.
const mended = "a\uFFFDb\uFFFDc"

// TestForeignTextIsMendedAndFindsNothing gives bad text to every way in; nothing may fail inside, and lookups find nothing.
func TestForeignTextIsMendedAndFindsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		hook := q.hooks[0]
		ev := event.Event{
			ID: "ev1", Registry: "acmereg", Location: foreign, Action: event.Push, Time: noon, Actor: foreign, Source: foreign, CarriedTags: []string{foreign},
			Target:  event.Target{MediaType: foreign, Digest: foreign, Repository: foreign, Tag: foreign, Kind: foreign, Chart: artifact.ChartInfo{Name: foreign, Version: foreign}},
			Request: event.Request{ID: foreign, Addr: foreign, Host: foreign, Method: foreign, UserAgent: foreign},
		}
		del := delivery.Delivery{
			ID: q.id(), EventID: ev.ID, Registry: "acmereg", WebhookID: hook.ID, Webhook: hook.Name, Action: event.Push,
			Image: delivery.Image{Repository: foreign, Tag: foreign, Digest: foreign}, Body: []byte(foreign), State: delivery.Pending, Next: noon, Created: noon,
		}
		q.record(delivery.Entry{Event: ev, Verdicts: []webhook.Verdict{{WebhookID: hook.ID, Webhook: hook.Name, Fires: true, Reason: foreign}}, Deliveries: []delivery.Delivery{del}})
		stored, err := db.Event(t.Context(), "acmereg", "ev1")
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]string{
			"location": string(stored.Location), "actor": stored.Actor, "source": stored.Source, "carried tag": stored.CarriedTags[0], "media type": stored.Target.MediaType,
			"digest": stored.Target.Digest, "repository": stored.Target.Repository, "tag": stored.Target.Tag, "kind": string(stored.Target.Kind),
			"chart": stored.Target.Chart.Name, "chart version": stored.Target.Chart.Version, "request": stored.Request.ID, "address": stored.Request.Addr,
			"host": stored.Request.Host, "method": stored.Request.Method, "user agent": stored.Request.UserAgent,
		} {
			if got != mended {
				t.Errorf("the %s is stored as %q, want %q", name, got, mended)
			}
		}
		jobs := q.claim(1, 16)
		if string(jobs[0].Delivery.Body) != foreign {
			t.Errorf("the body changed to %q", jobs[0].Delivery.Body)
		}
		a := q.attempt(jobs[0], 500)
		a.RemoteAddr, a.RequestURI, a.StatusText, a.Proto, a.Sentence, a.ResponseBody = foreign, foreign, foreign, foreign, foreign, []byte(foreign)
		a.RequestHeaders, a.ResponseHeaders = []delivery.Header{{Name: foreign, Value: foreign}}, []delivery.Header{{Name: foreign, Value: foreign}}
		done := delivery.Next(jobs[0], a, q.clock.now(), nil)
		done.Disable = foreign
		if err := db.Finish(t.Context(), []delivery.Done{done}); err != nil {
			t.Fatal(err)
		}
		attempts, err := db.Attempts(t.Context(), del.ID)
		if err != nil || len(attempts) != 1 {
			t.Fatalf("%d attempts (%v)", len(attempts), err)
		}
		for name, got := range map[string]string{
			"address": attempts[0].RemoteAddr, "URI": attempts[0].RequestURI, "status text": attempts[0].StatusText, "protocol": attempts[0].Proto,
			"sentence": attempts[0].Sentence, "header": attempts[0].ResponseHeaders[0].Value, "header name": attempts[0].RequestHeaders[0].Name,
		} {
			if got != mended {
				t.Errorf("the attempt's %s is stored as %q, want %q", name, got, mended)
			}
		}
		if string(attempts[0].ResponseBody) != foreign {
			t.Errorf("the response body changed to %q", attempts[0].ResponseBody)
		}
		lookups(t, db)
	})
}

// foreignText reports PostgreSQL's way to find nothing by foreign text.
func foreignText(db *store.DB, err error) bool { return db.Postgres() && fault.Is(err, fault.Invalid) }

// lookups asks for foreign text wherever a text is asked for.
func lookups(t *testing.T, db *store.DB) {
	t.Helper()
	for name, look := range map[string]func() error{
		"manifest":     func() error { _, err := db.Manifest(t.Context(), "acmereg", foreign, foreign); return err },
		"by digest":    func() error { _, err := db.Manifest(t.Context(), "acmereg", "api", "sha256:"+foreign); return err },
		"tags":         func() error { _, _, err := db.Tags(t.Context(), "acmereg", foreign, "", 1); return err },
		"blob":         func() error { _, err := db.BlobSize(t.Context(), "acmereg", foreign, foreign); return err },
		"unlink":       func() error { return db.UnlinkBlob(t.Context(), "acmereg", foreign, foreign) },
		"registry":     func() error { _, err := db.Registry(t.Context(), foreign); return err },
		"webhook":      func() error { _, err := db.Webhook(t.Context(), "acmereg", foreign); return err },
		"its registry": func() error { _, err := db.Webhook(t.Context(), foreign, "hook0"); return err },
		"delivery":     func() error { _, err := db.Delivery(t.Context(), foreign, 1); return err },
		"event":        func() error { _, err := db.Event(t.Context(), "acmereg", foreign); return err },
		"requeue":      func() error { _, err := db.Requeue(t.Context(), foreign, 1, noon); return err },
		"delete a repo": func() error {
			_, err := db.Record(t.Context(), &event.Change{Kind: event.DeleteRepository, Registry: "acmereg", Repository: foreign}, nothing)
			return err
		},
		"delete a tag": func() error {
			_, err := db.Record(t.Context(), &event.Change{Kind: event.DeleteTag, Registry: "acmereg", Repository: "api", Tag: foreign}, nothing)
			return err
		},
	} {
		if err := look(); !fault.Is(err, fault.NotFound) && !foreignText(db, err) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	for name, look := range map[string]func() (int, error){
		"repositories": func() (int, error) {
			l, _, err := db.Repositories(t.Context(), "acmereg", foreign, 5)
			return len(l), err
		},
		"referrers": func() (int, error) {
			l, err := db.Referrers(t.Context(), "acmereg", foreign, foreign, foreign)
			return len(l), err
		},
		"verdicts": func() (int, error) { l, err := db.Verdicts(t.Context(), foreign); return len(l), err },
		"deliveries": func() (int, error) {
			p, err := db.Deliveries(t.Context(), delivery.Filter{Registry: foreign, WebhookID: foreign, EventID: foreign, Action: foreign, Class: foreign, Text: foreign})
			return len(p.Deliveries), err
		},
		"events": func() (int, error) {
			p, err := db.Events(t.Context(), event.Filter{Registry: foreign, Action: foreign, Text: foreign, Before: foreign, After: foreign})
			return len(p.Events), err
		},
		"health":  func() (int, error) { m, err := db.Health(t.Context(), []string{foreign}, noon); return len(m), err },
		"hours":   func() (int, error) { l, err := db.EventHours(t.Context(), foreign, noon); return len(l), err },
		"arrival": func() (int, error) { l, err := db.Arrivals(t.Context(), foreign, 5); return len(l), err },
		"backlog": func() (int, error) { b, err := db.Backlog(t.Context(), foreign); return b.Waiting, err },
		"stakes":  func() (int, error) { m, err := db.Stakes(t.Context(), []string{foreign}); return m[foreign].Past, err },
	} {
		if n, err := look(); n != 0 || err != nil && !foreignText(db, err) {
			t.Errorf("%s: %d rows, %v, want none", name, n, err)
		}
	}
	page, err := db.Deliveries(t.Context(), delivery.Filter{Text: strings.ToUpper(foreign)})
	if err != nil || len(page.Deliveries) != 1 {
		t.Errorf("the text as it came finds %d deliveries (%v), want the mended one", len(page.Deliveries), err)
	}
}
