package notice

import "time"

// When a webhook counts as failing. One failed attempt whose retry arrives is no change; neither is a receiver that is restarted.
const (
	FailsAfter = 3                // attempts in a row that failed,
	FailsFor   = time.Minute      // for at least so long; or one delivery that is given up
	Quiet      = 10 * time.Minute // after it recovered nobody is told that it fails again: a receiver that answers now and then would not stop
)

// Trouble is what is known of a webhook that does not work, or about which somebody was told so. Pings count for nothing.
type Trouble struct {
	Failed    int       // attempts in a row that failed
	GivenUp   int       // deliveries among them that failed for good
	Since     time.Time // when the first of them began
	Told      time.Time // when a notice said so; zero: nobody was told
	Recovered time.Time // when a notice last said that it works again
}

// Begins reports whether the webhook begins to fail, so that people have to be told.
func (t Trouble) Begins(now time.Time) bool {
	if !t.Told.IsZero() || t.Failed == 0 {
		return false
	}
	if passed := now.Sub(t.Recovered); !t.Recovered.IsZero() && passed >= 0 && passed < Quiet {
		return false
	}
	return t.GivenUp > 0 || t.Failed >= FailsAfter && now.Sub(t.Since) >= FailsFor
}
