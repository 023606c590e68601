package store_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

func TestAnAttemptIsStoredAsItWas(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		job := q.claim(1, 1)[0]
		full := delivery.Attempt{
			DeliveryID: id, Number: 1, Started: noon.Add(time.Second), Duration: 1234 * time.Microsecond,
			Phases:     delivery.Phases{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 4 * time.Millisecond},
			RemoteAddr: "192.0.2.1:443", RequestURI: "https://***@hooks.example.com/", RequestHeaders: []delivery.Header{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}},
			Status: 503, StatusText: "Busy", Proto: "HTTP/2.0", ResponseHeaders: []delivery.Header{{Name: "Retry-After", Value: "60"}}, ResponseBody: []byte{0, 255},
			Truncated: true, Cause: delivery.CauseStatus, Sentence: "Wait.", RetryAfter: time.Minute, CertExpires: noon.Add(24 * time.Hour),
		}
		done := delivery.Next(job, full, q.clock.now(), nil)
		q.write(done)
		attempts, err := q.db.Attempts(t.Context(), id)
		if d := cmp.Diff([]delivery.Attempt{full}, attempts); err != nil || d != "" {
			t.Errorf("the attempt: %v\n%s", err, d)
		}
		if d := cmp.Diff(done.Delivery, q.stored(id)); d != "" {
			t.Errorf("the delivery:\n%s", d)
		}
		if attempts, err := q.db.Attempts(t.Context(), 42); err != nil || len(attempts) != 0 {
			t.Errorf("attempts of no delivery: %v, %v", attempts, err)
		}
		if err := q.db.Finish(t.Context(), nil); err != nil {
			t.Errorf("nothing to finish: %v", err)
		}
	})
}

func TestALateResultCountsUntilTheDeliveryIsClaimedAgain(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		late := q.claim(1, 1)
		q.clock.advance(2 * lease)
		if jobs := q.claimWith(1, delivery.Caps{}); len(jobs) != 0 { // frees the lease, and is allowed nothing
			t.Fatal("claimed without room")
		}
		if d := cmp.Diff([]delivery.Cause{delivery.CauseInterrupted}, q.causes(id)); d != "" {
			t.Errorf("attempts:\n%s", d)
		}
		q.finish(late, 200)
		if got := q.stored(id); got.State != delivery.Delivered || !got.Next.IsZero() {
			t.Errorf("it arrived, late, and is %s, next %s", got.State, got.Next)
		}
		if d := cmp.Diff([]delivery.Cause{""}, q.causes(id)); d != "" {
			t.Errorf("attempts:\n%s", d)
		}
	})
}

// TestTheSameResultTwiceDecidesOnce repeats a Finish whose answer was lost, after the delivery was sent for again.
func TestTheSameResultTwiceDecidesOnce(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		jobs := q.claim(1, 1)
		q.finish(jobs, 200)
		if _, err := q.db.Requeue(t.Context(), q.reg, id, q.clock.now()); err != nil {
			t.Fatal(err)
		}
		q.finish(jobs, 200)
		if got := q.stored(id); got.State != delivery.Pending {
			t.Errorf("redelivered, then the old result again: %s", got.State)
		}
		if jobs := q.claim(1, 1); len(jobs) != 1 || jobs[0].Delivery.Attempts != 2 {
			t.Errorf("claimed %v", idsOf(jobs))
		}
	})
}

func TestACancelledDeliveryStaysSoUnlessItArrived(t *testing.T) {
	for status, want := range map[int]delivery.State{200: delivery.Delivered, 500: delivery.Cancelled} {
		eachQueue(t, 1, func(t *testing.T, q *queue) {
			ids := q.waiting(0, 2)
			id, waits := ids[0], ids[1]
			jobs := q.claim(1, 1)
			q.toggle(0)
			if got := q.stored(waits); got.State != delivery.Cancelled || !got.Next.IsZero() {
				t.Errorf("what waited is %s, next %s", got.State, got.Next)
			}
			q.finish(jobs, status)
			if got := q.stored(id); got.State != want || !got.Next.IsZero() || got.Last.Status != status {
				t.Errorf("cancelled in flight and answered %d: %s, next %s, want %s", status, got.State, got.Next, want)
			}
			if jobs := q.claim(5, 5); len(jobs) != 0 {
				t.Errorf("%d cancelled deliveries are sent", len(jobs))
			}
		})
	}
}

