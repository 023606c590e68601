package store_test

import (
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

func TestAJobHasAllThatItsAttemptNeeds(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		want := q.stored(id)
		want.Attempts, want.Next = 1, time.Time{} // counted before the POST; nothing further is planned while it runs
		jobs := q.claim(5, 5)
		if len(jobs) != 1 {
			t.Fatalf("%d jobs, want 1", len(jobs))
		}
		if d := gocmp.Diff(delivery.Job{Delivery: want, Webhook: &q.hooks[0], Turn: q.db.Turn()}, jobs[0], exact, sameScope); d != "" {
			t.Errorf("the job (-want +got):\n%s", d)
		}
		if d := gocmp.Diff(want, q.stored(id)); d != "" {
			t.Errorf("stored while it is in flight:\n%s", d)
		}
		for _, n := range []int{0, -1} {
			if jobs := q.claim(n, 5); len(jobs) != 0 {
				t.Errorf("a claim of %d gave %d jobs", n, len(jobs))
			}
		}
	})
}

// claims is how many are claimed at once, and how many of a webhook may be in flight.
type claims struct{ n, most int }

// claimers lets eight callers claim at once, over these handles, until nothing is left; seen is told of every job, and over
// of all that one claim gave.
func claimers(t *testing.T, handles []*store.DB, each claims, seen func(delivery.Job), over ...func(*store.DB, []delivery.Job) error) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range 8 {
		db := handles[i%len(handles)]
		all.Go(func() {
			for empty := 0; empty < 3; {
				jobs, err := db.Claim(t.Context(), each.n, delivery.Caps{Default: each.most}, lease)
				if err != nil {
					t.Error(err)
					return
				}
				if len(jobs) == 0 {
					empty++
					continue
				}
				empty = 0
				mu.Lock()
				for _, job := range jobs {
					seen(job)
				}
				mu.Unlock()
				for _, end := range over {
					if err := end(db, jobs); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

// twoHandles gives, with PostgreSQL, a second open database beside the first, as another process has it.
func twoHandles(t *testing.T, test func(t *testing.T, q *queue, handles []*store.DB)) {
	t.Helper()
	c := &clock{t: noon}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		o := store.Options{DSN: dsn, Now: c.now}
		handles := []*store.DB{storetest.OpenWith(t, o)}
		if handles[0].Postgres() {
			handles = append(handles, storetest.OpenWith(t, o))
		}
		addRegistry(t, handles[0], acme("acmereg", registry.Premium))
		q := queueOf(t, handles[0], "acmereg", 4)
		q.clock = c
		test(t, q, handles)
	})
}

func TestNoDeliveryIsClaimedTwice(t *testing.T) {
	twoHandles(t, func(t *testing.T, q *queue, handles []*store.DB) {
		const each = 47
		for i := range q.hooks {
			q.waiting(i, each)
		}
		seen := map[delivery.ID]int{}
		claimers(t, handles, claims{5, 1000}, func(job delivery.Job) { seen[job.Delivery.ID]++ })
		for _, job := range q.claim(1000, 1000) { // what a claimer left because another looked into its line
			seen[job.Delivery.ID]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}
		if len(seen) != each*len(q.hooks) {
			t.Errorf("%d deliveries were claimed, want %d", len(seen), each*len(q.hooks))
		}
	})
}

// TestTheCapHoldsForAllTogether finishes what it claims; at every moment at most three of a webhook are in flight.
func TestTheCapHoldsForAllTogether(t *testing.T) {
	twoHandles(t, func(t *testing.T, q *queue, handles []*store.DB) {
		const each, most = 40, 3
		for i := range q.hooks {
			q.waiting(i, each)
		}
		var mu sync.Mutex
		flying, worst, sent := map[string]int{}, 0, 0
		claimers(t, handles, claims{8, most}, func(job delivery.Job) {
			mu.Lock()
			defer mu.Unlock()
			flying[job.Webhook.ID]++
			worst, sent = max(worst, flying[job.Webhook.ID]), sent+1
		}, func(db *store.DB, jobs []delivery.Job) error {
			var done []delivery.Done
			for _, job := range jobs {
				done = append(done, delivery.Next(job, q.attempt(job, 200), q.clock.now(), nil))
			}
			mu.Lock() // before they are free in the database, so that nothing is counted that is not in flight
			for _, job := range jobs {
				flying[job.Webhook.ID]--
			}
			mu.Unlock()
			return db.Finish(t.Context(), done)
		})
		if worst > most {
			t.Errorf("%d deliveries of one webhook were in flight at once, want at most %d", worst, most)
		}
		for jobs := q.claim(100, 100); len(jobs) > 0; jobs = q.claim(100, 100) {
			sent += len(jobs)
			q.finish(jobs, 200)
		}
		if sent != each*len(q.hooks) {
			t.Errorf("%d attempts were made of %d deliveries", sent, each*len(q.hooks))
		}
	})
}

// TestTheCapHoldsAcrossClaims claims without finishing: 8 claimers together get the cap, no more and no less.
func TestTheCapHoldsAcrossClaims(t *testing.T) {
	twoHandles(t, func(t *testing.T, q *queue, handles []*store.DB) {
		for i := range q.hooks {
			q.waiting(i, 30)
		}
		var got []delivery.Job
		claimers(t, handles, claims{2, 3}, func(job delivery.Job) { got = append(got, job) })
		got = append(got, q.claim(100, 3)...)
		for _, hook := range q.hooks {
			if n := of(got)[hook.Name]; n != 3 {
				t.Errorf("%d deliveries of %s are in flight, want 3", n, hook.Name)
			}
		}
		q.finish(got[:1], 200)
		if more := q.claim(100, 3); len(more) != 1 || more[0].Webhook.ID != got[0].Webhook.ID {
			t.Errorf("one ended, and %v were claimed", of(more))
		}
	})
}

func TestCapsOfSingleWebhooks(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		for i := range q.hooks {
			q.waiting(i, 10)
		}
		caps := delivery.Caps{Default: 2, Of: map[string]int{q.hooks[1].ID: 0, q.hooks[2].ID: 5}}
		if d := gocmp.Diff(map[webhook.Name]int{"hook0": 2, "hook2": 5}, of(q.claimWith(100, caps))); d != "" {
			t.Errorf("claimed:\n%s", d)
		}
		if jobs := q.claimWith(100, caps); len(jobs) != 0 {
			t.Errorf("at their caps, and %v were claimed", of(jobs))
		}
		caps = delivery.Caps{Of: map[string]int{q.hooks[1].ID: 1}}
		if d := gocmp.Diff(map[webhook.Name]int{"hook1": 1}, of(q.claimWith(100, caps))); d != "" {
			t.Errorf("with 0 for all others:\n%s", d)
		}
		if jobs := q.claimWith(100, delivery.Caps{Default: -1}); len(jobs) != 0 {
			t.Errorf("with a cap below 0 %v were claimed", of(jobs))
		}
	})
}

func TestWebhooksTakeTurns(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		long := q.waiting(0, 50)
		q.clock.advance(time.Second)
		second := q.waiting(1, 2)
		q.clock.advance(time.Second)
		third := q.waiting(2, 1)
		want := []delivery.ID{long[0], second[0], third[0], long[1], second[1], long[2], long[3]}
		if d := gocmp.Diff(want, idsOf(q.claim(7, 100))); d != "" {
			t.Errorf("the order of turns:\n%s", d)
		}
	})
}

