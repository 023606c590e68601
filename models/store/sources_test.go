package store_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/keeping"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// sourceHouse is a registry with a source on one database.
type sourceHouse struct {
	t      *testing.T
	db     *store.DB
	src    source.Source
	outbox *delivery.Outbox
}

func newSourceHouse(t *testing.T, db *store.DB) sourceHouse {
	t.Helper()
	h := sourceHouse{t: t, db: db, src: source.Source{
		ID: uuid.NewString(), Name: "Dist", Registry: "acme1", Location: "local", Kind: source.GitHub, Rate: 5, TokenHash: []byte("hash"),
		Secret: "a secret", Version: 1, CreatedBy: "tests", Created: time.Now().UTC().Truncate(time.Microsecond),
	}}
	h.src.Rotated = h.src.Created
	reg := registry.Registry{ID: uuid.NewString(), Name: "acme1", Kind: registry.External, Home: "local", Tier: registry.Premium, Group: registry.DefaultGroup, Version: 1}
	if err := db.AddRegistry(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	if err := db.AddSource(t.Context(), h.src); err != nil {
		t.Fatal(err)
	}
	h.outbox = h.outboxOf(db)
	return h
}

func (h sourceHouse) outboxOf(db *store.DB) *delivery.Outbox {
	return &delivery.Outbox{Store: db, Now: time.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(time.Now).Next}
}

// push is an event of team/app.
func (h sourceHouse) push(tag, digest string) event.Event {
	return event.Event{
		ID: event.ID(uuid.NewString()), Registry: "acme1", Location: "local", Action: event.ChartPush, Time: time.Now(), Source: "Dist",
		Target: event.Target{Repository: "team/app", Tag: tag, Digest: digest, MediaType: "application/x", Kind: artifact.Chart, Chart: artifact.ChartInfo{Name: "app", Version: tag}},
	}
}

func (h sourceHouse) take(a source.Arrival, events ...event.Event) source.Arrival {
	h.t.Helper()
	a.Source, a.At = h.src, time.Now()
	for _, ev := range events {
		a.Verdicts = append(a.Verdicts, source.Verdict{ID: string(ev.ID), Outcome: source.Accepted, Event: ev.ID})
	}
	a, err := h.outbox.Take(h.t.Context(), a, events)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h sourceHouse) remembered(digest string) source.Image {
	h.t.Helper()
	image, err := h.db.Remembered(h.t.Context(), "ACME1", "team/app", digest)
	if err != nil {
		h.t.Fatal(err)
	}
	return image
}

func TestSourcesAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newSourceHouse(t, db)
		got, err := db.Source(t.Context(), "DIST")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(h.src) {
			t.Errorf("%+v, %v, want %+v", got, err, h.src)
		}
		again := h.src
		again.ID, again.Name, again.TokenHash = uuid.NewString(), "dist", []byte("other")
		if err := db.AddSource(t.Context(), again); !fault.Is(err, fault.Conflict) {
			t.Errorf("a name in another case: %v", err)
		}
		h.take(source.Arrival{Verdicts: []source.Verdict{{ID: "x", Outcome: source.Rejected, Reason: "bad"}}})
		if err := db.FlushSources(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.take(source.Arrival{Verdicts: []source.Verdict{{ID: "y", Outcome: source.Ignored}}})
		got, err = db.Source(t.Context(), "dist")
		if n := got.Counts; err != nil || n.Rejected != 1 || n.Ignored != 1 || n.Last.IsZero() {
			t.Errorf("counted %+v, %v", n, err)
		}
		if err := db.DeleteSource(t.Context(), "Dist"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Source(t.Context(), "dist"); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v", err)
		}
		if _, err := h.outbox.Take(t.Context(), source.Arrival{Source: h.src}, []event.Event{h.push("v1", "sha256:a")}); err != source.ErrStale { //nolint:errorlint // it is this one
			t.Errorf("an arrival of a deleted source: %v", err)
		}
		page, err := db.Events(t.Context(), event.Filter{Registry: "acme1", Limit: 10})
		if err != nil || len(page.Events) != 0 {
			t.Errorf("%d events of a deleted source, %v", len(page.Events), err)
		}
	})
}

