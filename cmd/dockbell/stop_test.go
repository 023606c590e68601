package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/store"
)

// hanging is a receiver that answers nothing until it is let go, and again when it is told to hold.
type hanging struct {
	url  string
	free chan struct{}

	mu   sync.Mutex
	came int
}

func newHanging(t *testing.T) *hanging {
	h := &hanging{free: make(chan struct{})}
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		h.mu.Lock()
		h.came++
		free := h.free
		h.mu.Unlock()
		<-free
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(h.letGo)
	h.url = srv.URL
	return h
}

func (h *hanging) letGo() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.free:
	default:
		close(h.free)
	}
}

// hold lets what comes from now on hang.
func (h *hanging) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = make(chan struct{})
}

func (h *hanging) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.came
}

// until waits for something that must come about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about: %s", what)
		}
	}
}

// hangingWork starts a program whose only receiver hangs, with more deliveries than are sent at once to the webhooks that go there.
func hangingWork(t *testing.T) (*process, *hanging) {
	t.Helper()
	p, h := startProcess(t, filepath.Join(t.TempDir(), "data")), newHanging(t)
	for _, name := range []string{"first", "second", "third", "fourth"} {
		p.browser().Send(hooksPath, hookForm(name+"hook", h.url)).LeadsLike(hooksPath)
	}
	for n := range pushes {
		p.push("team/api", fmt.Sprint("v", n), fmt.Sprint("layer", n)).wants(http.StatusCreated)
	}
	until(t, "the first attempts hang", func() bool { return h.count() == hang })
	return p, h
}

const (
	inFlight = 4 // to one webhook, at first (PRODUCT.md, decision 19)
	pushes   = 2 * inFlight
	hang     = 4 * inFlight
	rest     = 4*pushes - hang
)

// standing is what the history says of the deliveries, by state and attempts, and of how the last ones ended.
func standing(t *testing.T, db *store.DB) map[string]int {
	t.Helper()
	page, err := db.Deliveries(t.Context(), delivery.Filter{Registry: houseRegistry, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, del := range page.Deliveries {
		all[fmt.Sprintf("%s, %d attempts, %s", del.State, del.Attempts, del.Last.Word())]++
	}
	return all
}

func wantsStanding(t *testing.T, p *process, want map[string]int) {
	t.Helper()
	wantsStandingIn(t, openData(t, p.data), want)
}

func wantsStandingIn(t *testing.T, db *store.DB, want map[string]int) {
	t.Helper()
	if got := standing(t, db); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the history has %v, want %v", got, want)
	}
}

// TestStopLetsAttemptsFinish: after SIGTERM nothing more is claimed, what hangs is waited for and its result is kept, and the
// next start goes on with what was left.
func TestStopLetsAttemptsFinish(t *testing.T) {
	p, h := hangingWork(t)
	p.signal(syscall.SIGTERM)
	until(t, "the door closes", func() bool { return !answers(p.base()) })
	time.Sleep(300 * time.Millisecond) // an attempt that takes its time
	h.letGo()
	if code := p.ended(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.run.out.String())
	}
	if got := h.count(); got != hang {
		t.Errorf("%d calls came, want the %d that were under way", got, hang)
	}
	wantsStanding(t, p, map[string]int{"delivered, 1 attempts, 200": hang, "pending, 0 attempts, ": rest})
	p.start()
	until(t, "the rest is sent", func() bool { return h.count() == hang+rest })
	p.end(os.Interrupt)
	wantsStanding(t, p, map[string]int{"delivered, 1 attempts, 200": hang + rest})
}

// TestASecondSignalEndsAtOnce: whoever cannot wait is not kept waiting; what was under way is told as interrupted and sent again.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	p, h := hangingWork(t)
	p.signal(syscall.SIGTERM)
	until(t, "the door closes", func() bool { return !answers(p.base()) })
	asked := time.Now()
	p.signal(syscall.SIGTERM)
	p.ended()
	if took := time.Since(asked); took > grace/2 {
		t.Errorf("it took %s, nearly the grace of one signal", took)
	}
	wantsStanding(t, p, map[string]int{"pending, 1 attempts, Interrupted": hang, "pending, 0 attempts, ": rest})
	h.letGo()
	p.start()
	until(t, "everything is sent", func() bool { return h.count() == 2*hang+rest })
	p.end(os.Interrupt)
	wantsStanding(t, p, map[string]int{"delivered, 2 attempts, 200": hang, "delivered, 1 attempts, 200": rest})
}
