package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

func TestAnExpiredLeaseIsAnInterruptedAttempt(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		first := q.claim(1, 1)[0]
		q.clock.advance(lease - time.Microsecond)
		if jobs := q.claim(1, 1); len(jobs) != 0 {
			t.Fatal("claimed before the lease ended")
		}
		q.clock.advance(time.Microsecond)
		second := q.claim(1, 1)
		if len(second) != 1 || second[0].Delivery.Attempts != 2 || second[0].Delivery.ID != id {
			t.Fatalf("after the lease: %+v", second)
		}
		if d := gocmp.Diff([]delivery.Cause{delivery.CauseInterrupted}, q.causes(id)); d != "" {
			t.Errorf("attempts:\n%s", d)
		}
		attempts, err := q.db.Attempts(t.Context(), id)
		if err != nil || !attempts[0].Started.Equal(noon) || attempts[0].Sentence == "" {
			t.Errorf("the interrupted attempt is %+v (%v)", attempts, err)
		}
		if h := q.health(0); !h.Last.At.IsZero() || !h.FailingSince.IsZero() {
			t.Errorf("an interrupted attempt says nothing of the receiver, but its health is %+v", h)
		}
		q.finish(second, 200)
		if d := gocmp.Diff([]delivery.Cause{delivery.CauseInterrupted, ""}, q.causes(id)); d != "" {
			t.Errorf("attempts:\n%s", d)
		}
		q.finish([]delivery.Job{first}, 500) // it comes after all: kept as what it was, and decides nothing
		if d := gocmp.Diff([]delivery.Cause{delivery.CauseStatus, ""}, q.causes(id)); d != "" {
			t.Errorf("attempts after the late result:\n%s", d)
		}
		if got := q.stored(id); got.State != delivery.Delivered || got.Attempts != 2 || got.Last.Status != 200 {
			t.Errorf("after the late result it is %+v", got)
		}
	})
}

// TestACancelledAttemptWhoseProcessDiedIsRecorded holds I3: every attempt has a row, also when its delivery was cancelled.
func TestACancelledAttemptWhoseProcessDiedIsRecorded(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		q.claim(1, 1)
		q.toggle(0)
		q.clock.advance(lease)
		if jobs := q.claim(5, 5); len(jobs) != 0 {
			t.Errorf("a cancelled delivery was claimed: %v", idsOf(jobs))
		}
		if d := gocmp.Diff([]delivery.Cause{delivery.CauseInterrupted}, q.causes(id)); d != "" {
			t.Errorf("attempts:\n%s", d)
		}
		if got := q.stored(id); got.State != delivery.Cancelled || got.Attempts != 1 {
			t.Errorf("it is %s after %d attempts", got.State, got.Attempts)
		}
	})
}

// TestNothingIsClaimedByAFailedCommit lets the commit fail, as a full disk does; the control is a commit that succeeds.
func TestNothingIsClaimedByAFailedCommit(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		ids := q.waiting(0, 3)
		// A deferred constraint is looked at by the commit alone.
		breaks, mends := []string{
			"create table parents (id bigint primary key)",
			"create table children (id bigint references parents (id) deferrable initially deferred)",
			"create trigger breaks after update on deliveries begin insert into children values (1); end",
		}, "drop trigger breaks"
		if q.db.Postgres() {
			breaks[2] = `create function breaks() returns trigger language plpgsql as 'begin insert into children values (1); return null; end'`
			breaks = append(breaks, "create trigger breaks after update on deliveries for each row execute function breaks()")
			mends = "drop trigger breaks on deliveries"
		}
		q.run(breaks...)
		jobs, err := q.db.Claim(t.Context(), 5, delivery.Caps{Default: 5}, lease)
		if err == nil || len(jobs) != 0 {
			t.Errorf("a commit failed and gave %d jobs with the error %v", len(jobs), err)
		}
		if got := q.stored(ids[0]); got.Attempts != 0 || got.Next.IsZero() {
			t.Errorf("the failed claim left %+v", got)
		}
		q.run(mends)
		if jobs := q.claim(5, 5); len(jobs) != 3 || jobs[0].Delivery.Attempts != 1 {
			t.Errorf("after the mend %d jobs", len(jobs))
		}
	})
}

func TestDeliveriesOfWebhooksThatDoNotTakeThemAreCancelled(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		off := q.hooks[0]
		off.Status = webhook.Disabled
		if err := q.db.UpdateWebhook(t.Context(), off, 1); err != nil {
			t.Fatal(err)
		}
		if err := q.db.DeleteWebhook(t.Context(), q.reg, "hook1", 0); err != nil {
			t.Fatal(err)
		}
		dropped := append(q.waiting(0, 2), q.waiting(1, 2)...) // matched before the webhooks changed, stored after
		pings := []delivery.ID{q.ping(0)}
		gone := q.ping(1)
		kept := q.waiting(2, 1)
		if d := gocmp.Diff(append(pings, kept...), idsOf(q.claim(10, 10))); d != "" {
			t.Errorf("a ping of the disabled one and the delivery of the third:\n%s", d)
		}
		for _, id := range append(dropped, gone) {
			if got := q.stored(id); got.State != delivery.Cancelled || got.Attempts != 0 || !got.Next.IsZero() {
				t.Errorf("%s of %s is %s after %d attempts, next %s", id, got.Webhook, got.State, got.Attempts, got.Next)
			}
		}
	})
}

