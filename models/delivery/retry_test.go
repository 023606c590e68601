package delivery

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"dockbell/models/event"
	"dockbell/models/webhook"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// answered and failed are attempts as the sender reports them.
func answered(status int) Attempt {
	a := Attempt{Status: status, Started: noon}
	switch {
	case status >= 300 && status <= 399:
		a.Cause = CauseRedirect
	case status < 200 || status > 299:
		a.Cause = CauseStatus
	}
	return a
}

func failed(c Cause) Attempt { return Attempt{Cause: c, Started: noon} }

// asked is an answer with Retry-After.
func asked(status int, wait time.Duration) Attempt {
	a := answered(status)
	a.RetryAfter = wait
	return a
}

// TestNext is the state machine as a table: where a delivery stands, what came back, what follows.
func TestNext(t *testing.T) {
	push := func(retries int) Job {
		return Job{Delivery: Delivery{Action: event.Push, State: Pending, Retries: retries, Next: noon}, Webhook: &webhook.Webhook{Status: webhook.Enabled}}
	}
	ping := func() Job {
		job := push(0)
		job.Delivery.Action = event.Ping
		return job
	}
	with := func(job Job, change func(*Job)) Job {
		change(&job)
		return job
	}
	policy := func(kind webhook.RetryKind, steps ...time.Duration) func(*Job) {
		return func(j *Job) { j.Webhook.Retry = webhook.RetryPolicy{Kind: kind, Steps: steps} }
	}
	failing := func(long time.Duration) func(*Job) { return func(j *Job) { j.FailingSince = noon.Add(-long) } }
	disabled := func(j *Job) { j.Webhook.Status = webhook.Disabled }

	type want struct {
		state   State
		wait    time.Duration // until the next attempt; -1: none is planned
		retries int
		pause   time.Duration
		disable string // a part of the reason
	}
	const none = -1
	for _, c := range []struct {
		name string
		job  Job
		a    Attempt
		want want
	}{
		{"200", push(0), answered(200), want{Delivered, none, 1, 0, ""}},
		{"204 after failures", push(7), answered(204), want{Delivered, none, 8, 0, ""}},
		{"299", push(0), answered(299), want{Delivered, none, 1, 0, ""}},
		{"199 is no success", push(0), answered(199), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"302", push(0), answered(302), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"304", push(1), answered(304), want{Pending, 5 * time.Minute, 2, 0, ""}},
		{"400 is repeated like any other", push(2), answered(400), want{Pending, 30 * time.Minute, 3, 0, ""}},
		{"404", push(3), answered(404), want{Pending, 2 * time.Hour, 4, 0, ""}},
		{"500", push(4), answered(500), want{Pending, 5 * time.Hour, 5, 0, ""}},
		{"status of our own invention", push(5), answered(999), want{Pending, 10 * time.Hour, 6, 0, ""}},
		{"no answer: DNS", push(6), failed(CauseDNS), want{Pending, 14 * time.Hour, 7, 0, ""}},
		{"no answer: timeout", push(7), failed(CauseAnswerTimeout), want{Pending, 20 * time.Hour, 8, 0, ""}},
		{"no answer: TLS", push(8), failed(CauseTLSExpired), want{Pending, 24 * time.Hour, 9, 0, ""}},
		{"no answer: blocked", push(0), failed(CauseBlocked), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"no answer: our own mistake", push(0), failed(CauseInternal), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"the tenth attempt is the last", push(9), answered(500), want{Failed, none, 10, 0, ""}},
		{"an answer that breaks off after its 200", push(0), Attempt{Status: 200, Cause: CauseReset}, want{Pending, 5 * time.Second, 1, 0, ""}},

		{"we stopped", push(3), failed(CauseInterrupted), want{Pending, 0, 3, 0, ""}},
		{"we stopped during the last attempt", push(9), failed(CauseInterrupted), want{Pending, 0, 9, 0, ""}},
		{"we stopped during a ping", ping(), failed(CauseInterrupted), want{Pending, 0, 0, 0, ""}},

		{"410 ends it and disables", push(0), answered(410), want{Failed, none, 1, 0, "410 Gone"}},
		{"410 on a disabled webhook keeps its reason", with(ping(), disabled), answered(410), want{Failed, none, 1, 0, ""}},
		{"410 to a ping", ping(), answered(410), want{Failed, none, 1, 0, "410 Gone"}},

		{"429 without Retry-After", push(0), answered(429), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"429 asks for longer than the schedule", push(0), asked(429, time.Minute), want{Pending, time.Minute, 1, time.Minute, ""}},
		{"503 asks for less than the schedule", push(1), asked(503, time.Minute), want{Pending, 5 * time.Minute, 2, time.Minute, ""}},
		{"503 asks for a week", push(0), asked(503, 7*24*time.Hour), want{Pending, MaxPause, 1, MaxPause, ""}},
		{"500 cannot ask", push(0), asked(500, time.Hour), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"a negative pause is none", push(0), asked(429, -time.Hour), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"the last attempt still pauses the others", push(9), asked(429, time.Hour), want{Failed, none, 10, time.Hour, ""}},

		{"no retries, as Azure", with(push(0), policy(webhook.RetryNone)), answered(500), want{Failed, none, 1, 0, ""}},
		{"own list, first", with(push(0), policy(webhook.RetryOwn, time.Second, time.Hour)), answered(500), want{Pending, time.Second, 1, 0, ""}},
		{"own list, second", with(push(1), policy(webhook.RetryOwn, time.Second, time.Hour)), answered(500), want{Pending, time.Hour, 2, 0, ""}},
		{"own list, used up", with(push(2), policy(webhook.RetryOwn, time.Second, time.Hour)), answered(500), want{Failed, none, 3, 0, ""}},
		{"own list, shortened meanwhile", with(push(6), policy(webhook.RetryOwn, time.Second)), answered(500), want{Failed, none, 7, 0, ""}},

		{"a ping that works", ping(), answered(200), want{Delivered, none, 1, 0, ""}},
		{"a ping is never repeated", ping(), answered(500), want{Failed, none, 1, 0, ""}},
		{"a ping does not count for disabling", with(ping(), failing(30*24*time.Hour)), answered(500), want{Failed, none, 1, 0, ""}},
		{"a ping to a disabled webhook", with(ping(), disabled), answered(500), want{Failed, none, 1, 0, ""}},

		{"almost five days of failures", with(push(0), failing(FailingLimit-time.Microsecond)), answered(500), want{Pending, 5 * time.Second, 1, 0, ""}},
		{"five days of failures", with(push(0), failing(FailingLimit)), answered(500), want{Pending, 5 * time.Second, 1, 0, "Every attempt since 19 November 2026 12:00 UTC failed"}},
		{"five days, then a success", with(push(0), failing(FailingLimit)), answered(200), want{Delivered, none, 1, 0, ""}},
		{"five days, but we stopped", with(push(0), failing(FailingLimit)), failed(CauseInterrupted), want{Pending, 0, 0, 0, ""}},
		{"five days on a webhook that somebody disabled", with(with(push(0), failing(FailingLimit)), disabled), answered(500), want{Pending, 5 * time.Second, 1, 0, ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := Next(c.job, c.a, noon, nil)
			got := done.Delivery
			next := time.Time{}
			if c.want.wait != none {
				next = noon.Add(c.want.wait)
			}
			if got.State != c.want.state || !got.Next.Equal(next) || got.Retries != c.want.retries || done.Pause != c.want.pause {
				t.Errorf("%s, next %s, %d retries, pause %s; want %s, %s, %d, %s",
					got.State, got.Next, got.Retries, done.Pause, c.want.state, next, c.want.retries, c.want.pause)
			}
			if (done.Disable == "") != (c.want.disable == "") || !strings.Contains(done.Disable, c.want.disable) {
				t.Errorf("disabled because %q, want %q", done.Disable, c.want.disable)
			}
			if got.Last != c.a.Result() {
				t.Errorf("last result %+v, want %+v", got.Last, c.a.Result())
			}
		})
	}
}

