package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWhatIsSentAgainOnTheCommandLine: replay, recover, redeliver, pause, drop and resume of a running server: counted first, done, and
// followed to the end.
func TestWhatIsSentAgainOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	var status atomic.Int32
	status.Store(http.StatusOK)
	called := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(called.Close)
	hook := func(args ...string) []string {
		return append([]string{"webhook", args[0], "-r", houseRegistry, "-n", "deployhook"}, args[1:]...)
	}
	does := func(want string, args ...string) {
		t.Helper()
		if got := p.ok(hook(args...)...); !strings.Contains(got, want) {
			t.Errorf("%v: %s, want %s", args, got, want)
		}
	}
	counts := func(want string, code int, args ...string) {
		t.Helper()
		out, stderr, got := p.do(hook(append(args, "--dry-run")...)...)
		if got != code || !strings.Contains(out, want) || (code == exitPending) != strings.Contains(stderr, "changes pending: ") {
			t.Errorf("%v counts %q, %q and ends with %d; want %s and %d", args, out, stderr, got, want, code)
		}
	}
	h.push("team/api:v1")
	p.ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", called.URL, "--actions", "push")
	counts(`"count": 1`, exitPending, "replay")
	counts("COUNT    DRY RUN\n-------  ---------\n1        True\n", exitPending, "replay", "-o", "table")
	counts("1\tTrue\n", exitPending, "replay", "-o", "tsv")
	counts("count: 0\ndryRun: true\n", exitDone, "replay", "--kind", "again", "--from", "7d", "--to", "1h", "-o", "yaml")
	does(`"state": "done"`, "replay", "--from", "1h", "--yes", "--wait")
	counts(`"count": 0`, exitDone, "replay")
	event := p.answered("200")
	status.Store(http.StatusInternalServerError)
	does(`"event": "`+event+`"`, "redeliver", "--event", event)
	p.answered("500")
	counts(`"event": "`+event+`"`, exitPending, "redeliver", "--event", event)
	counts(`"count": 1`, exitPending, "recover", "--since", "24h")
	out, stderr, code := p.do(hook("recover", "--since", "ever", "--wait")...)
	if code != exitRefused || !strings.Contains(out, `"failed": 1`) || !strings.Contains(stderr, "1 delivery failed again") {
		t.Errorf("a recovery that fails again: %d, %s%s", code, out, stderr)
	}
	status.Store(http.StatusOK)
	does(`"delivered": 1`, "recover", "--since", "24h", "--wait")
	counts(`"count": 0`, exitDone, "recover", "--since", "ever")

	counts(`"count": 0`, exitPending, "pause")
	does(`"paused": true`, "pause")
	h.push("team/api:v2")
	h.push("team/web:v1")
	counts(`"count": 2`, exitDone, "pause")
	counts(`"count": 1`, exitPending, "drop", "--repository", "team/web")
	does(`"count": 1`, "drop", "--repository", "team/web")
	counts(`"count": 0`, exitDone, "drop", "--retries")
	counts(`"dropped": 1`, exitPending, "resume", "--send", "none")
	does(`"sent": 1`, "resume")

	p.refused(exitUsage, "--from is a time such as", hook("replay", "--from", "yesterday")...)
	p.refused(exitUsage, "--since is a time such as", hook("recover", "--since", "")...)
	p.refused(exitUsage, "required flag", hook("recover")...)
	p.refused(exitUsage, "say what is sent again", hook("redeliver")...)
	p.refused(exitNotFound, "no such delivery", hook("redeliver", "--delivery", "1")...)
	p.refused(exitNotFound, "no webhook", "webhook", "drop", "-r", "...", "-n", "nosuchhook", "--yes")
}

// answered waits until the newest event of the webhook has this answer, and gives its id.
func (p *person) answered(status string) string {
	p.t.Helper()
	var events []struct {
		ID       string
		Response struct{ StatusCode string } `json:"eventResponseMessage"`
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := json.Unmarshal([]byte(p.ok("webhook", "list-events", "-r", "...", "-n", "deployhook")), &events); err != nil {
			p.t.Fatal(err)
		}
		if len(events) > 0 && events[0].Response.StatusCode == status {
			return events[0].ID
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no answer %s: %+v", status, events)
		}
	}
}

// TestItAsksBeforeItDrops: on a terminal with the count; a no changes nothing.
func TestItAsksBeforeItDrops(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	p.ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", receiver(t), "--actions", "push")
	p.ok("webhook", "pause", "-r", "...", "-n", "deployhook")
	h.push("team/api:v1")
	c := newConsole(t)
	for _, try := range []struct {
		typed, asks, says string
		code              int
		args              []string
	}{
		{"n\n", "Drop 1 delivery? [y/N]", "nothing was changed", exitRefused, []string{"drop"}},
		{"n\n", "Resume: send 0 deliveries, drop 1? [y/N]", "nothing was changed", exitRefused, []string{"resume", "--send", "none"}},
		{"y\n", "Drop 1 delivery? [y/N]", "COUNT", exitDone, []string{"drop"}},
		{"", "", "0        True", exitDone, []string{"drop"}},
		{"y\n", "Resume: send 0 deliveries, drop 0? [y/N]", "SENT", exitDone, []string{"resume"}},
	} {
		code, screen := c.run(try.typed, append([]string{"webhook", try.args[0], "-r", houseRegistry, "-n", "deployhook"}, try.args[1:]...)...)
		if code != try.code || !strings.Contains(screen, try.asks) || !strings.Contains(screen, try.says) {
			t.Errorf("%v ends with %d: %q; want %d, %q and %q", try.args, code, screen, try.code, try.asks, try.says)
		}
	}
}
