package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"dockbell/models/store"
)

// Most tests begin with a database as the first start leaves it. Its tables are made once and copied, for making them takes longer than
// many a test, and on one PostgreSQL one process at a time makes any.

// noKey takes away what the first start wrote of its key, so that a copy may be opened with any.
const noKey = "delete from settings where key = 'store.key'"

// empty is the content of such a SQLite file.
var empty = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "dockbell-empty")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "dockbell.db")
	if err := firstStart(file); err != nil {
		return nil, err
	}
	if err := do("sqlite3", file, noKey); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// firstStart makes the tables.
func firstStart(dsn string) error {
	db, err := store.Open(context.Background(), store.Options{DSN: dsn, Key: Key})
	if err != nil {
		return err
	}
	return db.Close()
}

// prepare puts a copy where there is no file yet.
func prepare(t testing.TB, file string) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		return
	}
	content, err := empty()
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		t.Fatalf("no database can be prepared: %v", err)
	}
}

// copyOn gives the DSN of a copy on a PostgreSQL server.
func copyOn(t testing.TB, dsn string) string {
	t.Helper()
	model, err := modelOn(dsn)
	if err != nil {
		t.Fatalf("no database can be prepared: %v", err)
	}
	name := unique()
	run(t, dsn, "create database "+name+" template "+model)
	t.Cleanup(func() { run(t, dsn, "drop database "+name+" with (force)") })
	return inDatabase(dsn, name)
}

// modelOn gives the name of the database that is copied. It stays on the server for the tests of other packages; its name says by which
// steps its tables were made.
var modelOn = func() func(dsn string) (string, error) {
	var once sync.Once
	var name string
	var err error
	return func(dsn string) (string, error) {
		once.Do(func() { name, err = makeModel(dsn) })
		return name, err
	}
}()

func makeModel(dsn string) (string, error) {
	sum, err := sumOfSteps()
	if err != nil {
		return "", err
	}
	name := "dockbell_model_" + sum
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	ctx := context.Background()
	conn, err := pool.Conn(ctx) // the lock is this connection's
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock(hashtext($1))", name); err != nil {
		return "", err
	}
	var there bool
	err = conn.QueryRowContext(ctx, "select exists (select 1 from pg_database where datname = $1)", name).Scan(&there)
	if err != nil || there {
		return name, err
	}
	half := unique() // one that is not finished is never taken for the model
	if _, err := conn.ExecContext(ctx, "create database "+half); err != nil {
		return "", err
	}
	if err := firstStart(inDatabase(dsn, half)); err != nil {
		return "", err
	}
	if err := do("pgx", inDatabase(dsn, half), noKey); err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, "alter database "+half+" rename to "+name)
	return name, err
}

// sumOfSteps tells apart what makes the tables.
func sumOfSteps() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	steps, err := filepath.Glob(filepath.Join(filepath.Dir(here), "..", "migrations", "*.sql"))
	if err != nil || len(steps) == 0 {
		return "", fmt.Errorf("there are no migrations beside %s: %w", here, err)
	}
	sum := sha256.New()
	for _, step := range steps {
		text, err := os.ReadFile(step)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(step), len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// schema makes an empty schema and gives the DSN that works in it.
func schema(t testing.TB, dsn string) string {
	t.Helper()
	name := unique()
	run(t, dsn, "create schema "+name)
	t.Cleanup(func() { run(t, dsn, "drop schema "+name+" cascade") })
	return changed(dsn, func(u *url.URL) {
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
	})
}

func inDatabase(dsn, name string) string {
	return changed(dsn, func(u *url.URL) { u.Path = "/" + name })
}

func changed(dsn string, change func(*url.URL)) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(Postgres + ": " + err.Error())
	}
	change(u)
	return u.String()
}

func unique() string {
	name := make([]byte, 8)
	rand.Read(name) // never fails: crypto/rand ends the program instead
	return "test_" + hex.EncodeToString(name)
}

func run(t testing.TB, dsn, statement string) {
	t.Helper()
	if err := do("pgx", dsn, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func do(driver, dsn, statement string) error {
	conn, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Exec(statement)
	return err
}
