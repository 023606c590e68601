package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"

	"dockbell/web/webtest"
)

// stoppedHouse serves in this process until an attempt hangs, stops while it does, lets it end, and gives what the history says
// then. before runs when the house is about to stop.
func stoppedHouse(t *testing.T, before func(*house)) map[string]int {
	t.Helper()
	data, hangs := filepath.Join(t.TempDir(), "data"), newHanging(t)
	out, stderr, code := run(t, "token", "create", "--name", "tests", "--role", "owner", "--data="+data)
	if code != exitDone {
		t.Fatal(stderr)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	defer stop()
	h, doors := servingHouse(ctx, t, data)
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx, doors, slog.New(slog.DiscardHandler)) }()
	b := webtest.New(t, h.site.public)
	b.SignIn(houseOwner, housePassword).Leads("/")
	b.Send(hooksPath, hookForm("deployprod", hangs.url)).LeadsLike(hooksPath)
	newPusher(t, readCredentials(t, out)).pushThrough(h.site.public, "team/api", "v1", "layer").wants(http.StatusCreated)
	until(t, "the attempt hangs", func() bool { return hangs.count() == 1 })
	before(h)
	stop()
	until(t, "the door closes", func() bool { return !answers(h.site.public) })
	hangs.letGo()
	left := <-ended
	t.Logf("it stopped with %v, %v", left, h.close())
	return standing(t, openData(t, data))
}

// servingHouse is what "dockbell serve" builds before it runs.
func servingHouse(ctx context.Context, t *testing.T, data string) (*house, listeners) {
	t.Helper()
	c := serveCommand()
	err := c.ParseFlags([]string{
		"--listen=127.0.0.1:0", "--data=" + data, "--registries=" + houseRegistry, "--allowed-networks=127.0.0.0/8", "--owner=" + houseOwner, "--owner-password=" + housePassword,
	})
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	cfg, err := loadConfig(c)
	must(err)
	doors, err := listen(ctx, cfg)
	must(err)
	key, err := loadKey(cfg)
	must(err)
	h, err := build(ctx, cfg, key, doors.site(cfg), slog.New(slog.DiscardHandler))
	must(err)
	must(h.prepare(ctx, cfg))
	return h, doors
}

// TestTheDatabaseIsClosedLast: what hangs at the stop is on record when the house has ended. The control closes the database
// first: then the receiver was called and the history does not say what it answered.
func TestTheDatabaseIsClosedLast(t *testing.T) {
	t.Parallel()
	want := fmt.Sprint(map[string]int{"delivered, 1 attempts, 200": 1})
	if got := fmt.Sprint(stoppedHouse(t, func(*house) {})); got != want {
		t.Errorf("in order the history has %s, want %s", got, want)
	}
	closeFirst := func(h *house) {
		if err := h.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(stoppedHouse(t, closeFirst)); got == want {
		t.Errorf("with the database closed first the history has %s too: this test sees nothing", got)
	}
}
