package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// ordered makes the first webhook keep the order of repositories, and gives a way to store a push of one.
func ordered(q *queue) (push func(repository string) delivery.ID, names map[delivery.ID]string) {
	q.change(0, func(w *webhook.Webhook) { w.Ordered = true })
	names = map[delivery.ID]string{}
	counts := map[string]int{}
	return func(repository string) delivery.ID {
		entry := q.entry(event.Push, q.hooks[0])
		entry.Deliveries[0].Image.Repository, entry.Deliveries[0].Lane = repository, repository
		q.record(entry)
		id := entry.Deliveries[0].ID
		counts[repository]++
		names[id] = fmt.Sprint(repository, counts[repository])
		return id
	}, names
}

func named(names map[delivery.ID]string, jobs []delivery.Job) string {
	var all []string
	for _, job := range jobs {
		all = append(all, names[job.Delivery.ID])
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// end writes what came of a job: its delivery arrived, waits for a retry, or is given up.
func (q *queue) end(job delivery.Job, state delivery.State, next time.Time) {
	q.t.Helper()
	status := 500
	if state == delivery.Delivered {
		status = 200
	}
	a := q.attempt(job, status)
	del := job.Delivery
	del.State, del.Next, del.Last = state, next, a.Result()
	q.write(delivery.Done{Attempt: a, Delivery: del})
}

// TestRepositoriesKeepTheirOrder: the next delivery of a repository goes when the one before arrived or was given up, also through
// its retries; other repositories are not held back.
func TestRepositoriesKeepTheirOrder(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		push, names := ordered(q)
		for range 3 {
			push("api")
			push("web")
		}
		jobs := q.claim(10, 10)
		if got := named(names, jobs); got != "api1 web1" {
			t.Fatalf("claimed %q, want the first of both repositories", got)
		}
		if got := named(names, q.claim(10, 10)); got != "" {
			t.Errorf("%q overtook what is in flight", got)
		}
		q.due("1m0s") // the end of the lease: nothing is asked again and again
		later := q.clock.now().Add(5 * time.Minute)
		for _, job := range jobs {
			if names[job.Delivery.ID] == "api1" {
				q.end(job, delivery.Pending, later)
			} else {
				q.end(job, delivery.Delivered, time.Time{})
			}
		}
		jobs = q.claim(10, 10)
		if got := named(names, jobs); got != "web2" {
			t.Fatalf("claimed %q while api1 waits for its retry, want web2", got)
		}
		q.end(jobs[0], delivery.Delivered, time.Time{})
		q.end(q.claim(10, 10)[0], delivery.Delivered, time.Time{})
		q.due("5m0s")
		q.clock.advance(5 * time.Minute)
		jobs = q.claim(10, 10)
		if got := named(names, jobs); got != "api1" {
			t.Fatalf("claimed %q when the retry is due, want api1", got)
		}
		q.end(jobs[0], delivery.Failed, time.Time{})
		q.due("-5m0s")
		jobs = q.claim(10, 10)
		if got := named(names, jobs); got != "api2" {
			t.Fatalf("claimed %q after api1 was given up, want api2", got)
		}
		q.end(jobs[0], delivery.Delivered, time.Time{})
		if _, err := q.db.Requeue(t.Context(), q.reg, jobs[0].Delivery.ID, q.clock.now()); err != nil {
			t.Fatal(err)
		}
		if got := named(names, q.claim(10, 10)); got != "api2" {
			t.Errorf("claimed %q after api2 was sent again, want it before api3", got)
		}
	})
}

// TestWhatWasThereBeforeStandsInLaneToo: deliveries made before the switch, and those that somebody stores late.
func TestWhatWasThereBeforeStandsInLaneToo(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		early := q.waiting(0, 3) // all of one repository
		q.change(0, func(w *webhook.Webhook) { w.Ordered = true })
		jobs := q.claim(10, 10)
		if len(jobs) != 1 || jobs[0].Delivery.ID != early[0] {
			t.Fatalf("claimed %v, want the first alone", idsOf(jobs))
		}
		late := q.waiting(0, 1)[0]
		q.end(jobs[0], delivery.Delivered, time.Time{})
		q.clock.advance(11 * time.Second)
		for _, want := range append(early[1:], late) {
			jobs := q.claim(10, 10)
			if len(jobs) != 1 || jobs[0].Delivery.ID != want {
				t.Fatalf("claimed %v, want %v", idsOf(jobs), want)
			}
			q.end(jobs[0], delivery.Delivered, time.Time{})
		}
	})
}

// TestOrderHoldsAcrossProcesses lets eight callers claim and finish over two handles, with failures in between.
func TestOrderHoldsAcrossProcesses(t *testing.T) {
	twoHandles(t, func(t *testing.T, q *queue, handles []*store.DB) {
		push, names := ordered(q)
		const each = 12
		for range each {
			for _, repository := range []string{"api", "web", "cli"} {
				push(repository)
			}
		}
		begun := map[string][]string{}
		done := func(db *store.DB, jobs []delivery.Job) error {
			for _, job := range jobs {
				d := delivery.Next(job, q.attempt(job, 200), q.clock.now(), nil)
				if job.Delivery.Attempts == 1 && job.Delivery.ID%3 == 0 { // the first attempt fails, the retry is due at once
					d = delivery.Next(job, q.attempt(job, 500), q.clock.now().Add(-time.Hour), nil)
				}
				if err := db.Finish(t.Context(), []delivery.Done{d}); err != nil {
					return err
				}
			}
			return nil
		}
		seen := func(job delivery.Job) {
			begun[job.Delivery.Lane] = append(begun[job.Delivery.Lane], names[job.Delivery.ID])
		}
		for range 100 {
			claimers(t, handles, claims{5, 16}, seen, done)
			if page, err := q.db.NextDue(t.Context()); err != nil || page.At.IsZero() {
				break
			}
		}
		for repository, all := range begun {
			if all = slices.Compact(all); len(all) != each {
				t.Errorf("%s: begun in the order %v, want each of %d before the next", repository, all, each)
			}
		}
		if len(begun) != 3 {
			t.Errorf("begun: %v", begun)
		}
	})
}

// TestLanesAreFoundByTheirIndex: a lane with a long backlog costs what a short one does.
func TestLanesAreFoundByTheirIndex(t *testing.T) {
	db := storetest.Open(t)
	for name, statement := range map[string]string{"heads": store.HeadsQuery, "due": store.HeadsDue} {
		plan, err := db.Plan(t.Context(), statement, make([]any, strings.Count(statement, "?"))...)
		if err != nil || strings.Count(plan, "INDEX deliveries_lanes (webhook_id=?") != 3 || strings.Contains(plan, "SCAN deliveries") || strings.Contains(plan, "SCAN h") || strings.Contains(plan, "SCAN d") {
			t.Errorf("%s: %s (%v)", name, plan, err)
		}
	}
}
