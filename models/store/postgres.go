package store

import (
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
	db.writer = newWriter(pool, committers, commitLimit, db.now)
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
	conn.SetMaxIdleConns(connections / 2)
	conn.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}
