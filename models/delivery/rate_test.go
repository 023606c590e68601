package delivery_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
)

// TestARateHoldsInEveryMinute begins deliveries whenever one is free, and at odd moments, and counts every minute that begins with one.
func TestARateHoldsInEveryMinute(t *testing.T) {
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for _, rate := range []delivery.Rate{1, 2, 7, 59, 60, 61, 119, 120, 600, 6000} {
		for _, late := range []time.Duration{0, 3 * time.Millisecond, 1700 * time.Millisecond, 90 * time.Second} {
			var began []time.Time
			whole, now, pause := time.Time{}, start, late
			for now.Before(start.Add(4 * time.Minute)) {
				n := rate.Free(whole, now)
				for range n {
					began = append(began, now)
				}
				whole = rate.Spend(whole, now, n)
				if next := rate.Next(whole); next.After(now) {
					now = next
				} else if n == 0 {
					t.Fatalf("rate %d: nothing is free at %v, and nothing later either", rate, now)
				}
				now = now.Add(pause)
				pause /= 2 // sometimes late, then on time
			}
			most, first := 0, 0
			for i, at := range began {
				for at.Sub(began[first]) >= time.Minute {
					first++
				}
				most = max(most, i-first+1)
			}
			if least := int(rate) - int(rate)/60 - 1; most > int(rate) || late == 0 && most < least {
				t.Errorf("rate %d: up to %d in a minute", rate, most)
			}
		}
	}
}

func TestTheStricterRate(t *testing.T) {
	for _, c := range []struct{ a, b, want delivery.Rate }{{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {5, 7, 5}, {7, 5, 5}} {
		if got := c.a.Least(c.b); got != c.want {
			t.Errorf("%d and %d: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
