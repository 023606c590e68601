package ingest

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dockbell/models/fault"
	"dockbell/models/source"
)

// Limit is one of a source's limits.
type Limit string

// The limits.
const (
	Rate  Limit = "rate"
	Space Limit = "space"
)

// Room says how many bytes are kept of a source that was read before; nothing is asked for it.
type Room interface {
	Kept(sourceID string) int64
}

// admit holds a body with n events to its source's limits.
func (d *Door) admit(r *request, n int) error {
	limit, err := Rate, d.limits.allow(r.source, n, d.Now())
	if err == nil {
		limit, err = Space, d.fits(r)
	}
	if err != nil && d.Refused != nil {
		d.Refused(limit)
	}
	return err
}

// fullFor is how long a full source is refused until it is read again: a flood of what is refused shall cost little.
const fullFor = time.Second

// fits refuses a body for which its source has no room. What is known of the source may be behind, so it is read again before.
func (d *Door) fits(r *request) error {
	err := r.source.Fits(d.Room.Kept(r.source.ID))
	if err == nil || d.known.since(r.source.Name, d.Now().Add(-fullFor)) {
		return err
	}
	d.known.forget(r.source.Name)
	if err := d.prove(r); err != nil {
		return err
	}
	return r.source.Fits(d.Room.Kept(r.source.ID))
}

// limits holds each source to its rate.
type limits struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter // by the ID of the source
}

// allow takes n events from a source's bucket, or refuses all of them and says when there is room.
func (l *limits) allow(s source.Source, n int, now time.Time) error {
	if s.Rate == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.bucket(s, now)
	wait := min(max(n, 1), s.Burst()) // a body over the burst empties the bucket
	if bucket.AllowN(now, wait) {
		return nil
	}
	missing := float64(wait) - bucket.TokensAt(now)
	return fault.New(fault.LimitReached, "The source %s may send %d events per second. Send this again a little later.", s.Name, s.Rate).
		After(time.Duration(missing / float64(s.Rate) * float64(time.Second)))
}

// bucket is the source's own. It begins three quarters full: a restart is no second burst.
func (l *limits) bucket(s source.Source, now time.Time) *rate.Limiter {
	bucket, ok := l.buckets[s.ID]
	if !ok || bucket.Burst() != s.Burst() {
		bucket = rate.NewLimiter(rate.Limit(s.Rate), s.Burst())
		bucket.AllowN(now, s.Burst()/4) //nolint:mnd // a quarter
		if l.buckets == nil {
			l.buckets = map[string]*rate.Limiter{}
		}
		l.buckets[s.ID] = bucket
	}
	return bucket
}
