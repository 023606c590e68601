// Package storetest opens databases for tests: real ones, empty, gone when the test ends.
package storetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes databases

	"dockbell/models/store"
)

// Postgres is the environment variable that names a PostgreSQL for tests; .ci/postgres starts one and sets it.
const Postgres = "DOCKBELL_TEST_POSTGRES"

// Key seals the secrets of test databases.
var Key = bytes.Repeat([]byte{7}, 32)

// Each runs the same test on every database there is: SQLite in a temporary file and, where Postgres names one, PostgreSQL
// in a schema of its own.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachWith(t, store.Options{}, test)
}

// EachWith is Each with a clock, a logger or another key; the DSN is chosen here.
func EachWith(t *testing.T, o store.Options, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) {
		o.DSN = dsn
		test(t, OpenWith(t, o))
	})
}

// EachDSN is for tests that open the database themselves. PostgreSQL's has its tables already, as after a first start. SQLite's
// file is not there yet, for a server takes none without its key; OpenWith makes it.
func EachDSN(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, File(t)) })
	if dsn := os.Getenv(Postgres); dsn != "" {
		t.Run("postgres", func(t *testing.T) { test(t, copyOn(t, dsn)) })
	}
}

// EachEmpty is EachDSN with databases in which there is nothing: for what the first start does.
func EachEmpty(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, File(t)) })
	if dsn := os.Getenv(Postgres); dsn != "" {
		t.Run("postgres", func(t *testing.T) { test(t, schema(t, dsn)) })
	}
}

// OnPostgres runs a test on PostgreSQL alone, in a database of its own that has its tables: for what several processes do.
func OnPostgres(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	test(t, copyOn(t, server(t)))
}

// OnEmptyPostgres is OnPostgres in a schema in which there is nothing.
func OnEmptyPostgres(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	test(t, schema(t, server(t)))
}

func server(t *testing.T) (dsn string) {
	t.Helper()
	if dsn = os.Getenv(Postgres); dsn == "" {
		Without(t, Postgres+" names no PostgreSQL (make test sets it)")
	}
	return dsn
}

// All is the environment variable with which no test may be skipped for want of a program: make test sets it.
const All = "DOCKBELL_TEST_ALL"

// Without ends a test for want of a program: skipped, or failed where everything has to run.
func Without(t testing.TB, want string) {
	t.Helper()
	if os.Getenv(All) != "" {
		t.Fatal(want)
	}
	t.Skip(want)
}

// Open gives one empty SQLite database, for tests of other rooms.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return OpenWith(t, store.Options{DSN: File(t)})
}

// OpenWith opens a database that is closed when the test ends; an empty key is Key. A file that is not there has its tables already.
func OpenWith(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	if filepath.IsAbs(o.DSN) {
		prepare(t, o.DSN)
	}
	if o.Key == nil {
		o.Key = Key
	}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("the database does not open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("the database does not close: %v", err)
		}
	})
	return db
}

// File gives the path of a SQLite database that is not there yet, in a folder that goes with the test.
func File(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "dockbell.db")
}

// OpenBench gives one empty database for benchmarks: SQLite, or PostgreSQL where one is named and DOCKBELL_BENCH asks for it.
func OpenBench(b *testing.B) *store.DB {
	b.Helper()
	if dsn := os.Getenv(Postgres); dsn != "" && os.Getenv("DOCKBELL_BENCH") == "postgres" {
		return OpenWith(b, store.Options{DSN: copyOn(b, dsn)})
	}
	return OpenWith(b, store.Options{DSN: File(b)})
}