func TestArrivalsKeepTheirBodiesAndVerdicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newSourceHouse(t, db)
		ev := h.push("v1", "sha256:a")
		first := h.take(source.Arrival{Type: "application/json", Addr: "10.0.0.1", Body: []byte(`{"a":"\u0000"}`)}, ev)
		other := ev
		other.Target.Tag = "v2"
		second := h.take(source.Arrival{Body: []byte("{}")}, ev, other)
		if first.Verdicts[0].Outcome != source.Accepted || second.Verdicts[0].Outcome != source.Duplicate || second.Verdicts[0].Differs ||
			second.Verdicts[1].Outcome != source.Duplicate || !second.Verdicts[1].Differs {
			t.Errorf("first %+v, second %+v", first.Verdicts, second.Verdicts)
		}
		all, err := db.SourceArrivals(t.Context(), source.Look{SourceID: h.src.ID, Limit: 10})
		if err != nil || len(all) != 2 || string(all[1].Body) != `{"a":"\u0000"}` || all[1].Addr != "10.0.0.1" || len(all[0].Verdicts) != 2 || all[0].Verdicts[1].Reason == "" {
			t.Errorf("kept %+v, %v", all, err)
		}
		if older, err := db.SourceArrivals(t.Context(), source.Look{SourceID: h.src.ID, Before: all[0].ID, Limit: 10}); err != nil || len(older) != 1 {
			t.Errorf("%d older ones, %v", len(older), err)
		}
		bad := h.take(source.Arrival{Body: []byte(`{"bad":1}`), Verdicts: []source.Verdict{{ID: "9", Outcome: source.Rejected, Reason: "no"}, {ID: "10", Outcome: source.Ignored}}})
		h.take(source.Arrival{Body: []byte("{}"), Verdicts: []source.Verdict{{ID: "11", Outcome: source.Ignored}}})
		if only, err := db.SourceArrivals(t.Context(), source.Look{SourceID: h.src.ID, Rejected: true, Limit: 10}); err != nil || len(only) != 1 || !bytes.Equal(only[0].Body, bad.Body) {
			t.Errorf("of which something was rejected: %+v, %v", only, err)
		}
	})
}

// TestImagesAreRemembered: what is deleted can be told from what was pushed, also after the pushes were forgotten.
func TestImagesAreRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newSourceHouse(t, db)
		look := func(when, digest string, tags ...string) {
			t.Helper()
			image := h.remembered(digest)
			if image.Kind != artifact.Chart || image.MediaType != "application/x" || !slices.Equal(image.Tags, tags) {
				t.Errorf("%s: %+v, want the tags %v", when, image, tags)
			}
		}
		h.take(source.Arrival{}, h.push("v1", "sha256:a"), h.push("v2", "sha256:a"), h.push("latest", "sha256:a"), h.push("gone", "sha256:a"))
		h.take(source.Arrival{Images: []source.Image{{Repository: "team/app", Tags: []string{"gone"}}}}, h.push("latest", "sha256:b"))
		look("at once", "sha256:a", "v1", "v2")
		look("a tag that moved", "sha256:b", "latest")
		h.take(source.Arrival{Images: []source.Image{{Repository: "team/app", Digest: "sha256:c", MediaType: "application/x", Kind: artifact.Chart}}})
		look("without a tag", "sha256:c")
		step, err := db.Forget(t.Context(), keeping.Events, time.Now().Add(time.Hour), keeping.Mark{}, 100)
		if err != nil || step.Forgotten != 5 {
			t.Fatalf("forgot %d events: %v", step.Forgotten, err)
		}
		look("after the events were forgotten", "sha256:a", "v1", "v2")
		if digest, err := db.Tagged(t.Context(), "acme1", "team/app", "latest"); err != nil || digest != "sha256:b" {
			t.Errorf("latest is %s, %v", digest, err)
		}
		h.take(source.Arrival{}, h.push("v2", "sha256:b"))
		look("after another push", "sha256:a", "v1")
		gone := h.push("", "sha256:a")
		gone.Action, gone.CarriedTags = event.ChartDelete, []string{"v1"}
		h.take(source.Arrival{}, gone)
		if image := h.remembered("sha256:a"); image.Kind != "" || image.Tags != nil {
			t.Errorf("after its deletion %+v is remembered", image)
		}
		if step, err := db.Forget(t.Context(), keeping.Arrivals, time.Now().Add(time.Hour), keeping.Mark{}, 100); err != nil || step.Forgotten != 5 {
			t.Errorf("forgot %d arrivals: %v", step.Forgotten, err)
		}
	})
}

