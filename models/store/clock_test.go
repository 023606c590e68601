package store_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// skewed is a machine's clock that is wrong by some time.
func skewed(by time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(by) }
}

// TestMachinesShareTheDatabasesClock: of two machines one is an hour ahead and one an hour behind. Each takes what the other
// stored at once, and neither takes what the other has leased.
func TestMachinesShareTheDatabasesClock(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		ahead := storetest.OpenWith(t, store.Options{DSN: dsn, Own: skewed(time.Hour)})
		behind := storetest.OpenWith(t, store.Options{DSN: dsn, Own: skewed(-time.Hour)})
		addRegistry(t, ahead, acme("acmereg", registry.Premium))
		q := queueOf(t, ahead, "acmereg", 1)
		caps := delivery.Caps{Default: 8}
		claim := func(db *store.DB) []delivery.Job {
			t.Helper()
			jobs, err := db.Claim(t.Context(), 8, caps, lease)
			if err != nil {
				t.Fatal(err)
			}
			return jobs
		}
		for _, c := range []struct{ stores, takes *store.DB }{{ahead, behind}, {behind, ahead}} {
			q.db = c.stores
			q.clock.t = c.stores.Now()
			q.record(q.entries(1)...)
			if jobs := claim(c.takes); len(jobs) != 1 {
				t.Errorf("%d deliveries are due on the other machine, want 1", len(jobs))
			}
			if jobs := claim(c.stores); len(jobs) != 0 {
				t.Errorf("%d leased deliveries were taken by the other machine", len(jobs))
			}
		}
		for db, want := range map[*store.DB]time.Duration{ahead: time.Hour, behind: -time.Hour} {
			if off := time.Until(db.Now()).Abs(); off > time.Minute {
				t.Errorf("its time is %s off", off)
			}
			if skew, err := db.Skew(t.Context()); err != nil || (skew-want).Abs() > time.Minute {
				t.Errorf("a clock that is %s off is found to be %s off, %v", want, skew, err)
			}
		}
	})
}

// TestTheMachinesClockWouldTakeLeases is the control: with each machine's own clock the one that is ahead takes what the other
// has leased.
func TestTheMachinesClockWouldTakeLeases(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		behind := storetest.OpenWith(t, store.Options{DSN: dsn, Now: skewed(-time.Hour)})
		ahead := storetest.OpenWith(t, store.Options{DSN: dsn, Now: skewed(time.Hour)})
		addRegistry(t, ahead, acme("acmereg", registry.Premium))
		q := queueOf(t, behind, "acmereg", 1)
		q.clock.t = behind.Now()
		q.record(q.entries(1)...)
		for _, db := range []*store.DB{behind, ahead} {
			if jobs, err := db.Claim(t.Context(), 8, delivery.Caps{Default: 8}, lease); err != nil || len(jobs) != 1 {
				t.Errorf("%d deliveries, %v; both machines take it", len(jobs), err)
			}
		}
	})
}

// TestAClockThatIsSetIsNoticed: the time goes on with the database's when this machine's clock is set while the program runs.
func TestAClockThatIsSetIsNoticed(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		off := time.Duration(0)
		db := storetest.OpenWith(t, store.Options{DSN: dsn, Own: func() time.Time { return time.Now().Add(off) }})
		for _, off = range []time.Duration{time.Hour, -24 * time.Hour, 72 * time.Hour} {
			if _, err := db.Claim(t.Context(), 1, delivery.Caps{Default: 1}, lease); err != nil {
				t.Fatal(err)
			}
			if wrong := time.Until(db.Now()).Abs(); wrong > time.Minute {
				t.Errorf("with a clock set by %s its time is %s off", off, wrong)
			}
		}
	})
}
