package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// TestTheClockIsSet: a retry that is due in five seconds is made, once, when the clock is set three days forward or a day back
// meanwhile, while the program runs and between two starts. Left alone, it would wait for a day.
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
			t.Parallel()
			file := filepath.Join(t.TempDir(), "clock")
			write(t, file, "0s")
			p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"), "DOCKBELL_CLOCK="+file)
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
			if c.restart {
				p.end(os.Interrupt)
			}
			write(t, file, c.by)
			if c.restart {
				p.start("DOCKBELL_CLOCK=" + file)
			}
			until(t, "the retry is made", func() bool { return calls.Load() == 2 })
			p.end(os.Interrupt)
			wantsStanding(t, p, map[string]int{"delivered, 2 attempts, 200": 1})
		})
	}
}
