package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// A checkpoint copies what commits have written to SQLite's log into the file, and syncs it. SQLite makes the commit wait for it
// that fills a page too many; here another connection does most of it beside the commits, and the writer only what is left.
const (
	checkpointCommits = 400             // after so many commits
	checkpointWait    = 2 * time.Second // or so long after the first of them
	checkpointShort   = 500             // pages that the writer copies itself, between two commits, so that the log begins anew
	// checkpointLast is how long the log may grow, in pages, until a commit has to wait after all.
	checkpointLast = "20000"
)

// checkpointer keeps the log short.
type checkpointer struct {
	db      *DB
	extra   atomic.Int64 // commits that were not there, for what changes more pages than one
	stop    chan struct{}
	stopped sync.Once
	done    chan struct{}
}

func (db *DB) startCheckpoints() {
	c := &checkpointer{db: db, stop: make(chan struct{}), done: make(chan struct{})}
	db.checkpoints = c
	go c.run()
}

// close returns when no checkpoint runs any more; the last connection that closes makes the last one.
func (c *checkpointer) close() {
	if c == nil {
		return
	}
	c.stopped.Do(func() { close(c.stop) })
	<-c.done
}

// heavier says that a commit changed as many pages as so many more.
func (c *checkpointer) heavier(commits int64) {
	if c != nil {
		c.extra.Add(commits)
	}
}

func (c *checkpointer) run() {
	defer close(c.done)
	c.checkpoint() // of what a life before left that ended in less than checkpointWait
	tick := time.NewTicker(checkpointWait / 20)
	defer tick.Stop()
	var seen int64
	var since time.Time // of the first commit after the last checkpoint
	for {
		select {
		case <-c.stop:
			return
		case now := <-tick.C:
			n := c.db.writer.commits.Load() + c.extra.Load()
			switch {
			case n == seen:
				continue
			case since.IsZero():
				since = now
			}
			if n-seen < checkpointCommits && now.Sub(since) < checkpointWait {
				continue
			}
			seen, since = n, time.Time{}
			c.checkpoint()
		}
	}
}

// checkpoint copies beside the commits, then asks the writer for the rest if that is little.
func (c *checkpointer) checkpoint() {
	left, err := passive(c.db.reader)
	if err == nil && left > 0 && left <= checkpointShort {
		_, err = passive(c.db.writer.pool) // its one connection: commits wait meanwhile
	}
	if err != nil {
		c.db.log.Warn("the database's log was not written back", "error", err.Error())
	}
}

// passive makes a checkpoint that waits for nobody and says how many pages are left.
func passive(pool *gorm.DB) (left int, err error) {
	conn, err := pool.DB()
	if err != nil {
		return 0, err
	}
	var busy, log, written int
	err = conn.QueryRowContext(context.Background(), "pragma wal_checkpoint(passive)").Scan(&busy, &log, &written)
	return log - written, err
}
