// Package store is the memory of the house: registries, webhooks, accounts and every delivery, in SQLite or PostgreSQL.
package store

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/webhook"
)

// Options say which database to open and what it needs.
type Options struct {
	DSN  string           // path of a SQLite file, or postgres://user@host/name
	Key  []byte           // 32 bytes that seal stored secrets
	Busy time.Duration    // how long SQLite waits for another process's lock before a write is refused; 0: 5 s
	Log  *slog.Logger     // nil: silent
	Now  func() time.Time // the time; nil: the database's, which with SQLite is this machine's
	Own  func() time.Time // this machine's clock, by which the time goes on between two answers of PostgreSQL; nil: time.Now
}

// DB is an open database. Its methods may be used by many at once.
type DB struct {
	writer      *writer
	reader      *gorm.DB
	checkpoints *checkpointer // nil with PostgreSQL
	pools       []*gorm.DB    // everything to close, in order
	postgres    bool
	dsn         string
	sealer      *sealer
	hooks       cache[[]webhook.Webhook] // by registry
	opened      openedHooks
	subscribers shared[[]webhook.Webhook] // with PostgreSQL, by registry
	suspects    suspects
	registries  cache[registriesRead] // under no name: all of them
	usage       usage
	atOnce      int // countedAtOnce
	pulls       pulls
	turns       sync.Map // by the name of what is done alone
	holds       holds    // of Hold alone
	images      images
	arrived     arrived
	adopted     sync.Map      // when the lanes of a webhook last took in what waits outside them, in microseconds, by its ID
	ids         *delivery.IDs // of what has no ID of its own: requests that came to inboxes, the order of events
	shard       atomic.Int64  // of the counters to which this process adds, before that of the transaction
	log         *slog.Logger
	now         func() time.Time
	clock       *clock       // behind now with PostgreSQL; nil where Options.Now says the time
	watched     watched      // of KeepTime alone
	swept       atomic.Int64 // when expired sessions were last forgotten, in microseconds
}

// Open opens the database, makes it where there is none, and brings its tables up to date.
func Open(ctx context.Context, o Options) (*DB, error) {
	sealer, err := newSealer(o.Key)
	if err != nil {
		return nil, err
	}
	db := &DB{sealer: sealer, log: o.Log, now: o.Now, dsn: o.DSN, postgres: isPostgres(o.DSN), atOnce: countedAtOnce}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	db.wind(o)
	db.ids, db.usage.sums = delivery.NewIDs(db.now), map[string]sum{}
	if db.postgres {
		db.shard.Store(shardOf(rand.Int64N(shards))) //nolint:gosec // until it is a member; it spreads counters and guards nothing
	}
	open := db.openSQLite
	if db.postgres {
		open = db.openPostgres
	}
	if err := open(o); err != nil {
		return nil, db.abandon(err)
	}
	db.settle(ctx)
	err = db.checkMoved(ctx)
	if err == nil {
		err = db.checkKey(ctx)
	}
	if err != nil {
		return nil, db.abandon(err)
	}
	return db, nil
}

// shards is in how many parts a counter lies with PostgreSQL, times the committers of a process, so that two transactions
// rarely wait for each other to count.
const shards = 8

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// config is how GORM is used here: transactions are our own, errors of both databases become the same.
func (db *DB) config() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, DisableNestedTransaction: true, TranslateError: true,
		Logger:  logger.Discard, // its lines would hold values
		NowFunc: func() time.Time { return db.now().UTC() },
	}
}

// read gives the pool of readers for one query or a few.
func (db *DB) read(ctx context.Context) *gorm.DB { return db.reader.WithContext(ctx) }

// Close waits for the last write and closes every connection. Writes that come later are refused.
func (db *DB) Close() error {
	if db.writer != nil {
		db.writer.close()
	}
	db.checkpoints.close()
	return db.closePools()
}

func (db *DB) closePools() error {
	var first error
	if db.holds.conns != nil {
		first = db.holds.conns.Close()
	}
	for _, pool := range db.pools {
		conn, err := pool.DB()
		if err == nil {
			err = conn.Close()
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// abandon closes what was opened before err stopped it.
func (db *DB) abandon(err error) error {
	if closing := db.Close(); closing != nil {
		db.log.Warn("database not closed", "error", closing.Error())
	}
	return translate(err)
}

// fresh is how long a successful commit proves that the database can be written to.
const fresh = time.Second

// pingKey is the setting that Ping writes.
const pingKey = "store.ping"

// Ping says whether the database can be read and written to; a fault says that it cannot.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	if err := db.read(ctx).Raw("select 1").Scan(&one).Error; err != nil {
		return unreachable(err)
	}
	if db.now().Sub(time.UnixMicro(db.writer.committed.Load())) < fresh {
		return nil
	}
	err := db.PutSetting(ctx, pingKey, db.now().UTC().Format(time.RFC3339))
	if fault.Is(err, fault.Internal) && ctx.Err() == nil {
		return unreachable(err)
	}
	return err
}
