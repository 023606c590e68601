package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/delivery"
	"dockbell/models/notice"
	"dockbell/models/webhook"
)

// notices gives what was noticed, oldest first, as "hook0 failing".
func (q *queue) notices() []string {
	q.t.Helper()
	page, err := q.db.Notices(q.t.Context(), notice.Filter{Registry: q.reg, Limit: 100})
	if err != nil {
		q.t.Fatal(err)
	}
	var said []string
	for i := range page.Notices {
		n := page.Notices[len(page.Notices)-1-i]
		said = append(said, string(n.Webhook)+" "+string(n.Kind))
	}
	return said
}

func (q *queue) said(want ...string) {
	q.t.Helper()
	if d := cmp.Diff(want, q.notices()); d != "" {
		q.t.Errorf("notices:\n%s", d)
	}
}

// giveUp ends jobs as those of a webhook that never tries again.
func (q *queue) giveUp(jobs []delivery.Job) {
	q.t.Helper()
	for i := range jobs {
		jobs[i].Webhook.Retry = webhook.RetryPolicy{Kind: webhook.RetryNone}
	}
	q.finish(jobs, 500)
}

// TestOneNoticePerChange: not per failure, nor for a failure whose retry arrives, nor for pings.
func TestOneNoticePerChange(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.waiting(0, 20)
		q.waiting(1, 1)
		q.finish(q.claim(1, 1), 200)
		q.finish(q.claim(16, 16), 503)
		q.said()
		q.clock.advance(notice.FailsFor)
		q.finish(q.claim(1, 1), 503)
		q.said("hook0 failing")
		q.clock.advance(time.Minute)
		q.finish(q.claim(2, 2), 503)
		q.ping(0)
		q.finish(q.claim(1, 1), 200) // says that somebody answers, not that deliveries arrive
		q.said("hook0 failing")
		q.clock.advance(6 * time.Minute)
		q.finish(q.claim(1, 1), 200)
		q.finish(q.claim(1, 1), 200)
		q.said("hook0 failing", "hook0 recovered")

		page, err := q.db.Notices(t.Context(), notice.Filter{})
		if err != nil || len(page.Notices) != 2 {
			t.Fatal(page, err)
		}
		back, failing := page.Notices[0], page.Notices[1]
		if failing.Status != 503 || failing.Cause != string(delivery.CauseStatus) || failing.Sentence == "" || failing.DeliveryID == 0 || !failing.At.Equal(noon.Add(time.Minute)) || !failing.Since.Equal(noon) {
			t.Errorf("what it says of the failure: %+v", failing)
		}
		if back.Status != 200 || back.Cause != "" || back.WebhookID != q.hooks[0].ID || back.EventID == failing.EventID {
			t.Errorf("what it says of the recovery: %+v", back)
		}
	})
}

// TestWhatIsGivenUpIsNoticed at once, but not again and again while a receiver answers now and then.
func TestWhatIsGivenUpIsNoticed(t *testing.T) {
	eachQueue(t, 1, func(_ *testing.T, q *queue) {
		for range 3 {
			q.waiting(0, 2)
			q.giveUp(q.claim(1, 1))
			q.finish(q.claim(1, 1), 200)
			q.clock.advance(time.Minute)
		}
		q.said("hook0 failing", "hook0 recovered")
		q.clock.advance(notice.Quiet)
		q.waiting(0, 1)
		q.giveUp(q.claim(1, 1))
		q.said("hook0 failing", "hook0 recovered", "hook0 failing")
	})
}

// TestADisabledWebhookIsNoticedOnce with its reason, and heard of again when it works after somebody enabled it.
func TestADisabledWebhookIsNoticedOnce(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.waiting(0, 3)
		jobs := q.claim(3, 3)
		q.finish(jobs[:2], 410)
		q.finish(jobs[2:], 200) // was under way
		q.said("hook0 disabled")
		page, err := q.db.Notices(t.Context(), notice.Filter{})
		if err != nil || page.Notices[0].Sentence == "" || page.Notices[0].Status != 410 {
			t.Errorf("%+v (%v)", page.Notices, err)
		}
		q.change(0, func(w *webhook.Webhook) { w.Status = webhook.Enabled })
		q.waiting(0, 1)
		q.finish(q.claim(1, 1), 200)
		q.said("hook0 disabled", "hook0 recovered")
		q.change(0, func(w *webhook.Webhook) { w.Status = webhook.Disabled }) // by hand: whoever does it knows
		q.said("hook0 disabled", "hook0 recovered")
	})
}

// TestAPingThatIsGoneIsNoticed: it disables the webhook as any other answer 410 does.
func TestAPingThatIsGoneIsNoticed(t *testing.T) {
	eachQueue(t, 1, func(_ *testing.T, q *queue) {
		q.ping(0)
		q.finish(q.claim(1, 1), 410)
		q.said("hook0 disabled")
	})
}

