package store_test

import (
	"net/url"
	"slices"
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

// settable gives a database whose own clock a test can set.
func settable(t *testing.T, dsn string) (_ string, set func(by time.Duration)) {
	t.Helper()
	db := storetest.OpenWith(t, store.Options{DSN: dsn})
	do := func(statement string, args ...any) {
		t.Helper()
		if err := db.Read(t.Context()).Exec(statement, args...).Error; err != nil {
			t.Fatal(err)
		}
	}
	do("create schema clock")
	do("create table clock.off (seconds bigint)")
	do("insert into clock.off values (0)")
	do(`create function clock.clock_timestamp() returns timestamptz volatile language sql as
		'select pg_catalog.clock_timestamp() + (select seconds from clock.off) * interval ''1 second'' '`)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "public,clock,pg_catalog") // its functions before those of the system
	u.RawQuery = q.Encode()
	return u.String(), func(by time.Duration) { do("update clock.off set seconds = ?", int64(by.Seconds())) }
}

// TestTheDatabasesClockIsSetBack: nothing is sent by two machines, nor lost, when PostgreSQL's own clock is set back while both
// have work in flight, whether they noticed or not. The control knows no clock but the one that it asked before.
func TestTheDatabasesClockIsSetBack(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		dsn, set := settable(t, dsn)
		before := storetest.OpenWith(t, store.Options{DSN: dsn})
		addRegistry(t, before, acme("acmereg", registry.Premium))
		q := queueOf(t, before, "acmereg", 1)
		put := func(db *store.DB) delivery.ID {
			q.db, q.clock.t = db, db.Now()
			entries := q.entries(1)
			q.record(entries...)
			return entries[0].Deliveries[0].ID
		}
		takes := func(who string, db *store.DB, want ...delivery.ID) []delivery.Job {
			t.Helper()
			jobs, err := db.Claim(t.Context(), 8, delivery.Caps{Default: 8}, lease)
			if got := idsOf(jobs); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s takes %v, want %v: %v", who, got, want, err)
			}
			return jobs
		}
		first := put(before)
		mine := takes("the one", before, first)
		set(-time.Hour)
		after := storetest.OpenWith(t, store.Options{DSN: dsn}) // a machine that asks the clock now
		if off := time.Until(after.Now().Add(time.Hour)).Abs(); off > time.Minute {
			t.Fatalf("the clock of the database is %s off what it was set to", off)
		}
		takes("the other, of what the one has in flight,", after)
		second := put(after)
		theirs := takes("the other", after, second)
		takes("the one, of what the other has in flight,", before)
		control := storetest.OpenWith(t, store.Options{DSN: dsn, Now: before.Now})
		takes("the control, with no clock but its own,", control, second)

		theirs[0].Delivery.Attempts++ // as the control has counted it
		for _, job := range append(mine, theirs...) {
			q.db = after
			q.finish([]delivery.Job{job}, 200)
		}
		third := put(after)
		takes("a machine that dies then", after, third)
		set(-time.Hour + 2*lease)
		heir := storetest.OpenWith(t, store.Options{DSN: dsn})
		q.db = heir
		q.finish(takes("its heir, after the lease,", heir, third), 200)
		for _, id := range []delivery.ID{first, second, third} {
			if got := q.stored(id).State; got != delivery.Delivered {
				t.Errorf("delivery %d is %s", id, got)
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
