package store_test

import (
	"sync"
	"testing"
	"time"

	"dockbell/models/keeping"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// kept holds what two ways to ask say is kept of the source, its row with what waits, and the memory of this process, to a number.
func (h sourceHouse) kept(when string, want int64) {
	h.t.Helper()
	src, err := h.db.Source(h.t.Context(), "dist")
	if err != nil {
		h.t.Fatal(err)
	}
	if got := h.db.Kept(h.src.ID); src.Counts.Kept != want || got != want {
		h.t.Errorf("%s: %d bytes are kept, and %d from memory, want %d", when, src.Counts.Kept, got, want)
	}
}

func (h sourceHouse) flush() {
	h.t.Helper()
	if err := h.db.FlushSources(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// TestWhatIsKeptOfASourceIsCounted: what comes in adds to it at once, what retention removes is taken off, and a process that
// ends without writing its counts loses none of them.
func TestWhatIsKeptOfASourceIsCounted(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ck := &clock{t: time.Now().Add(-time.Hour)}
		open := func() *store.DB { return storetest.OpenWith(t, store.Options{DSN: dsn, Now: ck.now}) }
		h := newSourceHouse(t, open())
		h.kept("at first", 0)
		h.take(source.Arrival{Body: []byte("0123456789")}, h.push("v1", "sha256:a")) // its verdict is 100 bytes or so
		src, err := h.db.Source(t.Context(), "dist")
		one := src.Counts.Kept
		if err != nil || one < 10+source.ArrivalWeight+source.EventWeight || one > 300+source.ArrivalWeight+source.EventWeight {
			t.Fatalf("%d bytes for ten and an event: %v", one, err)
		}
		h.kept("before it is written", one)
		h.flush()
		h.kept("after it was written", one)
		h.take(source.Arrival{Body: []byte("9876543210")}, h.push("v2", "sha256:b"))
		h.kept("one more", 2*one)

		ck.advance(5 * time.Minute)
		again := h
		again.db = open() // as after kill -9: the second one was not written
		if err := again.db.RecountSources(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.kept("by the next process", 2*one)
		again.flush()
		if err := again.db.RecountSources(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.kept("counted once", 2*one)
		if src, err = again.db.Source(t.Context(), "dist"); err != nil || src.Counts.Accepted != 2 {
			t.Errorf("%d events were accepted: %v", src.Counts.Accepted, err)
		}

		for left := int64(2); left > 0; left-- {
			step, err := again.db.Forget(t.Context(), keeping.Arrivals, time.Now().Add(time.Hour), keeping.Mark{}, 1)
			if err != nil || step.Forgotten != 1 {
				t.Fatalf("forgot %d: %v", step.Forgotten, err)
			}
			again.kept("after retention", (left-1)*one)
		}
	})
}

// TestTwoProcessesCountOneSource: each takes, writes its counts and removes what is old while the other does; in the end both know
// that as much is kept as is there, and at last nothing.
func TestTwoProcessesCountOneSource(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one := newSourceHouse(t, storetest.OpenWith(t, store.Options{DSN: dsn}))
		two := one
		two.db = storetest.OpenWith(t, store.Options{DSN: dsn})
		two.outbox = one.outboxOf(two.db)
		for host, db := range map[string]*store.DB{"one": one.db, "two": two.db} { // so that their IDs differ
			if _, err := db.Join(t.Context(), memberOf(host)); err != nil {
				t.Fatal(err)
			}
		}
		const each = 40
		var all sync.WaitGroup
		for _, h := range []sourceHouse{one, two} {
			all.Go(func() {
				for n := range each {
					h.take(source.Arrival{Body: []byte("0123456789")})
					if n%5 == 0 {
						h.flush()
					}
					if _, err := h.db.Forget(t.Context(), keeping.Arrivals, time.Now().Add(time.Hour), keeping.Mark{}, 2); err != nil {
						t.Error(err)
					}
				}
				h.flush()
			})
		}
		all.Wait()
		left := int64(rowsOf(t, one.db, "arrivals"))
		for _, h := range []sourceHouse{one, two} {
			h.kept("in the end", left*(10+2+source.ArrivalWeight))
		}
		for step := (keeping.Step{}); !step.Done; {
			var err error
			if step, err = one.db.Forget(t.Context(), keeping.Arrivals, time.Now().Add(time.Hour), step.Next, 100); err != nil {
				t.Fatal(err)
			}
		}
		two.kept("of nothing", 0)
	})
}

// TestAnUpgradeCountsWhatIsKept of each source, and sets none of them a limit: what was taken before is taken after.
func TestAnUpgradeCountsWhatIsKept(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, dsn string) {
		err := store.OldTables(store.Options{DSN: dsn, Key: storetest.Key}, 70,
			`insert into registries (id, name, name_key, login_server, home, replicas, tier, kind, announce_untagged, announce_untag, quarantine, anonymous_pull, tags, created_by, created, updated)
				values ('r', 'acme1', 'acme1', '', 'local', '[]', 'Premium', 'external', 0, 0, 0, 0, '{}', 'tests', 1, 1)`,
			`insert into sources (id, name, name_key, registry, registry_key, location, kind, rate, networks, token_hash, secret_sealed, version, created_by, created, rotated)
				values ('s', 'Dist', 'dist', 'acme1', 'acme1', 'local', 'distribution', 5, 'null', 'hash', '', 1, 'tests', 1, 1)`,
			"insert into source_counts (source_id, accepted, duplicates, ignored, rejected, last) values ('s', 3, 0, 1, 0, 5)",
			`insert into arrivals (id, source_id, at, type, addr, body, accepted, duplicates, ignored, rejected, verdicts)
				values (7, 's', 5, '', '', 'a123456789', 2, 0, 0, 0, '[1,2]'), (9, 's', 5, '', '', 'a1234', 1, 0, 1, 0, '[]'), (11, 'gone', 5, '', '', 'a1234', 1, 0, 1, 0, '[]')`)
		if err != nil {
			t.Fatal(err)
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		if err := db.RecountSources(t.Context()); err != nil {
			t.Fatal(err)
		}
		src, err := db.Source(t.Context(), "dist")
		if want := int64(15 + 7 + 2*source.ArrivalWeight + 3*source.EventWeight); err != nil || src.Counts.Kept != want || src.Counts.Accepted != 3 || src.Space != 0 {
			t.Errorf("%d bytes are kept, want %d: %+v, %v", src.Counts.Kept, want, src, err)
		}
	})
}
