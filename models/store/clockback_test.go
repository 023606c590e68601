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

// TestTheDatabasesClockIsSetBackWithRetries: what waits for a retry, and what was just stored, does not wait for a day more when
// PostgreSQL's own clock is set back by one. It is brought forward when every process knows the new time, and once.
func TestTheDatabasesClockIsSetBackWithRetries(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		dsn, set := settable(t, dsn)
		machine := &clock{t: time.Now()}
		db := storetest.OpenWith(t, store.Options{DSN: dsn, Own: machine.now})
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		q.clock.t = q.db.Now()
		failed := q.waiting(0, 1)[0]
		q.finish(q.claim(1, 1), 500)
		fresh := q.waiting(0, 1)[0]
		waits := func(id delivery.ID) time.Duration { return q.stored(id).Next.Sub(q.db.Now()) }
		gap := waits(failed)
		by := -24 * time.Hour
		pass := func(d time.Duration) {
			machine.advance(d)
			by += d
			set(by)
		}
		pass(clockFresh)
		q.looks(false) // it notices
		for _, id := range []delivery.ID{failed, fresh} {
			if w := waits(id); w < 23*time.Hour {
				t.Fatalf("the control: it waits %s", w)
			}
		}
		pass(2 * clockFresh)
		q.looks(true)
		if w := waits(failed); w < 0 || w > gap+time.Second {
			t.Errorf("the retry waits %s, before %s", w, gap)
		}
		if w := waits(fresh); w > 0 {
			t.Errorf("what was just stored waits %s", w)
		}
		next := q.stored(failed).Next
		pass(2 * clockFresh)
		q.looks(false)
		if again := q.stored(failed).Next; !again.Equal(next) {
			t.Errorf("it was moved a second time, from %s to %s", next, again)
		}
	})
}

// clockFresh is how often the database is asked for its time at least.
const clockFresh = 10 * time.Second
