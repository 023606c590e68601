package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"

	"dockbell/models/fault"
)

// translate turns what a database says into the house's refusals: the only place that knows both databases' errors.
// Faults, contexts' errors and what nobody foresaw pass unchanged.
func translate(err error) error {
	var f *fault.Error
	switch {
	case err == nil || errors.As(err, &f):
		return err
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fault.New(fault.NotFound, "That does not exist, or not any more.").Because(err)
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fault.New(fault.Conflict, "That exists already.").Because(err)
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return fault.New(fault.Conflict, "What this belongs to was deleted meanwhile.").Because(err)
	}
	if wait, away := unavailable(err); away {
		return unreachable(err).After(wait)
	}
	if isForeignText(err) {
		return fault.New(fault.Invalid, "The request holds text that is not UTF-8, or a NUL character.").Because(err)
	}
	return err
}

// isForeignText reports whether PostgreSQL was given a text that it cannot hold. What is stored is made fit before (plainText);
// this is what somebody only asked for, and SQLite finds nothing by it.
func isForeignText(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "22021"
}

// unreachable is the refusal of a database that cannot do it now.
func unreachable(err error) *fault.Error {
	return fault.New(fault.Unavailable, "The database cannot be read or written to at the moment. Try again in a moment.").Because(err).After(time.Second)
}

// unavailable reports whether the database may do later what it cannot do now, and when to try again.
func unavailable(err error) (wait time.Duration, away bool) {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		switch lite.Code {
		case sqlite3.ErrBusy, sqlite3.ErrLocked:
			return time.Second, true
		case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrNomem:
			return 5 * time.Second, true
		}
		return 0, false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return unavailablePostgres(pg.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return 2 * time.Second, true
		}
	}
	return 2 * time.Second, errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// unavailablePostgres judges an SQLSTATE (PostgreSQL documentation, appendix A).
func unavailablePostgres(state string) (wait time.Duration, away bool) {
	switch {
	case strings.HasPrefix(state, "53"), strings.HasPrefix(state, "58"), state == "25006": // resources, system errors, read-only
		return 5 * time.Second, true
	case strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"), state == "57014": // connection, shutdown, time limit
		return 2 * time.Second, true
	case strings.HasPrefix(state, "40"), state == "55P03": // deadlock, serialization, lock not available
		return time.Second, true
	}
	return 0, false
}

// isDeadlock reports whether PostgreSQL gave up one of two writes that waited for each other.
func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "40")
}
