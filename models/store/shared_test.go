package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// TestOneReadingForAllWhoCameBeforeIt: nobody gets what was read before they asked.
func TestOneReadingForAllWhoCameBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s store.Shared
		readings := 0
		read := func(context.Context) (int, error) {
			readings++
			n := readings
			time.Sleep(time.Second)
			return n, nil
		}
		var all sync.WaitGroup
		ask := func(want int) {
			all.Go(func() {
				if got, err := s.Get(t.Context(), "a", read); got != want || err != nil {
					t.Errorf("reading %d, %v, want %d", got, err, want)
				}
			})
		}
		ask(1)
		time.Sleep(100 * time.Millisecond) // the first is under way
		for range 5 {
			ask(2)
		}
		time.Sleep(time.Second)
		ask(3)
		all.Wait()
		if readings != 3 {
			t.Errorf("%d readings", readings)
		}
	})
}

// TestWhoLeavesAReadingTakesItFromNobody: the one who asked first may go before it ends. An error is everybody's, and is not kept.
func TestWhoLeavesAReadingTakesItFromNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s store.Shared
		left, leave := context.WithCancel(t.Context())
		broken := errors.New("broken")
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.Get(left, "a", func(ctx context.Context) (int, error) {
				time.Sleep(time.Second)
				return 0, errors.Join(ctx.Err(), broken)
			}); !errors.Is(err, context.Canceled) {
				t.Errorf("who left hears %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		seven := func(context.Context) (int, error) { return 7, nil }
		if got, err := s.Get(t.Context(), "a", seven); got != 7 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
		if _, err := s.Get(t.Context(), "b", func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
			t.Errorf("%v, want what the reading failed with", err)
		}
		if got, err := s.Get(t.Context(), "b", seven); got != 7 || err != nil {
			t.Errorf("after an error %d, %v", got, err)
		}
		all.Wait()
	})
}

// TestWebhooksAreWhatAnotherProcessMadeOfThem at once, though what was opened is remembered.
func TestWebhooksAreWhatAnotherProcessMadeOfThem(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		other := storetest.OpenWith(t, store.Options{DSN: dsn})
		addRegistry(t, db, acme("acmereg", registry.Premium))
		see := func(want ...string) {
			t.Helper()
			for range 2 { // opened, then remembered
				hooks, err := db.Subscribers(t.Context(), "acmereg")
				var got []string
				for _, hook := range hooks {
					got = append(got, string(hook.Name)+" "+string(hook.Status))
				}
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%v, %v, want %v", got, err, want)
				}
			}
		}
		see()
		w := addWebhook(t, other, hookOf("acmereg", "bhook1"))
		see("bhook1 enabled")
		w.Status = webhook.Disabled
		if err := other.UpdateWebhook(t.Context(), w, 1); err != nil {
			t.Fatal(err)
		}
		see("bhook1 disabled")
		addWebhook(t, other, hookOf("acmereg", "ahook1"))
		see("ahook1 enabled", "bhook1 disabled")
		if err := other.DeleteWebhook(t.Context(), "acmereg", "bhook1", 0); err != nil {
			t.Fatal(err)
		}
		see("ahook1 enabled")
	})
}