func TestGoneDisablesTheWebhook(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		if _, err := q.db.Subscribers(t.Context(), q.reg); err != nil { // remembered from here on
			t.Fatal(err)
		}
		waits := q.waiting(0, 3)
		kept := q.waiting(1, 1)[0]
		ping := q.ping(0)
		jobs := q.claimWith(2, delivery.Caps{Default: 1, Of: map[string]int{q.hooks[1].ID: 0}})
		if jobs[0].Delivery.ID != ping {
			t.Fatal("the ping does not come first")
		}
		late := q.ping(0)
		q.finish(jobs[1:], 410)
		hook, err := q.db.Webhook(t.Context(), q.reg, "hook0")
		if err != nil || hook.Status != webhook.Disabled || hook.DisabledReason == "" || hook.Version != 2 || hook.UpdatedBy != "dockbell" {
			t.Errorf("after a 410: %s, %q, version %d by %s (%v)", hook.Status, hook.DisabledReason, hook.Version, hook.UpdatedBy, err)
		}
		if hook.ServiceURI != q.hooks[0].ServiceURI || len(hook.SigningSecrets) != len(q.hooks[0].SigningSecrets) {
			t.Error("disabling changed what the webhook holds")
		}
		subs, err := q.db.Subscribers(t.Context(), q.reg)
		if err != nil || subs[0].Status != webhook.Disabled {
			t.Errorf("subscribers still have it %s (%v)", subs[0].Status, err)
		}
		for i, want := range []delivery.State{delivery.Failed, delivery.Cancelled, delivery.Cancelled} {
			if got := q.stored(waits[i]).State; got != want {
				t.Errorf("delivery %d of the webhook is %s, want %s", i, got, want)
			}
		}
		if d := cmp.Diff([]delivery.ID{late, kept}, idsOf(q.claim(5, 5))); d != "" {
			t.Errorf("its ping and the other webhook go on:\n%s", d)
		}
		q.finish(jobs[:1], 410) // a second one changes nothing
		if hook, err = q.db.Webhook(t.Context(), q.reg, "hook0"); err != nil || hook.Version != 2 {
			t.Errorf("version %d after a second 410 (%v)", hook.Version, err)
		}
	})
}

func TestThePauseIsTheLongestThatWasAskedFor(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 4)
		jobs := q.claim(3, 3)
		var done []delivery.Done
		for i, wait := range []time.Duration{time.Minute, time.Hour, time.Second} {
			a := q.attempt(jobs[i], 429)
			a.RetryAfter = wait
			done = append(done, delivery.Next(jobs[i], a, q.clock.now(), nil))
		}
		q.write(done[0], done[1])
		q.write(done[2])
		due, err := q.db.NextDue(t.Context())
		if err != nil || !due.At.Equal(noon.Add(time.Hour)) {
			t.Errorf("due again at %s (%v), want after the longest pause", due.At, err)
		}
		q.toggle(0) // who enables it wants it to go
		fresh := q.waiting(0, 1)
		if d := cmp.Diff(fresh, idsOf(q.claim(5, 5))); d != "" {
			t.Errorf("after it was enabled again:\n%s", d)
		}
	})
}

func TestFailingSince(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		answer := func(status int, ping bool) time.Time {
			t.Helper()
			q.clock.advance(time.Hour)
			if ping {
				q.ping(0)
			} else {
				q.waiting(0, 1)
			}
			caps := delivery.Caps{Default: 100}
			for _, job := range q.claimWith(100, caps) {
				if (job.Delivery.Action == event.Ping) == ping && job.Delivery.Attempts == 1 {
					q.finish([]delivery.Job{job}, status)
				}
			}
			return q.health(0).FailingSince
		}
		for i, step := range []struct {
			status int
			ping   bool
			want   int // hours after noon; 0: not failing
		}{
			{200, false, 0}, {500, false, 2}, {404, false, 2}, {500, true, 2}, {200, true, 0}, // a ping that arrives is a success
			{500, true, 0}, // one that fails does not count
			{503, false, 7}, {200, false, 0}, {301, false, 9}, {299, false, 0},
		} {
			var want time.Time
			if step.want > 0 {
				want = noon.Add(time.Duration(step.want) * time.Hour)
			}
			if got := answer(step.status, step.ping); !got.Equal(want) {
				t.Errorf("step %d, answer %d: failing since %s, want %s", i, step.status, got, want)
			}
		}
	})
}

