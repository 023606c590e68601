package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// pipe is a transaction of PostgreSQL's writer. Statements whose answer nobody reads wait for one whose answer is read, or for the
// commit, and go to the server together with it: a way there and back costs as much as the statement, and all that time the
// transaction holds its locks. They run in the order in which they were given; what one of them fails with is the error of the
// statement that took it along. It is used by one goroutine.
type pipe struct {
	ctx    context.Context //nolint:containedctx // of the transaction that it is
	conn   *sql.Conn
	kept   *pgx.Batch // what waits
	failed error      // of the first statement that failed: the server takes no others after it
	ended  bool       // committed or rolled back
}

var (
	_ gorm.ConnPool    = (*pipe)(nil)
	_ gorm.TxCommitter = (*pipe)(nil)
)

// rollbackWait is how long the end of a transaction may take whose own time is over.
const rollbackWait = 5 * time.Second

// openPipe begins a transaction; end comes after its commit or rollback.
func openPipe(ctx context.Context, pool *gorm.DB) (tx *gorm.DB, end func(), err error) {
	from, err := pool.DB()
	if err != nil {
		return nil, nil, err
	}
	p := &pipe{ctx: ctx, kept: &pgx.Batch{}}
	for range connections + 1 { // as many may be idle that the server has lost
		if p.conn, err = from.Conn(ctx); err != nil {
			return nil, nil, err
		}
		if _, err = p.conn.ExecContext(ctx, "begin"); err == nil {
			break
		}
		_ = p.conn.Close()
	}
	if err != nil {
		return nil, nil, err
	}
	tx = pool.WithContext(ctx)
	tx.Statement.ConnPool = p
	return tx, func() { _ = p.conn.Close() }, nil // back into the pool, which closes it when it is broken
}

// later runs a statement before the next one whose answer is read.
func (p *pipe) later(statement string, args []any) {
	p.kept.Queue(statement, args...)
}

// send sends what waits, and gives what the last of it did.
func (p *pipe) send(ctx context.Context) (did pgconn.CommandTag, err error) {
	if p.failed != nil || p.kept.Len() == 0 {
		return did, p.failed
	}
	batch := p.kept
	p.kept = &pgx.Batch{}
	p.failed = p.conn.Raw(func(conn any) error {
		results := conn.(*stdlib.Conn).Conn().SendBatch(ctx, batch) //nolint:forcetypeassert // the driver that was opened
		for range batch.Len() {
			if did, err = results.Exec(); err != nil {
				_ = results.Close() // it says the same
				return plainError(err)
			}
		}
		return results.Close()
	})
	return did, p.failed
}

// drop forgets what waits and what failed: the transaction goes back to a savepoint.
func (p *pipe) drop() {
	p.kept, p.failed = &pgx.Batch{}, nil
}

// plainError is PostgreSQL's own error, if it is one: GORM knows it as such alone.
func plainError(err error) error {
	if own := (*pgconn.PgError)(nil); errors.As(err, &own) {
		return own
	}
	return err
}

// ExecContext runs a statement together with what waits.
func (p *pipe) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	p.later(statement, args)
	did, err := p.send(ctx)
	return driver.RowsAffected(did.RowsAffected()), err
}

// QueryContext runs a query after what waits.
func (p *pipe) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if _, err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is QueryContext for one row. After a failure the server refuses it by itself.
func (p *pipe) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_, _ = p.send(ctx) // noted
	return p.conn.QueryRowContext(ctx, query, args...)
}

// PrepareContext is what GORM's pools have besides; the driver prepares by itself.
func (p *pipe) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if _, err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.conn.PrepareContext(ctx, query)
}

// Commit ends the transaction together with what waits: when something of that fails, nothing is committed.
func (p *pipe) Commit() error {
	p.later("commit", nil)
	did, err := p.send(p.ctx)
	if err == nil && did.String() == "ROLLBACK" { // the server's answer where a statement failed before
		err = pgx.ErrTxCommitRollback
	}
	p.ended = err == nil
	return err
}

// Rollback takes everything back.
func (p *pipe) Rollback() error {
	if p.ended {
		return sql.ErrTxDone
	}
	p.ended = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), rollbackWait)
	defer cancel()
	_, err := p.conn.ExecContext(ctx, "rollback")
	return err
}