// TestTheWholeScheduleTakesThreeDays walks a delivery that always fails to its end.
func TestTheWholeScheduleTakesThreeDays(t *testing.T) {
	job := Job{Delivery: Delivery{Action: event.Push, State: Pending}, Webhook: &webhook.Webhook{Status: webhook.Enabled}}
	now, attempts := noon, 0
	for job.Delivery.State == Pending {
		if attempts++; attempts > 20 {
			t.Fatal("it never ends")
		}
		job.Delivery = Next(job, answered(500), now, nil).Delivery
		if job.Delivery.State == Pending {
			now = job.Delivery.Next
		}
	}
	if took := now.Sub(noon); attempts != 10 || took != 75*time.Hour+35*time.Minute+5*time.Second || job.Delivery.State != Failed {
		t.Errorf("%s after %d attempts over %s; want failed after 10 over 75h35m5s", job.Delivery.State, attempts, took)
	}
}

func TestJitterAddsAFifthAtMostAndTakesNothing(t *testing.T) {
	job := Job{Delivery: Delivery{Action: event.Push, Retries: 1}, Webhook: &webhook.Webhook{}}
	for share, want := range map[float64]time.Duration{0: 300 * time.Second, 0.5: 330 * time.Second, 1: 360 * time.Second} {
		done := Next(job, answered(500), noon, func() float64 { return share })
		if got := done.Delivery.Next.Sub(noon); got != want {
			t.Errorf("jitter %v: %s, want %s", share, got, want)
		}
	}
	done := Next(job, asked(503, time.Hour), noon, func() float64 { return 1 })
	if got := done.Delivery.Next.Sub(noon); got != time.Hour {
		t.Errorf("a pause longer than the wait with its jitter: %s, want 1h", got)
	}
}