func TestFailingSinceInOneBatch(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		batch := func(statuses ...int) time.Time {
			t.Helper()
			q.clock.advance(time.Hour)
			q.waiting(0, len(statuses))
			jobs := q.claim(100, 100)
			var done []delivery.Done
			for i, job := range jobs[len(jobs)-len(statuses):] {
				a := q.attempt(job, statuses[i])
				a.Started = a.Started.Add(time.Duration(i) * time.Second)
				done = append([]delivery.Done{delivery.Next(job, a, q.clock.now(), nil)}, done...) // they need not come in order
			}
			q.write(done...)
			return q.health(0).FailingSince
		}
		if got := batch(500, 500); !got.Equal(q.clock.now()) {
			t.Errorf("two failures: since %s, want the first", got)
		}
		since := q.clock.now()
		if got := batch(500); !got.Equal(since) {
			t.Errorf("one more: since %s, want as before", got)
		}
		if got := batch(500, 200, 500, 500); !got.Equal(q.clock.now().Add(2 * time.Second)) {
			t.Errorf("a success between: since %s, want the first failure after it", got)
		}
		if got := batch(500, 200); !got.IsZero() {
			t.Errorf("ends with a success: since %s", got)
		}
	})
}

func TestAnEnabledWebhookStartsAfresh(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 1)
		q.finish(q.claim(1, 1), 500)
		if q.health(0).FailingSince.IsZero() {
			t.Fatal("it does not fail")
		}
		q.toggle(0)
		if got := q.health(0).FailingSince; !got.IsZero() {
			t.Errorf("enabled again it fails since %s", got)
		}
		q.waiting(0, 1)
		if jobs := q.claim(1, 1); !jobs[0].FailingSince.IsZero() || jobs[0].Webhook.Version != 3 {
			t.Errorf("its job says failing since %s, version %d", jobs[0].FailingSince, jobs[0].Webhook.Version)
		}
	})
}

func TestAJobKnowsSinceWhenItsWebhookFails(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 1)
		q.finish(q.claim(1, 1), 500)
		q.clock.advance(delivery.FailingLimit)
		q.waiting(0, 1)
		jobs := q.claim(5, 5)
		for _, job := range jobs {
			if !job.FailingSince.Equal(noon) {
				t.Errorf("%s is failing since %s, want %s", job.Delivery.ID, job.FailingSince, noon)
			}
		}
		q.finish(jobs[:1], 500)
		if hook, err := q.db.Webhook(t.Context(), q.reg, "hook0"); err != nil || hook.Status != webhook.Disabled {
			t.Errorf("after five days it is %s (%v)", hook.Status, err)
		}
	})
}

func TestTheLastResultIsThatOfTheNewestAttempt(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 2)
		jobs := q.claim(2, 2)
		newer, older := q.attempt(jobs[0], 200), q.attempt(jobs[1], 500)
		newer.Started = newer.Started.Add(time.Second)
		q.write(delivery.Next(jobs[0], newer, q.clock.now(), nil))
		q.write(delivery.Next(jobs[1], older, q.clock.now(), nil))
		if d := cmp.Diff(newer.Result(), q.health(0).Last); d != "" {
			t.Errorf("the last result:\n%s", d)
		}
	})
}

