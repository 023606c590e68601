package webhook

import "time"

// RetryPolicy says how a failed delivery is repeated.
type RetryPolicy struct {
	Kind  RetryKind
	Steps []time.Duration // RetryOwn: the waits before the 2nd, 3rd, ... attempt
}

// RetryKind is the choice in the form: default, none (as Azure) or an own list.
type RetryKind string

// The kinds of retry policy.
const (
	RetryDefault RetryKind = "default"
	RetryNone    RetryKind = "none"
	RetryOwn     RetryKind = "own"
)

// standardSchedule is that of Standard Webhooks: ten attempts over 75 h 35 min.
var standardSchedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Waits gives the pauses between attempts; their number is the number of retries.
func (p RetryPolicy) Waits() []time.Duration {
	switch p.Kind {
	case RetryNone:
		return nil
	case RetryOwn:
		return p.Steps
	default:
		return standardSchedule
	}
}
