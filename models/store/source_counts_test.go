package store_test

import (
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
