package store_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// retrying is a queue on SQLite with one delivery that failed and waits for five seconds or a little more.
func retrying(t *testing.T) (*queue, string, delivery.ID) {
	t.Helper()
	c, file := &clock{t: noon}, storetest.File(t)
	db := storetest.OpenWith(t, store.Options{DSN: file, Now: c.now})
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 1)
	q.clock, q.ids = c, delivery.NewIDs(c.now)
	q.looks(false)
	id := q.waiting(0, 1)[0]
	q.finish(q.claim(1, 1), 500)
	return q, file, id
}

func (q *queue) looks(wants bool) {
	q.t.Helper()
	if moved, err := q.db.KeepTime(q.t.Context()); err != nil || moved != wants {
		q.t.Errorf("after a look at the clock: moved is %v, %v", moved, err)
	}
}

// wait is how long the delivery waits by the clock of the test.
func (q *queue) wait(id delivery.ID) time.Duration { return q.stored(id).Next.Sub(q.clock.now()) }

func TestAClockThatIsSetBackHoldsNothingUp(t *testing.T) {
	q, _, id := retrying(t)
	before := q.wait(id)
	q.clock.advance(-24 * time.Hour)
	if w := q.wait(id); w < 24*time.Hour {
		t.Fatalf("the control: it waits %s", w)
	}
	q.looks(true)
	if w := q.wait(id); w < 0 || w > before+time.Second {
		t.Errorf("it waits %s, before %s", w, before)
	}
	q.looks(false) // once is enough
	q.clock.advance(-500 * time.Millisecond)
	q.looks(false) // a clock is never exact
}

func TestAClockThatIsSetBackBetweenTwoStarts(t *testing.T) {
	q, file, id := retrying(t)
	before := q.wait(id)
	q.clock.advance(-24 * time.Hour)
	q.db = storetest.OpenWith(t, store.Options{DSN: file, Now: q.clock.now})
	q.looks(true)
	if w := q.wait(id); w < 0 || w > before+time.Minute {
		t.Errorf("it waits %s, before %s", w, before)
	}
	q.db = storetest.OpenWith(t, store.Options{DSN: file, Now: q.clock.now})
	q.looks(false)
}

func TestAClockThatIsSetForwardMovesNothing(t *testing.T) {
	q, file, id := retrying(t)
	due := q.stored(id).Next
	q.clock.advance(72 * time.Hour)
	q.looks(false)
	q.db = storetest.OpenWith(t, store.Options{DSN: file, Now: q.clock.now})
	q.looks(false)
	if got := q.stored(id).Next; !got.Equal(due) {
		t.Errorf("it is due at %s, was at %s", got, due)
	}
}
