package store

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/registry"
)

// The tests stand outside, because storetest imports this package; these are the parts inside that they look at.

// Write is write.
func (db *DB) Write(ctx context.Context, fn func(tx *gorm.DB) error) error { return db.write(ctx, fn) }

// Read is read.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.read(ctx) }

// CountedAtOnce makes every recovery of more deliveries a large one.
func (db *DB) CountedAtOnce(n int) { db.atOnce = n }

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

// PlanOf says how SQLite finds a page of deliveries before the key 1<<40.
func (db *DB) PlanOf(ctx context.Context, f delivery.Filter) (string, error) {
	query, key, err := db.deliveries(ctx, f)
	if err != nil {
		return "", err
	}
	var rows []deliveryRow
	made := query().Session(&gorm.Session{DryRun: true}).Where(key+" < ?", int64(1)<<40).Order(key + " desc").Limit(51).Find(&rows).Statement
	return db.Plan(ctx, made.SQL.String(), made.Vars...)
}

// Plan says how SQLite finds the rows of a statement.
func (db *DB) Plan(ctx context.Context, statement string, args ...any) (string, error) {
	var steps []struct{ Detail string }
	err := db.read(ctx).Raw("explain query plan "+statement, args...).Scan(&steps).Error
	var all []string
	for _, step := range steps {
		all = append(all, step.Detail)
	}
	return strings.Join(all, "; "), err
}

// The statements of the queue.
const (
	LinesQuery  = linesQuery
	FlyingQuery = flyingQuery
	Waiting     = waiting
	HeadQuery   = headQuery
)

// StepByStep brings an empty SQLite file or PostgreSQL schema up to date, one migration at a time, and closes it.
func StepByStep(o Options) (steps int, err error) {
	err = onTables(o, func(_ *gorm.DB, provider *goose.Provider) error {
		for {
			if pending, err := provider.HasPending(context.Background()); err != nil || !pending {
				return err
			}
			if _, err := provider.UpByOne(context.Background()); err != nil {
				return err
			}
			steps++
		}
	})
	return steps, err
}

// OldTables makes the tables of an older Dockbell, up to a migration, in an empty SQLite file or PostgreSQL schema, and fills them.
func OldTables(o Options, upTo int64, statements ...string) error {
	return onTables(o, func(pool *gorm.DB, provider *goose.Provider) error {
		if _, err := provider.UpTo(context.Background(), upTo); err != nil {
			return err
		}
		for _, statement := range statements {
			if err := pool.Exec(statement).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

func onTables(o Options, work func(pool *gorm.DB, provider *goose.Provider) error) error {
	db := &DB{postgres: isPostgres(o.DSN), now: time.Now}
	defer db.closePools()
	open := db.connect
	if !db.postgres {
		open = func(o Options) (*gorm.DB, error) { return db.openFile(o, 1, url.Values{}) }
	}
	pool, err := open(o)
	if err != nil {
		return err
	}
	provider, err := stepsFor(pool, db.postgres)
	if err != nil {
		return err
	}
	return work(pool, provider)
}

// ImageID is an ID that an image may have.
func ImageID(reg registry.Name, repository, tag string) int64 {
	return newImage(reg, repository, tag).hash()
}

// Keep stores an entry inside a transaction of the test's own.
func (db *DB) Keep(tx *gorm.DB, entry delivery.Entry) error {
	return db.storeParts(tx, []*part{newPart([]delivery.Entry{entry}, nil)})
}

// The statements of lanes.
const (
	HeadsQuery = headsQuery
	HeadsDue   = headsDue
)

// Checkpoint makes a checkpoint now and gives the pages of the log, and those of them that are in the file.
func (db *DB) Checkpoint() (log, written int, err error) {
	db.checkpoints.checkpoint()
	conn, err := db.reader.DB()
	if err != nil {
		return 0, 0, err
	}
	var busy int
	err = conn.QueryRow("pragma wal_checkpoint(passive)").Scan(&busy, &log, &written)
	return log, written, err
}

// Later runs a statement whose answer nobody waits for.
func (db *DB) Later(tx *gorm.DB, statement string, args ...any) error {
	return db.sql(tx).exec(statement, args...)
}

// How the counters of processes are kept apart.
const (
	Shards     = shards
	Committers = committers
)

// Shared is shared.
type Shared struct{ of shared[int] }

// Get is get.
func (s *Shared) Get(ctx context.Context, key string, read func(context.Context) (int, error)) (int, error) {
	return s.of.get(ctx, key, read)
}

// ReadersOpen is how many connections are open that read.
func (db *DB) ReadersOpen() int {
	conn, err := db.reader.DB()
	if err != nil {
		return -1
	}
	return conn.Stats().OpenConnections
}
