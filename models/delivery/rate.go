package delivery

import "time"

// Rate is how many deliveries of a webhook may begin in any minute; 0 is no bound. What may begin is an allowance that fills up
// evenly; one moment tells how full it is: when it will be whole.
type Rate int

// burst is what may begin at once after a rest: a second's worth.
func (r Rate) burst() int { return max(int(r)/60, 1) }

// step is the time in which the allowance grows by one; with the burst no minute sees more than the rate.
func (r Rate) step() time.Duration {
	n := time.Duration(int(r) - r.burst() + 1)
	return ((time.Minute+n-1)/n + time.Microsecond - 1).Truncate(time.Microsecond)
}

// Free is how many may begin now.
func (r Rate) Free(whole, now time.Time) int {
	missing := max(whole.Sub(now), 0)
	return max(r.burst()-int((missing+r.step()-1)/r.step()), 0)
}

// Next is when one may begin.
func (r Rate) Next(whole time.Time) time.Time {
	return whole.Add(-time.Duration(r.burst()-1) * r.step())
}

// Spend gives when the allowance is whole again after n began.
func (r Rate) Spend(whole, now time.Time, n int) time.Time {
	if whole.Before(now) {
		whole = now
	}
	return whole.Add(time.Duration(n) * r.step())
}

// Least is the stricter of two rates.
func (r Rate) Least(other Rate) Rate {
	if r == 0 || other != 0 && other < r {
		return other
	}
	return r
}
