package delivery

import (
	"strings"
	"testing"
	"time"

	"dockbell/models/event"
)

// TestWhatHoldsADelivery is the whole rule: of several obstacles the one that a person ends, then another delivery, then the one that
// ends last.
func TestWhatHoldsADelivery(t *testing.T) {
	now := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
	in := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	waits := Delivery{ID: 7, State: Pending, Action: event.Push, Next: in(-1)}
	with := func(change func(*Delivery)) Delivery { d := waits; change(&d); return d }
	retry := with(func(d *Delivery) { d.Next = in(60) })
	probed := Circuit{Dead: 5, Gap: time.Second, ProbeAt: in(20), Since: in(-300)}
	for name, c := range map[string]struct {
		c      Circumstances
		d      Delivery
		before ID
		by     Obstacle
		says   []string
	}{
		"nothing":                        {Circumstances{}, waits, 0, "", nil},
		"its own retry":                  {Circumstances{Flying: 3}, retry, 7, "", nil},
		"the pause":                      {Circumstances{Paused: in(-60), Circuit: probed}, retry, 3, ByPause, []string{"paused since 11:59:00 UTC", "Resume it"}},
		"a pause of yesterday":           {Circumstances{Paused: in(-86400)}, waits, 0, ByPause, []string{"since 2 June 2026 12:00 UTC"}},
		"a ping in a pause":              {Circumstances{Paused: in(-60)}, with(func(d *Delivery) { d.Action = event.Ping }), 0, "", nil},
		"under way":                      {Circumstances{Paused: in(-60)}, with(func(d *Delivery) { d.Next = time.Time{} }), 0, "", nil},
		"delivered":                      {Circumstances{Paused: in(-60)}, with(func(d *Delivery) { d.State = Delivered }), 0, "", nil},
		"another of its repository":      {Circumstances{Circuit: probed}, waits, 3, ByOrder, []string{"behind delivery 3 of the same repository", "look there"}},
		"the first of its repository":    {Circumstances{}, waits, 7, "", nil},
		"Retry-After":                    {Circumstances{PutOff: in(30), Flying: 1}, waits, 0, ByRetryAfter, []string{"until 12:00:30 UTC", "receiver's limit"}},
		"Retry-After before its retry":   {Circumstances{PutOff: in(30)}, retry, 0, "", nil},
		"Retry-After beyond its retry":   {Circumstances{PutOff: in(90)}, retry, 0, ByRetryAfter, []string{"until 12:01:30 UTC"}},
		"Retry-After longer than probes": {Circumstances{PutOff: in(30), Circuit: probed}, waits, 0, ByRetryAfter, nil},
		"a probe":                        {Circumstances{Circuit: probed, PutOff: in(10)}, waits, 0, ByCircuit, []string{"again at 12:00:20 UTC", "since 11:55:00 UTC", "redeliver or recover"}},
		"a probe before its retry":       {Circumstances{Circuit: probed}, retry, 0, "", nil},
		"its turn to be the probe":       {Circumstances{Circuit: Circuit{Gap: time.Second, ProbeAt: in(-1)}}, waits, 0, ByCircuit, []string{"tried again now, with one delivery at a time. This"}},
		"the rate":                       {Circumstances{Rate: 30, Whole: in(2)}, waits, 0, ByRate, []string{"lets 30 a minute go", "12:00:02 UTC", "Raise its rate"}},
		"a rate that has room":           {Circumstances{Rate: 30, Whole: in(-2)}, waits, 0, "", nil},
		"the rate of what waited":        {Circumstances{Rate: 30, Drains: true, Whole: in(2)}, waits, 0, ByRate, []string{"resumed goes out 30 a minute", "Drop"}},
		"most in flight":                 {Circumstances{Most: 2, Flying: 2}, waits, 0, ByTurn, []string{"2 deliveries are under way", "takes 2 at a time", "Raise the most in flight"}},
		"fewer than most in flight":      {Circumstances{Most: 2, Flying: 1}, waits, 0, "", nil},
		"as many as Dockbell thinks":     {Circumstances{Flying: 1}, waits, 0, ByTurn, []string{"1 delivery is under way", "answer first"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := c.c.Hold(c.d, c.before, now)
			s := h.Sentence(now)
			if h.By != c.by || (s == "") != (c.by == "") || strings.Contains(s, "%!") {
				t.Fatalf("held by %q, want %q: %s", h.By, c.by, s)
			}
			for _, part := range c.says {
				if !strings.Contains(s, part) {
					t.Errorf("%q does not say %q", s, part)
				}
			}
		})
	}
}
