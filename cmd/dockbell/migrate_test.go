package main

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// TestMigrate moves an installation with its history: afterwards every page says the same as before.
func TestMigrate(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		f := furnish(t)
		place := []string{"--data=" + f.data}
		if _, stderr, code := run(t, "migrate", "--data="+f.data, "--to="+dsn); code != exitRefused || !strings.Contains(stderr, "another Dockbell is serving") {
			t.Errorf("beside a server it ends with %d: %s", code, stderr)
		}
		f.stop()
		move := func() (out, stderr string, code int) {
			return run(t, append([]string{"migrate", "--to=" + dsn}, place...)...)
		}
		out, stderr, code := move()
		if code != exitDone || !strings.Contains(out, "the same on both sides") || !strings.Contains(stderr, "deliveries: ") {
			t.Fatalf("%d: %s%s", code, out, stderr)
		}
		if out, stderr, code = move(); code != exitDone || !strings.Contains(out, "moved before") {
			t.Errorf("repeated it ends with %d: %s%s", code, out, stderr)
		}
		one, other := stillHouse(t, f.data, filepath.Join(f.data, "dockbell.db")), stillHouse(t, f.data, dsn)
		for _, page := range f.pages {
			if got, want := wordsOf(other, page), wordsOf(one, page); got != want {
				t.Errorf("%s after the move (-want +got):\n%s", page, cmp.Diff(strings.Split(want, " "), strings.Split(got, " ")))
			}
		}
		if _, stderr, code = move(); code != exitRefused || !strings.Contains(stderr, "was used there since") {
			t.Errorf("into a database that was used it ends with %d: %s", code, stderr)
		}
	})
}

// stillHouse is the owner's browser at a house that shows everything and does nothing by itself.
func stillHouse(t *testing.T, data, database string) *webtest.Browser {
	t.Helper()
	cfg := placed(data)
	cfg.Database, cfg.Workers, cfg.Location = DSN(database), 1, "local"
	key, err := loadKey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), cfg, key, site{public: "http://bell.example.com", own: "127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h.handler)
	t.Cleanup(func() {
		srv.Close()
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	b := webtest.New(t, srv.URL)
	b.SignIn(houseOwner, housePassword).Leads("/")
	return b
}

// clocks are the words of a page that go on with the time.
var clocks = regexp.MustCompile(`due now|just now|now|(in )?[\d.]+ (seconds?|minutes?|s|min|ms)( ago)?|\d\d:\d\d:\d\d UTC`)

func wordsOf(b *webtest.Browser, page string) string {
	got := b.Get(page)
	text := fmt.Sprint(got.Code, got.Header.Get("Location"), got.Text("main"))
	return clocks.ReplaceAllString(strings.ReplaceAll(text, b.URL, "·"), "·")
}

func TestMigrateRefuses(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		made := func() string {
			data := filepath.Join(t.TempDir(), "data")
			if _, stderr, code := run(t, "token", "create", "--name=x", "--role=owner", "--data="+data); code != exitDone {
				t.Fatal(stderr)
			}
			return data
		}
		one, other := made(), made()
		refused := func(code int, said string, args ...string) {
			t.Helper()
			if _, stderr, got := run(t, append([]string{"migrate"}, args...)...); got != code || !strings.Contains(stderr, said) {
				t.Errorf("%v ends with %d and says %s, want %d and %q", args, got, stderr, code, said)
			}
		}
		refused(exitUsage, "needs a postgres:// address", "--data="+one, "--to=x.db")
		refused(exitUsage, "in PostgreSQL already", "--database="+dsn, "--data="+one, "--to="+dsn)
		refused(exitRefused, "there is no database", "--data="+filepath.Join(one, "none"), "--to="+dsn)
		if _, stderr, code := run(t, "migrate", "--data="+one, "--to="+dsn); code != exitDone {
			t.Fatal(stderr)
		}
		refused(exitRefused, "Another installation was moved", "--data="+other, "--to="+dsn)
	})
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		data := filepath.Join(t.TempDir(), "data")
		storetest.OpenWith(t, store.Options{DSN: dsn}) // somebody else's
		if _, stderr, code := run(t, "token", "list", "--data="+data); code != exitDone {
			t.Fatal(stderr)
		}
		if _, stderr, code := run(t, "migrate", "--data="+data, "--to="+dsn); code != exitRefused || !strings.Contains(stderr, "holds an installation already") {
			t.Errorf("%d: %s", code, stderr)
		}
	})
}
