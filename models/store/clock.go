package store

import (
	"context"
	"sync"
	"time"
)

// Bounds of how far the clock may be from the database's.
const (
	clockFresh  = 10 * time.Second       // it is asked again after so long
	clockJump   = 500 * time.Millisecond // and at once when this machine's clock was set, or the machine slept
	clockWait   = 2 * time.Second        // how long an answer may take
	clockDoubts = time.Second            // an answer that took longer says too little, unless there is no other
)

// clock tells the time of a PostgreSQL, so that all processes that share its work agree on it: what is due, when a lease
// ends. Between two questions it goes on by this machine's monotonic clock, which nobody sets.
type clock struct {
	own func() time.Time // this machine's clock
	ask func(ctx context.Context) (time.Time, error)

	mu    sync.Mutex
	asked time.Time // when it was asked, by this machine's clock
	told  time.Time // what the database said
	back  time.Time // when it was last found set back, by this machine's clock; zero: never, or that is settled
}

// now is the database's time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own()
	if c.told.IsZero() {
		return own
	}
	return c.told.Add(own.Sub(c.asked))
}

// settle asks the database again when the last answer is old or this machine's clock was set since. When there is no answer
// the last one goes on holding.
func (c *clock) settle(ctx context.Context) error {
	if !c.doubtful() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, clockWait)
	defer cancel()
	before := c.own()
	told, err := c.ask(ctx)
	took := c.own().Sub(before)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if took > clockDoubts && !c.told.IsZero() {
		return nil
	}
	at := before.Add(took / 2)
	if !c.told.IsZero() && c.told.Add(at.Sub(c.asked)).Sub(told) >= setBack {
		c.back = at
	}
	c.asked, c.told = at, told
	return nil
}

// wasSetBack gives when the clock was found set back, if that is so long ago.
func (c *clock) wasSetBack(ago time.Duration) (when time.Time, yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.back, !c.back.IsZero() && c.own().Sub(c.back) >= ago
}

// settled says that what follows from a clock that was set back is done.
func (c *clock) settled(when time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.back.Equal(when) {
		c.back = time.Time{}
	}
}

func (c *clock) doubtful() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own()
	went, shown := own.Sub(c.asked), own.Round(0).Sub(c.asked.Round(0)) // Round(0) takes the monotonic reading away
	return c.told.IsZero() || went < 0 || went >= clockFresh || (shown-went).Abs() >= clockJump
}

// skew is how far this machine's clock is ahead of the database's.
func (c *clock) skew() time.Duration {
	now := c.now()
	return c.own().Round(0).Sub(now.Round(0))
}

// wind gives the database its clock.
func (db *DB) wind(o Options) {
	own := o.Own
	if own == nil {
		own = time.Now
	}
	switch {
	case o.Now != nil:
		db.now = o.Now
	case db.postgres:
		db.clock = &clock{own: own, ask: db.askPostgres}
		db.now = db.clock.now
	default:
		db.now = own
	}
}

// postgresClock is PostgreSQL's clock in microseconds.
const postgresClock = "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)"

// askPostgres asks for the database's time.
func (db *DB) askPostgres(ctx context.Context) (time.Time, error) {
	var us int64
	err := db.read(ctx).Raw("select " + postgresClock).Scan(&us).Error
	return moment(us), err
}

// leaseEnded is true of a lease that ended before its argument. A process may have asked the database's clock just before that was
// set back; lest it takes what another one leased since, it has to be over by the clock itself.
func (db *DB) leaseEnded() string {
	if db.clock == nil {
		return "next <= ?"
	}
	return "next <= (select least(cast(? as bigint), " + postgresClock + "))"
}

// Now is the time by which everything is due: with PostgreSQL the database's, which all processes share.
func (db *DB) Now() time.Time { return db.now() }

// Skew is how far this machine's clock is ahead of the database's; 0 with SQLite, where there is only one.
func (db *DB) Skew(ctx context.Context) (time.Duration, error) {
	if db.clock == nil {
		return 0, nil
	}
	if err := db.clock.settle(ctx); err != nil {
		return 0, translate(err)
	}
	return db.clock.skew(), nil
}

// settle brings the clock back to the database's before something is leased.
func (db *DB) settle(ctx context.Context) {
	if db.clock == nil {
		return
	}
	if err := db.clock.settle(ctx); err != nil && ctx.Err() == nil {
		db.log.Warn("the database does not tell its time", "error", err.Error())
	}
}