func TestAttemptsAreCountedByHour(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		answer := func(hook int, after time.Duration, statuses ...int) {
			t.Helper()
			q.clock.advance(after)
			q.waiting(hook, len(statuses))
			jobs := q.claim(100, 100)
			for i, job := range jobs {
				if i < len(statuses) {
					q.finish([]delivery.Job{job}, statuses[i])
				}
			}
		}
		answer(0, 0, 200, 204)
		answer(1, 0, 200)
		answer(0, time.Hour, 200, 500, 500)
		q.waiting(0, 1)
		q.claim(1, 100)
		if err := q.db.TakeOver(t.Context()); err != nil { // an interrupted attempt is not counted
			t.Fatal(err)
		}
		q.clock.advance(22 * time.Hour)
		h := q.health(0)
		want := map[int][2]int{0: {2, 0}, 1: {1, 2}}
		for i, hour := range h.Hours {
			if !hour.Start.Equal(noon.Truncate(time.Hour).Add(time.Duration(i) * time.Hour)) {
				t.Errorf("hour %d begins at %s", i, hour.Start)
			}
			if got := [2]int{hour.Succeeded, hour.Failed}; got != want[i] {
				t.Errorf("hour %d: %v, want %v", i, got, want[i])
			}
			if (hour.P50 == 0) != (want[i] == [2]int{}) {
				t.Errorf("hour %d: half of the attempts took %s", i, hour.P50)
			}
		}
		if ok, failed := q.health(1).Totals(); ok != 1 || failed != 0 {
			t.Errorf("the other webhook: %d and %d", ok, failed)
		}
		q.clock.advance(time.Hour)
		if ok, failed := q.health(0).Totals(); ok != 1 || failed != 2 {
			t.Errorf("an hour later: %d and %d, want the first hour gone", ok, failed)
		}
	})
}

func TestQuantilesAreAtMost19PercentOff(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		for _, all := range [][]time.Duration{
			{time.Microsecond}, {5 * time.Millisecond}, {time.Minute}, {0},
			{1, 2, 3, time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 10 * time.Second},
		} {
			q.clock.advance(time.Hour)
			q.waiting(0, len(all))
			var done []delivery.Done
			for i, job := range q.claim(100, 100) {
				a := q.attempt(job, 200)
				a.Duration = all[i]
				done = append(done, delivery.Next(job, a, q.clock.now(), nil))
			}
			q.write(done...)
			hour := q.health(0).Hours[23]
			for percent, got := range map[int]time.Duration{50: hour.P50, 95: hour.P95} {
				exact := all[(len(all)*percent+99)/100-1]
				if off := math.Abs(float64(got-exact)) / float64(exact); got <= 0 || off > 0.19 && exact >= 10*time.Microsecond {
					t.Errorf("%d %% of %v within %s, want %s: %.0f %% off", percent, all, got, exact, 100*off)
				}
			}
		}
	})
}

// TestFinishIsAllOrNone breaks the last thing that Finish writes; the control is the same without the break.
func TestFinishIsAllOrNone(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		id := q.waiting(0, 1)[0]
		jobs := q.claim(1, 1)
		before := q.stored(id)
		breaks, mends := []string{"create trigger breaks before update on webhook_states begin select raise(abort, 'broken'); end"}, "drop trigger breaks"
		if q.db.Postgres() {
			breaks = []string{
				"create function breaks() returns trigger language plpgsql as 'begin raise exception ''broken''; end'",
				"create trigger breaks before update on webhook_states for each row execute function breaks()",
			}
			mends = "drop trigger breaks on webhook_states"
		}
		q.run(breaks...)
		done := delivery.Next(jobs[0], q.attempt(jobs[0], 200), q.clock.now(), nil)
		if err := q.db.Finish(t.Context(), []delivery.Done{done}); err == nil {
			t.Error("Finish says that it stored what the database refused")
		}
		if d := cmp.Diff(before, q.stored(id)); d != "" {
			t.Errorf("a refused Finish changed the delivery:\n%s", d)
		}
		if ok, failed := q.health(0).Totals(); ok+failed != 0 || len(q.causes(id)) != 0 {
			t.Errorf("a refused Finish left %d attempts counted and %d stored", ok+failed, len(q.causes(id)))
		}
		q.run(mends)
		q.finish(jobs, 200)
		if got := q.stored(id); got.State != delivery.Delivered || len(q.causes(id)) != 1 {
			t.Errorf("after the mend it is %s with %d attempts", got.State, len(q.causes(id)))
		}
	})
}

// run runs statements in a transaction.
func (q *queue) run(statements ...string) {
	q.t.Helper()
	err := q.db.Write(q.t.Context(), func(tx *gorm.DB) error {
		for _, s := range statements {
			if err := tx.Exec(s).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.t.Fatal(err)
	}
}
