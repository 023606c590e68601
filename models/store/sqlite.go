package store

import (
	"cmp"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"dockbell/models/fault"
)

// busyDefault is Options.Busy where it is not set.
const busyDefault = 5 * time.Second

// writerCache is how much of the file the writer keeps in memory at most, in negative KiB: the ends of the indexes into which
// it writes. It grows with the work only.
const writerCache = "-32000"

// openSQLite opens one connection that writes and a pool that reads. Write-ahead logging lets both go on at once;
// synchronous=FULL syncs the log with every commit, so that what was acknowledged survives a power loss.
func (db *DB) openSQLite(o Options) error {
	if err := makePrivateFile(o.DSN); err != nil {
		return err
	}
	if err := keepPlans(); err != nil {
		return err
	}
	write, err := db.openFile(o, 1, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_cache_size": {writerCache},
	})
	if err != nil {
		return err
	}
	if err := migrate(write, db.postgres); err != nil {
		return err
	}
	if db.reader, err = db.openFile(o, max(4, 2*runtime.NumCPU()), url.Values{"_query_only": {"on"}}); err != nil {
		return err
	}
	if err := write.Exec("pragma wal_autocheckpoint = " + checkpointLast).Error; err != nil {
		return err
	}
	conns, err := write.DB()
	if err != nil {
		return err
	}
	db.writer = db.newWriter(write, 1, 0)
	db.writer.direct = &direct{pool: conns}
	db.startCheckpoints()
	return nil
}

// makePrivateFile makes the file for its owner alone; SQLite gives the files beside it the same mode.
func makePrivateFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault.New(fault.Unavailable, "The database file %s cannot be opened for writing.", path).Because(err)
	}
	return f.Close()
}

// fileURI names a file to SQLite, whatever stands in its path.
func fileURI(path string, params url.Values) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) + "?" + params.Encode()
}

func (db *DB) openFile(o Options, connections int, params url.Values) (*gorm.DB, error) {
	params.Set("_busy_timeout", strconv.FormatInt(cmp.Or(o.Busy, busyDefault).Milliseconds(), 10))
	params.Set("_foreign_keys", "on")
	params.Set("_mutex", "no") // database/sql gives a connection to one goroutine at a time
	params.Set("_stmt_cache_size", "100")
	pool, err := gorm.Open(sqlite.Open(fileURI(o.DSN, params)), db.config())
	if err != nil {
		return nil, err
	}
	conn, err := pool.DB()
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(connections)
	conn.SetMaxIdleConns(connections)
	db.pools = append(db.pools, pool)
	return pool, nil
}
