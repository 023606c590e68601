package store

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"
)

// direct runs the statements of SQLite's writer on the driver's connection: each is prepared once, and its arguments go to the
// driver as they are. Through database/sql a statement costs three times as much. It is used by one transaction at a time.
type direct struct {
	pool *sql.DB

	conn  *sql.Conn           // of the transaction that runs
	owner *sqlite3.SQLiteConn // whose statements are known
	known map[string]*sqlite3.SQLiteStmt
	args  []driver.NamedValue

	packed []byte // place for an argument of packed
}

// manyStatements is how many are kept; their texts are those of this package, so there are never more.
const manyStatements = 200

// directKey is under what a transaction's context holds its direct.
type directKey struct{}

// begin starts a transaction on the writer's connection; end gives the connection back, after its commit or rollback.
func (d *direct) begin(ctx context.Context, pool *gorm.DB) (tx *gorm.DB, end func(), err error) {
	if d.conn, err = d.pool.Conn(ctx); err != nil {
		return nil, nil, err
	}
	end = func() { _ = d.conn.Close() } // back into the pool, which closes it when it is broken
	on := pool.WithContext(context.WithValue(ctx, directKey{}, d))
	on.Statement.ConnPool = d.conn
	tx = on.Begin()
	if tx.Error != nil {
		end()
	}
	return tx, end, tx.Error
}

// exec runs a statement and says how many rows it changed.
func (d *direct) exec(ctx context.Context, statement string, args []any) (rows int64, err error) {
	err = d.with(statement, args, func(s *sqlite3.SQLiteStmt) error {
		done, err := s.ExecContext(ctx, d.args)
		if err == nil {
			rows, err = done.RowsAffected()
		}
		return err
	})
	return rows, err
}

// with hands a statement to f, and keeps the arguments in d.args.
func (d *direct) with(statement string, args []any, f func(s *sqlite3.SQLiteStmt) error) error {
	return d.conn.Raw(func(conn any) error {
		s, err := d.prepare(conn.(*sqlite3.SQLiteConn), statement) //nolint:forcetypeassert // the driver that was opened
		if err != nil {
			return err
		}
		d.args = d.args[:0]
		for i, arg := range args {
			d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: plain(arg)})
		}
		return f(s)
	})
}

// plain gives an argument one of the types that drivers know.
func plain(arg any) any {
	if n, ok := arg.(int); ok {
		return int64(n)
	}
	return arg
}

func (d *direct) prepare(conn *sqlite3.SQLiteConn, statement string) (*sqlite3.SQLiteStmt, error) {
	if d.owner != conn || len(d.known) >= manyStatements {
		d.forget()
		d.owner, d.known = conn, map[string]*sqlite3.SQLiteStmt{}
	}
	if s, known := d.known[statement]; known {
		return s, nil
	}
	made, err := conn.Prepare(statement)
	if err != nil {
		return nil, err
	}
	s := made.(*sqlite3.SQLiteStmt) //nolint:forcetypeassert // nothing else is made
	d.known[statement] = s
	return s, nil
}

// forget closes all statements. No transaction runs.
func (d *direct) forget() {
	for _, s := range d.known {
		_ = s.Close() // its connection may be closed already
	}
	d.owner, d.known = nil, nil
}