func TestADisabledWebhookKeepsItsPings(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		waits, ping := q.waiting(0, 1)[0], q.ping(0)
		off := q.hooks[0]
		off.Status = webhook.Disabled
		if err := q.db.UpdateWebhook(t.Context(), off, 1); err != nil {
			t.Fatal(err)
		}
		if got := q.stored(waits).State; got != delivery.Cancelled {
			t.Errorf("what waited is %s", got)
		}
		if d := gocmp.Diff([]delivery.ID{ping}, idsOf(q.claim(5, 5))); d != "" {
			t.Errorf("the ping works on a disabled webhook:\n%s", d)
		}
		if err := q.db.DeleteWebhook(t.Context(), q.reg, "hook0", 0); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNextDue(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		want := func(at time.Time) {
			t.Helper()
			got, err := q.db.NextDue(t.Context())
			if err != nil || !got.At.Equal(at) {
				t.Errorf("next due at %s, %v, want %s", got.At, err, at)
			}
		}
		want(time.Time{})
		late := q.entry(event.Push, q.hooks[0])
		late.Deliveries[0].Next = noon.Add(time.Hour)
		q.record(late)
		want(noon.Add(time.Hour))
		q.waiting(1, 1)
		want(noon)
		jobs := q.claim(5, 5)
		want(noon.Add(lease)) // when its lease ends
		q.finish(jobs, 500)
		want(noon.Add(q.hooks[1].Retry.Waits()[0]))
		q.ping(0)
		want(noon)
		q.finish(q.claim(5, 5), 200)
		if err := q.db.DeleteWebhook(t.Context(), q.reg, "hook1", 0); err != nil {
			t.Fatal(err)
		}
		want(noon.Add(time.Hour))
	})
}

func TestTakeOver(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		if err := q.db.TakeOver(t.Context()); err != nil { // nothing to take over
			t.Fatal(err)
		}
		ids := q.waiting(0, 3)
		cancelled := q.waiting(1, 1)[0]
		q.claim(10, 2) // two of hook0, one of hook1
		q.toggle(1)
		q.clock.advance(time.Second)
		if err := q.db.TakeOver(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range append(ids[:2:2], cancelled) {
			if d := gocmp.Diff([]delivery.Cause{delivery.CauseInterrupted}, q.causes(id)); d != "" {
				t.Errorf("attempts of %s:\n%s", id, d)
			}
		}
		if got := q.stored(cancelled); got.State != delivery.Cancelled || !got.Next.IsZero() {
			t.Errorf("the cancelled one is %s, next %s", got.State, got.Next)
		}
		if got := q.stored(ids[0]); got.State != delivery.Pending || !got.Next.Equal(q.clock.now()) || got.Retries != 0 {
			t.Errorf("taken over it is %+v, want due now with the same round", got)
		}
		jobs := q.claim(10, 10)
		slices.SortFunc(jobs, func(a, b delivery.Job) int { return cmp.Compare(a.Delivery.ID, b.Delivery.ID) })
		if d := gocmp.Diff(ids, idsOf(jobs)); d != "" || jobs[0].Delivery.Attempts != 2 || jobs[2].Delivery.Attempts != 1 {
			t.Errorf("claimed after the takeover:\n%s", d)
		}
	})
}

// TestABacklogDoesNotHoldAnotherBack fills one line with as much as a test may and looks that a new delivery of another is in
// the next claim, and that a claim reads no more rows of the long line than it takes.
func TestABacklogDoesNotHoldAnotherBack(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.backlog(0, 100_000)
		q.clock.advance(time.Minute)
		id := q.waiting(1, 1)[0]
		if jobs := q.claim(2, 4); len(jobs) != 2 || jobs[1].Delivery.ID != id {
			t.Errorf("claimed %v, want one of each", of(jobs))
		}
		if jobs := q.claim(64, 4); len(jobs) != 3 {
			t.Errorf("%d more of the long line, want up to its cap of 4", len(jobs))
		}
	})
}

// backlog stores n due deliveries of one webhook by SQL.
func (q *queue) backlog(hook, n int) {
	q.t.Helper()
	err := q.db.Write(q.t.Context(), func(tx *gorm.DB) error {
		series := "with recursive n (i) as (select 1 union all select i + 1 from n where i < " + fmt.Sprint(n) + ")"
		if err := tx.Exec(`insert into bodies (id, body) values (1, ?)`, []byte("{}")).Error; err != nil {
			return err
		}
		return tx.Exec(`insert into deliveries (id, event_id, registry, registry_key, webhook_id, webhook, action, repository, tag, digest, image_id, body_id,
			state, attempts, retries, next, claimed, created, class, last_status, last_cause, last_duration_us, last_at) `+series+`
			select i, 'e', 'acmereg', 'acmereg', ?, ?, 'push', 'api', 'v1', 'd', 0, 1, 'pending', 0, 0, ?, 0, ?, '', 0, '', 0, 0 from n`,
			q.hooks[hook].ID, string(q.hooks[hook].Name), q.clock.now().UnixMicro(), q.clock.now().UnixMicro()).Error
	})
	if err != nil {
		q.t.Fatal(err)
	}
}

func TestAClaimThatIsRefusedGivesNothing(t *testing.T) {
	c := &clock{t: noon}
	db := storetest.OpenWith(t, store.Options{DSN: storetest.File(t), Now: c.now})
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 1)
	q.waiting(0, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if jobs, err := db.Claim(t.Context(), 5, delivery.Caps{Default: 5}, lease); !fault.Is(err, fault.Unavailable) || len(jobs) != 0 {
		t.Errorf("after the close: %d jobs, %v", len(jobs), err)
	}
	if due, err := db.NextDue(t.Context()); err == nil || !due.At.IsZero() {
		t.Errorf("after the close something is due at %s", due.At)
	}
}