// TestALongLineDoesNotStarveAnother claims one at a time, as busy workers do: who has most in flight comes last, however long
// it has waited.
func TestALongLineDoesNotStarveAnother(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		q.waiting(0, 50)
		q.waiting(1, 50)
		flying := q.claim(8, 100)
		q.clock.advance(lease / 2)
		fresh := q.waiting(2, 3)
		for i, want := range fresh {
			if jobs := q.claim(1, 100); jobs[0].Delivery.ID != want {
				t.Errorf("claim %d gave a delivery of %s, want %s", i, jobs[0].Webhook.Name, q.hooks[2].Name)
			}
		}
		q.finish(flying, 200)
		if jobs := q.claim(2, 100); of(jobs)["hook2"] != 0 {
			t.Errorf("when the others have nothing in flight, it is their turn: %v", of(jobs))
		}
	})
}

func TestPingsComeFirstWhateverHoldsTheirLine(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.waiting(0, 20)
		jobs := q.claim(4, 4) // hook0 is at its cap
		a := q.attempt(jobs[0], 503)
		a.RetryAfter = time.Hour
		q.write(delivery.Next(jobs[0], a, q.clock.now(), nil)) // and paused
		q.clock.advance(time.Second)
		ping := q.ping(0)
		other := q.waiting(1, 1)
		got := q.claimWith(10, delivery.Caps{Default: 4, Of: map[string]int{q.hooks[0].ID: 0}})
		if d := gocmp.Diff(append([]delivery.ID{ping}, other...), idsOf(got)); d != "" {
			t.Errorf("a ping of a paused webhook at its cap of 0, then the other webhook:\n%s", d)
		}
		first, second := q.ping(1), q.ping(0)
		if d := gocmp.Diff([]delivery.ID{first, second}, idsOf(q.claim(2, 0))); d != "" {
			t.Errorf("pings in the order in which they came:\n%s", d)
		}
		third := q.ping(1)
		if d := gocmp.Diff([]delivery.ID{third}, idsOf(q.claim(1, 0))); d != "" {
			t.Error(d)
		}
	})
}

