package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestTheClockIsSet: a retry that is due in five seconds is made, once, when the clock is set three days forward or a day back
// meanwhile, while the program runs and between two starts. Left alone, with SQLite it would wait for a day.
func TestTheClockIsSet(t *testing.T) {
	for _, c := range []struct {
		by      string
		restart bool
	}{{"72h", false}, {"-24h", false}, {"-24h", true}} {
		name := c.by
		if c.restart {
			name += " between two starts"
		}
		t.Run(name, func(t *testing.T) {
			storetest.EachDSN(t, func(t *testing.T, dsn string) {
				t.Parallel()
				setClock(t, dsn, c.by, c.restart)
			})
		})
	}
}

func setClock(t *testing.T, dsn, by string, restart bool) {
	t.Helper()
	file, data := filepath.Join(t.TempDir(), "clock"), filepath.Join(t.TempDir(), "data")
	write(t, file, "0s")
	if !strings.HasPrefix(dsn, "postgres:") { // a file and its key are made together
		dsn = filepath.Join(data, "dockbell.db")
	}
	out, stderr, code := run(t, "token", "create", "--name", "tests", "--role", "owner", "--data="+data, "--database="+dsn)
	if code != exitDone {
		t.Fatal(stderr)
	}
	env := []string{"DOCKBELL_CLOCK=" + file, "DOCKBELL_DATABASE=" + dsn}
	p := &process{program: breakableProgram(t), data: data, pusher: newPusher(t, readCredentials(t, out))}
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	p.start(env...)
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	p.browser().Send(hooksPath, hookForm("deployprod", srv.URL)).LeadsLike(hooksPath)
	p.push("team/api", "v1", "layer").wants(http.StatusCreated)
	until(t, "the first attempt fails", func() bool { return calls.Load() == 1 })
	if restart {
		p.end(syscall.SIGINT)
	}
	write(t, file, by)
	if restart {
		p.start(env...)
	}
	until(t, "the retry is made", func() bool { return calls.Load() == 2 })
	p.end(syscall.SIGINT)
	key, err := loadKey(placed(data))
	if err != nil {
		t.Fatal(err)
	}
	wantsStandingIn(t, storetest.OpenWith(t, store.Options{DSN: dsn, Key: key}), map[string]int{"delivered, 2 attempts, 200": 1})
}