// TestManyFinishAtOnceAndOneNotices: results of one webhook that several processes write at the same time.
func TestManyFinishAtOnceAndOneNotices(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		finish := func(jobs []delivery.Job, status int) {
			var all sync.WaitGroup
			for _, job := range jobs {
				all.Go(func() {
					once := *job.Webhook // the jobs share it
					once.Retry = webhook.RetryPolicy{Kind: webhook.RetryNone}
					job.Webhook = &once
					if err := q.db.Finish(t.Context(), []delivery.Done{delivery.Next(job, q.attempt(job, status), q.clock.now(), nil)}); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		q.waiting(0, 32)
		finish(q.claim(16, 16), 500)
		q.said("hook0 failing")
		finish(q.claim(16, 16), 200)
		q.said("hook0 failing", "hook0 recovered")
	})
}

// TestANoticeIsPassedOnOnce whoever does it, and each mail is claimed by one.
func TestANoticeIsPassedOnOnce(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		ctx := t.Context()
		q.waiting(0, 1)
		q.giveUp(q.claim(1, 1))
		fresh, err := q.db.NewNotices(ctx, 10)
		if err != nil || len(fresh) != 1 {
			t.Fatal(fresh, err)
		}
		for range 2 {
			if err := q.db.PassOn(ctx, fresh[0], []string{"ada@example.com", "mei@example.com"}); err != nil {
				t.Fatal(err)
			}
		}
		if again, err := q.db.NewNotices(ctx, 10); err != nil || len(again) != 0 {
			t.Errorf("still new: %v (%v)", again, err)
		}
		first, ok, err := q.db.ClaimMail(ctx, time.Minute)
		if err != nil || !ok || first.Notice.ID != fresh[0].ID || first.Attempts != 1 {
			t.Fatal(first, ok, err)
		}
		second, ok, err := q.db.ClaimMail(ctx, time.Minute)
		if err != nil || !ok || second.To == first.To {
			t.Fatal(second, ok, err)
		}
		if third, ok, err := q.db.ClaimMail(ctx, time.Minute); err != nil || ok {
			t.Errorf("claimed a third: %+v (%v)", third, err)
		}
		if err := q.db.MailSent(ctx, first.ID); err != nil {
			t.Fatal(err)
		}
		if err := q.db.MailFailed(ctx, second.ID, "The mail server is away.", q.clock.now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if m, bad, err := q.db.MailTrouble(ctx, q.reg); err != nil || !bad || m.To != second.To || m.Problem == "" {
			t.Errorf("trouble: %+v, %t (%v)", m, bad, err)
		}
		if m, err := q.db.Mails(ctx); err != nil || m.Waiting != 1 || len(m.Untaken) != 1 || m.Untaken[0].Problem != "The mail server is away." || !m.Untaken[0].Next.Equal(m.Oldest) {
			t.Errorf("in short: %+v (%v)", m, err)
		}
		if at, err := q.db.NextMail(ctx); err != nil || !at.Equal(q.clock.now().Add(time.Hour)) {
			t.Errorf("next at %v (%v)", at, err)
		}
		q.clock.advance(time.Hour)
		if again, ok, err := q.db.ClaimMail(ctx, time.Minute); err != nil || !ok || again.ID != second.ID || again.Attempts != 2 {
			t.Errorf("claimed %+v, %t (%v)", again, ok, err)
		}
		if again, ok, err := q.db.ClaimMail(ctx, time.Minute); err != nil || ok {
			t.Errorf("claimed %+v while it is leased (%v)", again, err)
		}
		q.clock.advance(2 * time.Minute) // whoever claimed it died
		if again, ok, err := q.db.ClaimMail(ctx, time.Minute); err != nil || !ok || again.ID != second.ID {
			t.Errorf("claimed %+v, %t after the lease (%v)", again, ok, err)
		}
	})
}

// TestNoticesAreSeenByEachReader: the count goes down for whoever looked.
func TestNoticesAreSeenByEachReader(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		ctx := t.Context()
		for i := range 3 {
			q.waiting(i, 1)
			q.giveUp(q.claim(1, 1))
		}
		unseen := func(reader string) int {
			n, err := q.db.Unseen(ctx, reader, "")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		page, err := q.db.Notices(ctx, notice.Filter{Limit: 2})
		if err != nil || len(page.Notices) != 2 || !page.Older || unseen("ada") != 3 {
			t.Fatal(page, err)
		}
		for _, upTo := range []int64{page.Notices[1].ID, page.Notices[0].ID, page.Notices[1].ID} {
			if err := q.db.MarkSeen(ctx, "ada", upTo); err != nil {
				t.Fatal(err)
			}
		}
		if a, m := unseen("ada"), unseen("mei"); a != 0 || m != 3 {
			t.Errorf("ada has not seen %d, mei %d", a, m)
		}
		if n, err := q.db.Unseen(ctx, "mei", "another"); err != nil || n != 0 {
			t.Errorf("%d of a registry without any (%v)", n, err)
		}
	})
}

func TestNoticeSettingsAreKeptPerRegistry(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		ctx := t.Context()
		for i, want := range []notice.Settings{{}, {Recipients: []string{"ada@example.com"}, WebhookID: q.hooks[0].ID}, {Recipients: []string{"a@b.example", "c@d.example"}}} {
			if i > 0 {
				if err := q.db.PutNoticeSettings(ctx, q.reg, want); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := q.db.NoticeSettings(ctx, q.reg); err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%+v (%v), want %+v", got, err, want)
			}
		}
		if err := q.db.PutNoticeSettings(ctx, "nosuchregistry", notice.Settings{}); err == nil {
			t.Error("settings of no registry are kept")
		}
		if err := q.db.DeleteRegistry(ctx, q.reg, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := q.db.NoticeSettings(ctx, q.reg); err != nil || len(got.Recipients) != 0 {
			t.Errorf("a later registry of this name would tell %v (%v)", got, err)
		}
	})
}
