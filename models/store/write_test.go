package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// hold keeps the writer of a SQLite database busy inside a transaction until release is called.
func hold(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	inside, free, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		over <- db.Write(context.Background(), func(*gorm.DB) error {
			close(inside)
			<-free
			return nil
		})
	}()
	<-inside
	release = sync.OnceFunc(func() {
		close(free)
		if err := <-over; err != nil {
			t.Errorf("the write that held the others: %v", err)
		}
	})
	t.Cleanup(release)
	return release
}

// queued waits until n writes wait for a commit.
func queued(t *testing.T, db *store.DB, n int) {
	t.Helper()
	for end := time.Now().Add(patience); db.Waiting() != n; {
		if time.Now().After(end) {
			t.Fatalf("%d writes wait, want %d", db.Waiting(), n)
		}
		time.Sleep(time.Millisecond)
	}
}

// put writes one setting in a transaction.
func put(key string) func(tx *gorm.DB) error {
	return func(tx *gorm.DB) error {
		return tx.Exec("insert into settings (key, value) values (?, ?)", key, "x").Error
	}
}

func stored(t *testing.T, db *store.DB, key string) bool {
	t.Helper()
	v, err := db.Setting(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return v != ""
}

func TestWritesShareACommit(t *testing.T) {
	db := storetest.Open(t)
	before := db.Commits()
	if err := db.Write(t.Context(), put("lone")); err != nil || db.Commits() != before+1 {
		t.Fatalf("a lone write made %d commits (%v), want its own", db.Commits()-before, err)
	}
	release := hold(t, db)
	before = db.Commits()
	const writes = 50
	errs := make(chan error, writes)
	for i := range writes {
		go func() { errs <- db.Write(context.Background(), put(fmt.Sprint("key", i))) }()
	}
	queued(t, db, writes)
	release()
	for range writes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := db.Commits() - before; got != 2 {
		t.Errorf("the held write and %d that came meanwhile made %d commits, want 2", writes, got)
	}
	for i := range writes {
		if !stored(t, db, fmt.Sprint("key", i)) {
			t.Errorf("write %d was acknowledged and is not there", i)
		}
	}
}

func TestOneRefusalDoesNotTakeTheOthersAlong(t *testing.T) {
	db := storetest.Open(t)
	release := hold(t, db)
	var runs atomic.Int64
	good, bad := make(chan error, 2), make(chan error, 2)
	go func() {
		good <- db.Write(context.Background(), func(tx *gorm.DB) error { runs.Add(1); return put("first")(tx) })
	}()
	queued(t, db, 1)
	refusal := errors.New("not this one")
	go func() {
		bad <- db.Write(context.Background(), func(tx *gorm.DB) error {
			return errors.Join(put("refused")(tx), refusal)
		})
	}()
	queued(t, db, 2)
	go func() {
		bad <- db.Write(context.Background(), func(tx *gorm.DB) error {
			if err := put("panicked")(tx); err != nil {
				return err
			}
			panic("a mistake")
		})
	}()
	queued(t, db, 3)
	go func() { good <- db.Write(context.Background(), put("last")) }()
	queued(t, db, 4)
	release()
	for range 2 {
		if err := <-good; err != nil {
			t.Errorf("a good write was refused with its neighbours: %v", err)
		}
		if err := <-bad; !errors.Is(err, refusal) && !fault.Is(err, fault.Internal) {
			t.Errorf("a bad write got %v", err)
		}
	}
	for key, want := range map[string]bool{"first": true, "last": true, "refused": false, "panicked": false} {
		if got := stored(t, db, key); got != want {
			t.Errorf("%s stored: %v, want %v", key, got, want)
		}
	}
	if runs.Load() < 2 { // the control: they did share a transaction, and it was rolled back
		t.Errorf("the first write ran %d times, want once with the others and once alone", runs.Load())
	}
	if err := db.Write(t.Context(), put("after")); err != nil {
		t.Errorf("after a panic the writer is gone: %v", err)
	}
}

func TestRefusalsOnEveryDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const writes = 60
		var all sync.WaitGroup
		errs := make([]error, writes)
		for i := range writes {
			all.Go(func() {
				key := fmt.Sprint("key", i)
				if i%10 == 0 {
					key = "key1" // taken by another
				}
				errs[i] = db.Write(t.Context(), put(key))
			})
		}
		all.Wait()
		taken := 0
		for i, err := range errs {
			switch {
			case fault.Is(err, fault.Conflict):
				taken++
			case err != nil:
				t.Errorf("write %d: %v", i, err)
			case i%10 != 0 && i != 1 && !stored(t, db, fmt.Sprint("key", i)):
				t.Errorf("write %d was acknowledged and is not there", i)
			}
		}
		if taken != writes/10 || !stored(t, db, "key1") {
			t.Errorf("%d of %d writes of one key were refused, want all but one", taken, writes/10+1)
		}
	})
}

