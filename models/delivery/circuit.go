package delivery

import "time"

// How a dead endpoint is probed. The gaps double, so that a receiver that comes back waits about as long as it was away, and never
// longer than the last of them.
const (
	DeadAfter = 5 // attempts in a row that find no receiver
	FirstGap  = time.Second
	MostGap   = time.Minute
)

// Circuit keeps the deliveries of a webhook back while nothing answers at its endpoint: one at a time is tried, the others wait and
// lose no attempt. The zero Circuit lets everything through.
type Circuit struct {
	Dead    int           // attempts in a row that found no receiver
	Gap     time.Duration // between the last probe and the next; 0: nothing is probed
	ProbeAt time.Time     // when the next one may go
	Since   time.Time     // when it opened; zero: it is not known
}

// Open reports whether the endpoint is probed.
func (c Circuit) Open() bool { return c.Gap > 0 }

// After is the circuit after more attempts that found no receiver, the last of which began at a moment. What was under way when it
// opened is no probe.
func (c Circuit) After(dead int, began, now time.Time) Circuit {
	c.Dead += dead
	switch {
	case c.Dead < DeadAfter:
	case !c.Open():
		c.Gap, c.Since = FirstGap, now
		c.ProbeAt = now.Add(c.Gap)
	case !began.Before(c.ProbeAt):
		c.Gap = min(2*c.Gap, MostGap)
		c.ProbeAt = now.Add(c.Gap)
	}
	return c
}