func TestAPauseHoldsAWebhookBackUntilItsEnd(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.waiting(0, 3)
		jobs := q.claim(1, 5)
		a := q.attempt(jobs[0], 429)
		a.RetryAfter = time.Hour
		q.write(delivery.Next(jobs[0], a, q.clock.now(), nil))
		end := q.clock.now().Add(time.Hour)
		if jobs := q.claim(5, 5); len(jobs) != 0 {
			t.Errorf("%d deliveries of a paused webhook were claimed", len(jobs))
		}
		if due, err := q.db.NextDue(t.Context()); err != nil || !due.At.Equal(end) || len(due.Waiting) != 1 {
			t.Errorf("next due: %+v, %v, want the end of the pause %s", due, err, end)
		}
		q.clock.advance(time.Hour - time.Microsecond)
		if jobs := q.claim(5, 5); len(jobs) != 0 {
			t.Errorf("%d deliveries were claimed just before the end", len(jobs))
		}
		q.clock.advance(time.Microsecond)
		if jobs := q.claim(5, 5); len(jobs) != 3 {
			t.Errorf("%d deliveries were claimed at the end, want 3", len(jobs))
		}
	})
}

// TestRelease: a claim of which nothing was sent waits again at once, and its attempt does not count. Whoever lost it meanwhile, or
// wrote its end, changes nothing.
func TestRelease(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 3)
		jobs := q.claim(3, 3)
		q.finish(jobs[:1], 200)
		q.clock.advance(time.Second)
		if err := q.db.Release(t.Context(), jobs); err != nil {
			t.Fatal(err)
		}
		if err := q.db.Release(t.Context(), jobs); err != nil { // a second time it is nobody's claim
			t.Fatal(err)
		}
		again := q.claim(3, 3)
		if len(again) != 2 || again[0].Delivery.ID != jobs[1].Delivery.ID || again[0].Delivery.Attempts != 1 {
			t.Errorf("after the release: %+v", again)
		}
		if got := q.causes(jobs[1].Delivery.ID); len(got) != 0 {
			t.Errorf("an attempt that was never made is on record: %+v", got)
		}
	})
}

// TestStoredAsClaimed: a delivery that is stored with a lease is in flight from the commit on; who dies with it loses it when the
// lease ends.
func TestStoredAsClaimed(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		entry := q.entry(event.Push, q.hooks[0])
		entry.Deliveries[0].Lease, entry.Deliveries[0].Attempts = lease, 1
		q.record(entry)
		if jobs := q.claim(1, 1); len(jobs) != 0 {
			t.Errorf("it was claimed again: %+v", jobs)
		}
		q.clock.advance(lease)
		jobs := q.claim(1, 1)
		if len(jobs) != 1 || jobs[0].Delivery.Attempts != 2 {
			t.Fatalf("after its lease: %+v", jobs)
		}
		if got := q.causes(jobs[0].Delivery.ID); len(got) != 1 || got[0] != delivery.CauseInterrupted {
			t.Errorf("the first attempt: %+v", got)
		}
	})
}
