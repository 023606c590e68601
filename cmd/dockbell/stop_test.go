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

// hangingWork starts a program whose only receiver hangs, with more deliveries than are sent to one webhook at once.
func hangingWork(t *testing.T) (*process, *hanging) {
	t.Helper()
	p, h := startProcess(t, filepath.Join(t.TempDir(), "data")), newHanging(t)
	p.browser().Send(hooksPath, hookForm("deployprod", h.url)).LeadsLike(hooksPath)
	for n := range pushes {
		p.push("team/api", fmt.Sprint("v", n), fmt.Sprint("layer", n)).wants(http.StatusCreated)
	}
	until(t, "the first attempts hang", func() bool { return h.count() == inFlight })
	return p, h
}

const (
	pushes   = 8
	inFlight = 4 // to one webhook, at first (PRODUCT.md, decision 19)
)

// standing is what the history says of the deliveries, by state and attempts, and of how the last ones ended.
func standing(t *testing.T, p *process) map[string]int {
	t.Helper()
	page, err := openData(t, p.data).Deliveries(t.Context(), delivery.Filter{Registry: houseRegistry, Limit: 100})
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
	if got := standing(t, p); fmt.Sprint(got) != fmt.Sprint(want) {
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
	if got := h.count(); got != inFlight {
		t.Errorf("%d calls came, want the %d that were under way", got, inFlight)
	}
	wantsStanding(t, p, map[string]int{
		"delivered, 1 attempts, 200": inFlight, "pending, 0 attempts, ": pushes - inFlight,
	})
	p.start()
	until(t, "the rest is sent", func() bool { return h.count() == pushes })
	p.end(os.Interrupt)
	wantsStanding(t, p, map[string]int{"delivered, 1 attempts, 200": pushes})
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
	wantsStanding(t, p, map[string]int{
		"pending, 1 attempts, Interrupted": inFlight, "pending, 0 attempts, ": pushes - inFlight,
	})
	h.letGo()
	p.start()
	until(t, "everything is sent", func() bool { return h.count() == pushes+inFlight })
	p.end(os.Interrupt)
	wantsStanding(t, p, map[string]int{
		"delivered, 2 attempts, 200": inFlight, "delivered, 1 attempts, 200": pushes - inFlight,
	})
}
