package delivery

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dockbell/models/event"
	"dockbell/models/webhook"
)

// MaxPause is the longest that a receiver can put us off with Retry-After.
const MaxPause = 24 * time.Hour

// FailingLimit is how long every attempt of a webhook may fail before it is disabled.
const FailingLimit = 5 * 24 * time.Hour

// jitterShare is the most that jitter adds to a wait, as a share of it. It never takes anything away.
const jitterShare = 0.2

// Next is the whole state machine of a delivery: what follows from one attempt. It is pure: the clock is an argument,
// and jitter gives numbers from 0 up to 1 (nil: no jitter).
func Next(job Job, a Attempt, now time.Time, jitter func() float64) Done {
	del := job.Delivery
	del.Last, del.Next = a.Result(), time.Time{}
	if a.Cause == CauseInterrupted { // we stopped, the receiver did not fail: the round goes on where it was
		del.State, del.Next = Pending, now
		return Done{Attempt: a, Delivery: del}
	}
	del.Retries++
	done := Done{Attempt: a, Delivery: del}
	if a.Succeeded() {
		done.Delivery.State = Delivered
		return done
	}
	done.Pause = pauseAfter(a)
	done.Disable = disableReason(job, a, now)
	waits := job.Webhook.Retry.Waits()
	if del.Action == event.Ping || a.Status == statusGone || del.Retries > len(waits) {
		done.Delivery.State = Failed
		return done
	}
	wait := withJitter(waits[del.Retries-1], jitter)
	done.Delivery.State = Pending
	done.Delivery.Next = now.Add(max(wait, done.Pause))
	return done
}

// The answers that mean more than "failed".
const (
	statusGone            = 410
	statusTooManyRequests = 429
	statusUnavailable     = 503
)

// pauseAfter is how long the whole webhook is held back: only 429 and 503 can ask for it.
func pauseAfter(a Attempt) time.Duration {
	if a.Status != statusTooManyRequests && a.Status != statusUnavailable {
		return 0
	}
	return min(max(a.RetryAfter, 0), MaxPause)
}

// disableReason says why the webhook is disabled because of this attempt; "" leaves it as it is.
func disableReason(job Job, a Attempt, now time.Time) string {
	if job.Webhook.Status == webhook.Disabled {
		return "" // a ping to a disabled webhook keeps the reason that is there
	}
	if a.Status == statusGone {
		return "The receiver answered 410 Gone, which asks senders to stop. Check the service URI, then enable the webhook again."
	}
	since := job.FailingSince
	if job.Delivery.Action == event.Ping || since.IsZero() || now.Sub(since) < FailingLimit {
		return ""
	}
	return fmt.Sprintf("Every attempt since %s failed, for five days. Repair the receiver, ping it, then enable the webhook again.",
		since.UTC().Format("2 January 2006 15:04 UTC"))
}

func withJitter(wait time.Duration, jitter func() float64) time.Duration {
	if jitter == nil {
		return wait
	}
	return wait + time.Duration(jitter()*jitterShare*float64(wait))
}

// dateLayouts are the three forms of an HTTP date (RFC 9110, section 5.6.7).
var dateLayouts = []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC}

// ParseRetryAfter reads the Retry-After header: seconds or an HTTP date, at most MaxPause. What cannot be read, is
// negative, lies in the past or stands there twice counts as 0: the schedule decides.
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.Trim(value, " \t")
	if digits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxPause/time.Second) {
			return MaxPause
		}
		return time.Duration(seconds) * time.Second
	}
	for _, layout := range dateLayouts {
		if at, err := time.Parse(layout, value); err == nil {
			return min(max(at.Sub(now), 0), MaxPause)
		}
	}
	return 0
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
