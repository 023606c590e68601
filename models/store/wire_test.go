package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestMachinesHearEachOther: a text reaches every process of the schema and nobody in another one; a connection that is
// ended from outside ends the hearing with an error, and a new one hears again.
func TestMachinesHearEachOther(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		one, two := storetest.OpenWith(t, store.Options{DSN: dsn}), storetest.OpenWith(t, store.Options{DSN: dsn})
		storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
			stranger := storetest.OpenWith(t, store.Options{DSN: dsn})
			_, strange := hear(t, stranger)
			ended, heard := hear(t, two)
			texts := []string{"work", strings.Repeat("x", 7900), `{"a":"é' \" $1 ?"}`}
			tell(t, one, texts...)
			wants(t, heard, texts...)
			tell(t, stranger, "ours")
			wants(t, strange, "ours") // and nothing before it

			if err := one.Read(t.Context()).Exec("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen \"dockbell_' || md5(current_schema()) || '\"'").Error; err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("a lost connection is no error")
				}
			case <-time.After(20 * time.Second):
				t.Fatal("a lost connection is not noticed")
			}
			_, heard = hear(t, two)
			tell(t, one, "again")
			wants(t, heard, "again")
		})
	})
}

// hear listens until the test ends.
func hear(t *testing.T, db *store.DB) (ended chan error, heard chan string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	ended, heard = make(chan error, 1), make(chan string, 16)
	go func() { ended <- db.Hear(ctx, func() { close(ready) }, func(text string) { heard <- text }) }()
	t.Cleanup(cancel)
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return ended, heard
}

func tell(t *testing.T, db *store.DB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := db.Tell(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

func wants(t *testing.T, heard <-chan string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		select {
		case got := <-heard:
			if got != want {
				t.Errorf("heard %.40q, want %.40q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%.40q was not heard", want)
		}
	}
}
