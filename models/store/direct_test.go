package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gorm.io/gorm"
)

// directly opens a database and gives a function that adds a setting by the writer's own statements.
func directly(t *testing.T) (db *DB, path string, put func(key string) error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "dockbell.db")
	db, err := Open(t.Context(), Options{DSN: path, Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return db, path, func(key string) error {
		return db.write(t.Context(), func(tx *gorm.DB) error {
			rows, err := db.sql(tx).run("insert into settings (key, value) values (?, ?)", key, "x")
			if err == nil && rows != 1 {
				t.Errorf("%s: %d rows", key, rows)
			}
			return err
		})
	}
}

func wants(t *testing.T, put func(string) error, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := put(key); err != nil {
			t.Fatal(err)
		}
	}
	if put(keys[0]) == nil {
		t.Error("the same key is stored twice")
	}
}

// TestStatementsAreClosedWithTheDatabase: nothing that was prepared keeps the file open in the end, or SQLite would leave its log.
func TestStatementsAreClosedWithTheDatabase(t *testing.T) {
	db, path, put := directly(t)
	wants(t, put, "one", "two", "three")
	if n := len(db.writer.direct.known); n != 1 {
		t.Errorf("%d statements are prepared, want one", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
}

// TestStatementsOutliveTheirConnection: what was prepared for a connection that the pool replaced is prepared anew.
func TestStatementsOutliveTheirConnection(t *testing.T) {
	db, _, put := directly(t)
	wants(t, put, "one", "two")
	first := db.writer.direct.owner
	db.writer.direct.pool.SetMaxIdleConns(-1) // every transaction gets a connection of its own
	wants(t, put, "three", "four")
	if db.writer.direct.owner == first {
		t.Error("the connection is the same: nothing was tried")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