// TestRetryAfter runs the case file: the later of the schedule and what the receiver asks for.
func TestRetryAfter(t *testing.T) {
	raw, err := os.ReadFile("testdata/retry_after.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Count int
		Cases []struct {
			ID         string
			Now        time.Time
			RetryAfter string `json:"retry_after"`
			Schedule   int    `json:"schedule_delay_s"`
			Expect     struct {
				Delay int `json:"delay_s"`
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || file.Count == 0 || file.Count != len(file.Cases) {
		t.Fatalf("%d cases of %d: %v", len(file.Cases), file.Count, err)
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			job := Job{Webhook: &webhook.Webhook{Retry: webhook.RetryPolicy{Kind: webhook.RetryOwn, Steps: []time.Duration{time.Duration(c.Schedule) * time.Second}}}}
			done := Next(job, asked(429, ParseRetryAfter(c.RetryAfter, c.Now)), c.Now, nil)
			if got := done.Delivery.Next.Sub(c.Now); got != time.Duration(c.Expect.Delay)*time.Second {
				t.Errorf("Retry-After %q: %s, want %d s", c.RetryAfter, got, c.Expect.Delay)
			}
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Second, " 5\t": 5 * time.Second, "+5": 0, "5.5": 0, "5s": 0, "٥": 0, "86400": MaxPause, "86401": MaxPause,
		"Tue, 24 Nov 2026 12:00:10 GMT": 10 * time.Second, "Tue, 24 Nov 2026 11:00:00 GMT": 0, "2026-11-24T12:00:10Z": 0,
		"Tue, 24 Nov 2026 12:00:10 CET": 0,
	} {
		if got := ParseRetryAfter(value, noon); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "600", "-1", "99999999999999999999", "Mon Nov 23 03:10:00 2026", "Thu, 01 Jan 2099 00:00:00 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := ParseRetryAfter(value, noon); got < 0 || got > MaxPause {
			t.Errorf("%q: %s is outside 0 to %s", value, got, MaxPause)
		}
	})
}
