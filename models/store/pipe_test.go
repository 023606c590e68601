package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

const setSetting = "insert into settings (key, value) values (?, ?)"

// settingsOf reads the keys that a test wrote.
func settingsOf(t *testing.T, db *store.DB) (keys []string) {
	t.Helper()
	if err := db.Read(t.Context()).Raw("select key from settings where key like 'test.%' order by key").Scan(&keys).Error; err != nil {
		t.Fatal(err)
	}
	return keys
}

// onPipes runs a test on a PostgreSQL of its own.
func onPipes(t *testing.T, fn func(t *testing.T, db *store.DB, dsn string)) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) { fn(t, storetest.OpenWith(t, store.Options{DSN: dsn}), dsn) })
}

// TestStatementsThatWaitKeepTheirOrder: what nobody waits for is seen by the next query, and by the next statement of GORM's.
func TestStatementsThatWaitKeepTheirOrder(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, _ string) {
		err := db.Write(t.Context(), func(tx *gorm.DB) error {
			if err := db.Later(tx, setSetting, "test.a", "1"); err != nil {
				return err
			}
			if done := tx.Exec("update settings set value = '2' where key = 'test.a' and value = '1'"); done.RowsAffected != 1 {
				t.Errorf("a statement after one that waits changes %d rows: %v", done.RowsAffected, done.Error)
			}
			if err := db.Later(tx, "update settings set value = '3' where value = '2'"); err != nil {
				return err
			}
			var value string
			if err := tx.Raw("select value from settings where key = 'test.a'").Scan(&value).Error; value != "3" {
				t.Errorf("a query after a statement that waits reads %q: %v", value, err)
			}
			return db.Later(tx, setSetting, "test.b", "1")
		})
		if got := settingsOf(t, db); err != nil || !slices.Equal(got, []string{"test.a", "test.b"}) {
			t.Errorf("%v are stored: %v", got, err)
		}
	})
}

// TestACommitFailsWithWhatItTookAlong: nothing is stored when a statement fails that waited for the commit, and the connection serves
// the next one.
func TestACommitFailsWithWhatItTookAlong(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, _ string) {
		for range 2 * store.Committers {
			err := db.Write(t.Context(), func(tx *gorm.DB) error {
				if err := db.Later(tx, setSetting, "test.lost", "1"); err != nil {
					return err
				}
				return db.Later(tx, "insert into settings (key, value) values (?, null)", "test.null")
			})
			if !fault.Is(err, fault.Internal) {
				t.Errorf("a commit with a statement that fails: %v", err)
			}
		}
		if got := settingsOf(t, db); len(got) != 0 {
			t.Errorf("%v are stored", got)
		}
		if err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, "test.kept", "1") }); err != nil {
			t.Error(err)
		}
	})
}

// TestAFailureThatIsNotHeededCommitsNothing: PostgreSQL answers such a commit without an error.
func TestAFailureThatIsNotHeededCommitsNothing(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, _ string) {
		err := db.Write(t.Context(), func(tx *gorm.DB) error {
			var n int
			_ = tx.Raw("select 1 / 0").Scan(&n).Error
			return nil
		})
		if err == nil {
			t.Error("a transaction in which a query failed is committed")
		}
	})
}

// TestARefusalThatWaitedIsItsOwnWrites: of writes that share a commit, one that turns out to be refused when its statements are sent
// takes none of the others with it.
func TestARefusalThatWaitedIsItsOwnWrites(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, _ string) {
		if err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, "test.taken", "1") }); err != nil {
			t.Fatal(err)
		}
		release := holdCommitters(t, db, store.Committers) // until the writes below wait together
		var all sync.WaitGroup
		for _, key := range []string{"test.one", "test.taken", "test.two"} {
			all.Go(func() {
				err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, key, "1") })
				if want := key == "test.taken"; fault.Is(err, fault.Conflict) != want || !want && err != nil {
					t.Errorf("%s: %v", key, err)
				}
			})
		}
		queued(t, db, 3)
		release()
		all.Wait()
		if got := settingsOf(t, db); !slices.Equal(got, []string{"test.one", "test.taken", "test.two"}) {
			t.Errorf("%v are stored", got)
		}
	})
}

// TestWritesGoOnWhenTheServerLostItsConnections: nobody hears of connections that broke while nothing was under way.
func TestWritesGoOnWhenTheServerLostItsConnections(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, dsn string) {
		for range 2 { // the driver looks after a connection that it takes for the first time, and after one that was not used for a second
			var all sync.WaitGroup
			for range 12 {
				all.Go(func() {
					if err := db.Read(t.Context()).Exec("select pg_sleep(0.1)").Error; err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		beside, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer beside.Close()
		const others = "from pg_stat_activity where case when datname = current_database() and pid <> pg_backend_pid() then "
		var ended, left int
		err = beside.QueryRow("select count(*) " + others + "pg_terminate_backend(pid) end").Scan(&ended)
		for left = ended; left > 0 && err == nil; {
			err = beside.QueryRow("select count(*) " + others + "true end").Scan(&left)
		}
		if err != nil || ended < 6 {
			t.Fatalf("%d connections were ended: %v", ended, err)
		}
		if err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, "test.a", "1") }); err != nil {
			t.Errorf("a write on connections that the server ended: %v", err)
		}
	})
}

// TestOneThatTakesLongHoldsNobodyUp: in a crowd a commit waits for the end of another one, but not for one that waits itself.
func TestOneThatTakesLongHoldsNobodyUp(t *testing.T) {
	onPipes(t, func(t *testing.T, db *store.DB, _ string) {
		release := holdCommitters(t, db, store.Committers)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, fmt.Sprintf("test.%d", i), "1") }); err != nil {
					t.Error(err)
				}
			})
		}
		queued(t, db, 20)
		began, stop := make(chan struct{}), make(chan struct{})
		var once sync.Once
		all.Go(func() {
			if err := db.Write(t.Context(), func(*gorm.DB) error { once.Do(func() { close(began) }); <-stop; return nil }); err != nil {
				t.Error(err)
			}
		})
		queued(t, db, 21)
		release()
		<-began // it shares its commit with all the others
		if err := db.Write(t.Context(), func(tx *gorm.DB) error { return db.Later(tx, setSetting, "test.last", "1") }); err != nil {
			t.Error(err)
		}
		close(stop)
		all.Wait()
		if got := settingsOf(t, db); len(got) != 21 {
			t.Errorf("%v are stored", got)
		}
	})
}

// holdCommitters keeps so many goroutines of the writer busy until release is called.
func holdCommitters(t *testing.T, db *store.DB, n int) (release func()) {
	t.Helper()
	end, held := make(chan struct{}), sync.WaitGroup{}
	for range n {
		began := make(chan struct{})
		var once sync.Once
		held.Go(func() {
			if err := db.Write(t.Context(), func(*gorm.DB) error { once.Do(func() { close(began) }); <-end; return nil }); err != nil {
				t.Error(err)
			}
		})
		<-began
	}
	return func() {
		close(end)
		held.Wait()
	}
}
