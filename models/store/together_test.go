package store_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestManyOpenAtOnce: machines that start together on an empty database agree on its tables and on its key.
func TestManyOpenAtOnce(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		var opened, refused atomic.Int64
		for i := range 8 {
			all.Go(func() {
				key := bytes.Repeat([]byte{byte(1 + i%2)}, 32)
				db, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: key})
				switch {
				case errors.Is(err, store.ErrOtherKey):
					refused.Add(1)
				case err != nil:
					t.Error(err)
				default:
					opened.Add(1)
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if opened.Load() != 4 || refused.Load() != 4 {
			t.Errorf("of four machines with one key and four with another %d opened the database and %d were refused", opened.Load(), refused.Load())
		}
	})
}

// TestOneAtATime: what two machines do alone never overlaps, and what has another name does not wait.
func TestOneAtATime(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := storetest.OpenWith(t, store.Options{DSN: dsn}), storetest.OpenWith(t, store.Options{DSN: dsn})
		var inside atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			db := []*store.DB{one, two}[i%2]
			all.Go(func() {
				err := db.Alone(t.Context(), "work", func(ctx context.Context) error {
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d are inside at once", n)
					}
					defer inside.Add(-1)
					return db.Alone(ctx, "other", func(context.Context) error { return nil })
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// TestWhatIsHeldIsHeldOnAllMachines: more wait for one name than there are connections, and whoever holds it can still work.
func TestWhatIsHeldIsHeldOnAllMachines(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		machines := []*store.DB{storetest.OpenWith(t, store.Options{DSN: dsn}), storetest.OpenWith(t, store.Options{DSN: dsn})}
		var inside atomic.Int64
		var all sync.WaitGroup
		for i := range 80 {
			db := machines[i%2]
			all.Go(func() {
				defer db.Hold("sha256:1")()
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold it at once", n)
				}
				if err := db.PutSetting(t.Context(), "x", "y"); err != nil {
					t.Error(err)
				}
				inside.Add(-1)
			})
		}
		all.Wait()
	})
}
