package store

import (
	"context"
	"net/url"
	"time"

	"gorm.io/gorm"
)

// The tests stand outside, because storetest imports this package; these are the parts inside that they look at.

// Write is write.
func (db *DB) Write(ctx context.Context, fn func(tx *gorm.DB) error) error { return db.write(ctx, fn) }

// Read is read.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.read(ctx) }

// Commits counts the transactions that were committed.
func (db *DB) Commits() int64 { return db.writer.commits.Load() }

// Waiting counts the writes that wait for a commit.
func (db *DB) Waiting() int {
	db.writer.mu.Lock()
	defer db.writer.mu.Unlock()
	return len(db.writer.waiting)
}

// Postgres reports which of the two databases this is.
func (db *DB) Postgres() bool { return db.postgres }

// StepByStep brings an empty SQLite file or PostgreSQL schema up to date, one migration at a time, and closes it.
func StepByStep(o Options) (steps int, err error) {
	db := &DB{postgres: isPostgres(o.DSN), now: time.Now}
	defer db.closePools()
	open := db.connect
	if !db.postgres {
		open = func(o Options) (*gorm.DB, error) { return db.openFile(o, 1, url.Values{}) }
	}
	pool, err := open(o)
	if err != nil {
		return 0, err
	}
	provider, err := stepsFor(pool, db.postgres)
	if err != nil {
		return 0, err
	}
	for {
		if pending, err := provider.HasPending(context.Background()); err != nil || !pending {
			return steps, err
		}
		if _, err := provider.UpByOne(context.Background()); err != nil {
			return steps, err
		}
		steps++
	}
}