func TestACallerMayLeaveUntilItsWriteStarts(t *testing.T) {
	db := storetest.Open(t)
	release := hold(t, db)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- db.Write(ctx, put("left")) }()
	queued(t, db, 1)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left before the start got %v", err)
	}
	release()

	ctx, leave = context.WithCancel(t.Context())
	inside, free := make(chan struct{}), make(chan struct{})
	go func() {
		left <- db.Write(ctx, func(tx *gorm.DB) error {
			close(inside)
			<-free
			return put("stayed")(tx)
		})
	}()
	<-inside
	leave()
	close(free)
	if err := <-left; err != nil {
		t.Errorf("a caller who left after the start got %v, want the outcome", err)
	}
	if stored(t, db, "left") || !stored(t, db, "stayed") {
		t.Errorf("stored: left %v, stayed %v", stored(t, db, "left"), stored(t, db, "stayed"))
	}
	if err := db.Write(ctx, put("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who had left before got %v", err)
	}
}

func TestCloseWaitsForWhatWasHandedIn(t *testing.T) {
	o := store.Options{DSN: storetest.File(t), Key: storetest.Key}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	release := hold(t, db)
	const writes = 10
	errs := make(chan error, writes)
	for i := range writes {
		go func() { errs <- db.Write(context.Background(), put(fmt.Sprint("key", i))) }()
	}
	queued(t, db, writes)
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	release()
	for range writes {
		if err := <-errs; err != nil {
			t.Errorf("handed in before the close: %v", err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), put("late")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("handed in after the close: %v, want unavailable", err)
	}
	again := storetest.OpenWith(t, o)
	for i := range writes {
		if !stored(t, again, fmt.Sprint("key", i)) {
			t.Errorf("write %d is gone", i)
		}
	}
}

// TestRefusalsShareTheCommit: refusals cost their neighbours a repetition, not a commit each.
func TestRefusalsShareTheCommit(t *testing.T) {
	db := storetest.Open(t) // one committer: which writes share a commit is certain
	release := hold(t, db)
	before := db.Commits()
	const writes = 20
	errs := make(chan error, writes)
	for i := range writes {
		go func() {
			errs <- db.Write(context.Background(), func(tx *gorm.DB) error {
				if err := put(fmt.Sprint("shared", i))(tx); err != nil || i%2 == 0 {
					return err
				}
				return fault.New(fault.Conflict, "No.")
			})
		}()
		queued(t, db, i+1)
	}
	release()
	refused := 0
	for range writes {
		if err := <-errs; fault.Is(err, fault.Conflict) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if commits := db.Commits() - before; refused != writes/2 || commits > 2 { // hold's own and theirs
		t.Errorf("%d refused in %d commits, want %d in at most 2", refused, commits, writes/2)
	}
	for i := range writes {
		if got := stored(t, db, fmt.Sprint("shared", i)); got != (i%2 == 0) {
			t.Errorf("write %d stored: %v", i, got)
		}
	}
}