// TestArrivalsShareACommit: what comes while a commit is under way is stored together, and yet each is told what became of its own.
func TestArrivalsShareACommit(t *testing.T) {
	t.Run("as one", func(t *testing.T) { shareACommit(t, false) })
	t.Run("one of them refused", func(t *testing.T) { shareACommit(t, true) })
}

func shareACommit(t *testing.T, refused bool) {
	t.Helper()
	db := storetest.Open(t)
	h := newSourceHouse(t, db)
	release := hold(t, db)
	before := db.Commits()
	type answer struct {
		name string
		got  source.Arrival
		err  error
	}
	answers := make(chan answer)
	waiting := 0
	take := func(name string, src source.Source, events ...event.Event) {
		a := source.Arrival{Source: src, At: time.Now(), Body: []byte(name)}
		for _, ev := range events {
			a.Verdicts = append(a.Verdicts, source.Verdict{ID: string(ev.ID), Outcome: source.Accepted, Event: ev.ID})
		}
		go func() {
			got, err := h.outbox.Take(context.Background(), a, events)
			answers <- answer{name, got, err}
		}()
		waiting++
		queued(t, db, waiting)
	}
	twice := h.push("v1", "sha256:a")
	take("first", h.src, twice)
	take("same", h.src, twice, h.push("v2", "sha256:b"))
	other := twice
	other.Target.Tag = "v9"
	take("differs", h.src, other)
	stale := h.src
	stale.Version++
	if refused {
		take("stale", stale, h.push("v3", "sha256:c"))
	}
	take("last", h.src, h.push("v2", "sha256:d"))
	release()
	for range waiting {
		a := <-answers
		if a.name == "stale" {
			if a.err != source.ErrStale { //nolint:errorlint // it is this one
				t.Errorf("an arrival of a source that was changed: %v", a.err)
			}
			continue
		}
		var outcomes []source.Outcome
		for _, v := range a.got.Verdicts {
			outcomes = append(outcomes, v.Outcome)
		}
		want := map[string][]source.Outcome{"first": {source.Accepted}, "same": {source.Duplicate, source.Accepted}, "differs": {source.Duplicate}, "last": {source.Accepted}}[a.name]
		if a.err != nil || !slices.Equal(outcomes, want) || (a.name == "differs") != a.got.Verdicts[0].Differs {
			t.Errorf("%s: %+v, %v; want %v", a.name, a.got.Verdicts, a.err, want)
		}
	}
	if n := db.Commits() - before; n != 2 {
		t.Errorf("the held write and %d arrivals made %d commits, want 2", waiting, n)
	}
	page, err := db.Events(t.Context(), event.Filter{Registry: "acme1", Limit: 10})
	if err != nil || len(page.Events) != 3 {
		t.Errorf("%d events are stored, want 3: %v", len(page.Events), err)
	}
	all, err := db.SourceArrivals(t.Context(), source.Look{SourceID: h.src.ID, Limit: 10})
	if err != nil || len(all) != 4 || string(all[3].Body) != "first" || string(all[0].Body) != "last" {
		t.Errorf("%d arrivals are kept, want 4 in their order: %v", len(all), err)
	}
}
