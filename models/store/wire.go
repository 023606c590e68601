package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"dockbell/models/delivery"
)

var _ delivery.Wire = (*DB)(nil)

// channel is the name under which the processes of one schema tell each other.
const channel = "'dockbell_' || md5(current_schema())"

// Bounds of a connection that listens.
const (
	wireQuiet = 30 * time.Second // after which it is asked whether it still lives
	wireWait  = 5 * time.Second  // for its answers
)

// Tell sends a text to every process that hears. It is no part of a transaction and waits for no disk: what is told is a
// hint, and what it hints at was committed before.
func (db *DB) Tell(ctx context.Context, text string) error {
	return translate(db.read(ctx).Exec("select set_config('synchronous_commit', 'off', true), pg_notify("+channel+", ?)", text).Error)
}

// Hear listens with a connection of its own.
func (db *DB) Hear(ctx context.Context, ready func(), heard func(text string)) error {
	conn, err := db.listen(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), wireWait)
		defer cancel()
		_ = conn.Close(closing) // it is lost, or not needed any more
	}()
	ready()
	for {
		text, err := nextNotice(ctx, conn)
		if err != nil {
			return err
		}
		if text != "" {
			heard(text)
		}
	}
}

func (db *DB) listen(ctx context.Context) (*pgx.Conn, error) {
	timed, cancel := context.WithTimeout(ctx, wireWait)
	defer cancel()
	conn, err := pgx.Connect(timed, db.dsn)
	if err != nil {
		return nil, err
	}
	var name string
	err = conn.QueryRow(timed, "select "+channel).Scan(&name)
	if err == nil {
		_, err = conn.Exec(timed, "listen "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// nextNotice waits for a text; "" when it was quiet for a while and the connection still lives.
func nextNotice(ctx context.Context, conn *pgx.Conn) (string, error) {
	timed, cancel := context.WithTimeout(ctx, wireQuiet)
	defer cancel()
	n, err := conn.WaitForNotification(timed)
	if err == nil {
		return n.Payload, nil
	}
	if ctx.Err() != nil || timed.Err() == nil || conn.IsClosed() {
		return "", err
	}
	asking, cancel := context.WithTimeout(ctx, wireWait)
	defer cancel()
	return "", conn.Ping(asking)
}
