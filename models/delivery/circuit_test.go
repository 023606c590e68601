package delivery_test

import (
	"testing"
	"time"

	"dockbell/models/delivery"
)

// TestACircuitOpensAndProbesMoreAndMoreGently.
func TestACircuitOpensAndProbesMoreAndMoreGently(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := delivery.Circuit{}
	for range delivery.DeadAfter - 1 {
		if c = c.After(1, now, now); c.Open() {
			t.Fatalf("open after %d", c.Dead)
		}
	}
	if c = c.After(1, now, now); !c.Open() || !c.ProbeAt.Equal(now.Add(time.Second)) {
		t.Fatalf("after %d: %+v", delivery.DeadAfter, c)
	}
	if again := c.After(11, now, now); again.Gap != c.Gap || !again.ProbeAt.Equal(c.ProbeAt) || again.Dead != 16 {
		t.Errorf("what was under way when it opened counts as a probe: %+v", again)
	}
	var gaps []time.Duration
	for range 9 {
		began := c.ProbeAt
		now = began.Add(30 * time.Millisecond)
		c = c.After(1, began, now)
		gaps = append(gaps, c.ProbeAt.Sub(now))
	}
	for i, want := range []int{2, 4, 8, 16, 32, 60, 60, 60, 60} {
		if gaps[i] != time.Duration(want)*time.Second {
			t.Errorf("gaps %v, the %d. is not %d s", gaps, i+1, want)
		}
	}
}
