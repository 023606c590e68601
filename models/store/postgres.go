package store

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Bounds of what one process asks of a PostgreSQL server.
const (
	connections = 24
	committers  = 4 // of the connections at most so many commit at once; the rest of the writers share those commits
	commitLimit = 30 * time.Second
)

// openPostgres opens one pool for reading and writing.
func (db *DB) openPostgres(o Options) error {
	pool, err := db.connect(o)
	if err != nil {
		return err
	}
	if err := migrate(pool, db.postgres); err != nil {
		return err
	}
	db.reader = pool
	db.writer = db.newWriter(pool, committers, commitLimit)
	return nil
}

func (db *DB) connect(o Options) (*gorm.DB, error) {
	pool, err := gorm.Open(postgres.Open(o.DSN), db.config())
	if err != nil {
		return nil, err
	}
	db.pools = append(db.pools, pool)
	conn, err := pool.DB()
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(connections)
	conn.SetMaxIdleConns(connections)
	conn.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}

// lockKey is the number of a lock by its name, other ones in other schemas.
const lockKey = "(hashtextextended(current_schema() || $1, 0))"

// Alone runs fn while no other process does anything under the same name. With SQLite there is no other server; a command
// beside it is not waited for.
func (db *DB) Alone(ctx context.Context, name string, fn func(context.Context) error) error {
	if !db.postgres {
		return fn(ctx)
	}
	own, _ := db.turns.LoadOrStore(name, &sync.Mutex{})
	turn := own.(*sync.Mutex) //nolint:forcetypeassert // nothing else is stored
	turn.Lock()               // so that of this process one connection waits and not all of them
	defer turn.Unlock()
	pool, err := db.reader.DB()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx) // the lock is this connection's
	if err != nil {
		return translate(err)
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock"+lockKey, name); err != nil {
		return translate(err)
	}
	defer func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock"+lockKey, name); err != nil {
			db.log.Warn("a lock was not given back", "name", name, "error", err.Error()) // it ends with the connection
		}
	}()
	return fn(ctx)
}

// holders is how many locks a process holds at once; more wait. They have connections of their own: whoever holds a lock needs
// another connection for its work, and is never to wait for those who wait for it.
const holders = 16

// Hold keeps every other process from what has this name until release is called. While the database is away it holds nothing:
// nothing can be changed then. With SQLite there is no other process.
func (db *DB) Hold(name string) (release func()) {
	if !db.postgres {
		return func() {}
	}
	ctx := context.Background() // the lock is as long as its holder's work, whose own time bounds it
	pool, err := db.holdPool()
	if err != nil {
		db.log.Warn("a lock was not taken", "error", err.Error())
		return func() {}
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		if _, err = conn.ExecContext(ctx, "select pg_advisory_lock"+lockKey, name); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		db.log.Warn("a lock was not taken", "error", err.Error())
		return func() {}
	}
	return func() {
		if _, err := conn.ExecContext(ctx, "select pg_advisory_unlock"+lockKey, name); err != nil {
			db.log.Warn("a lock was not given back", "error", err.Error()) // it ends with the connection
		}
		_ = conn.Close() // it goes back to the pool
	}
}

// holds are the connections of Hold, opened with the first one.
type holds struct {
	once  sync.Once
	conns *sql.DB
	err   error
}

func (db *DB) holdPool() (*sql.DB, error) {
	h := &db.holds
	h.once.Do(func() {
		var pool *gorm.DB
		if pool, h.err = gorm.Open(postgres.Open(db.dsn), db.config()); h.err != nil {
			return
		}
		if h.conns, h.err = pool.DB(); h.err == nil {
			h.conns.SetMaxOpenConns(holders)
			h.conns.SetConnMaxIdleTime(time.Minute)
		}
	})
	return h.conns, h.err
}
