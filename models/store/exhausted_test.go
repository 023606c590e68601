package store_test

import (
	"database/sql"
	"net/url"
	"sync"
	"testing"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// jostle lets many store, claim and finish at once. What they are refused is "unavailable"; it gives what was acknowledged.
func jostle(t *testing.T, q *queue) (l *ledger) {
	t.Helper()
	l = &ledger{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 15 {
				if err := l.tell(q, q.db); err != nil && !fault.Is(err, fault.Unavailable) {
					t.Errorf("storing: %v, want unavailable", err)
				}
				jobs, err := q.db.Claim(t.Context(), 3, delivery.Caps{Default: 1000}, lease)
				if err != nil && !fault.Is(err, fault.Unavailable) {
					t.Errorf("claiming: %v, want unavailable", err)
				}
				var done []delivery.Done
				for _, job := range jobs {
					done = append(done, delivery.Next(job, q.attempt(job, 200), q.clock.now(), nil))
				}
				if err := q.db.Finish(t.Context(), done); err != nil && !fault.Is(err, fault.Unavailable) {
					t.Errorf("finishing: %v, want unavailable", err)
				}
			}
		})
	}
	all.Wait()
	if n := missing(q, l.stored); n != 0 {
		t.Errorf("%d of %d acknowledged events are missing", n, len(l.stored))
	}
	return l
}

// TestAServerWithoutConnectionsLosesNothing: PostgreSQL gives this account five connections, and the program would have more. The
// control asks for a sixth one itself.
func TestAServerWithoutConnectionsLosesNothing(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		name := u.Path[1:]
		admin, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer admin.Close()
		do := func(statement string) {
			t.Helper()
			if _, err := admin.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		do("create role " + name + " login connection limit 5")
		t.Cleanup(func() { // after the store is closed
			admin, err := sql.Open("pgx", dsn)
			if err == nil {
				_, err = admin.Exec("drop owned by " + name + "; drop role " + name)
			}
			if err != nil {
				t.Error(err)
			}
			admin.Close()
		})
		do("grant all on all tables in schema public to " + name)
		u.User = url.User(name)
		c := &clock{t: noon}
		db := storetest.OpenWith(t, store.Options{DSN: u.String(), Now: c.now})
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		q.clock = c
		l := jostle(t, q)
		if len(l.stored) == 0 {
			t.Error("nothing was stored at all")
		}
		var held []*sql.Conn
		pool, err := sql.Open("pgx", u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		for err == nil && len(held) < 6 {
			var conn *sql.Conn
			if conn, err = pool.Conn(t.Context()); err == nil {
				held = append(held, conn)
			}
		}
		for _, conn := range held {
			conn.Close()
		}
		if err == nil {
			t.Error("the control: the server gave this account six connections")
		}
	})
}

// TestALongReaderHoldsNobodyUp: a reader who does not come to an end keeps SQLite's log from being written back, and nothing else.
func TestALongReaderHoldsNobodyUp(t *testing.T) {
	db := storetest.Open(t)
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 1)
	count := func(tx *gorm.DB) (n int64) {
		t.Helper()
		if err := tx.Raw("select count(*) from events").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	reader := db.Read(t.Context()).Begin()
	defer reader.Rollback()
	if n := count(reader); n != 0 {
		t.Fatalf("%d events are there before the first", n)
	}
	l := jostle(t, q)
	if n := count(reader); n != 0 {
		t.Errorf("the reader sees %d events that were stored after it began: it held nothing", n)
	}
	if len(l.failed) != 0 || len(l.stored) != 16*15 {
		t.Errorf("%d events were stored and %d refused beside a long reader", len(l.stored), len(l.failed))
	}
}
