package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// receiver is where the webhooks call, and the ledger.
type receiver struct {
	server *httptest.Server
	how    atomic.Value // string: what it does with calls

	mu    sync.Mutex
	acked map[string]bool           // tags whose event was acknowledged
	told  map[string]map[string]int // webhook -> tag -> how often it was told with success
	calls map[string]int            // webhook and tag -> every call
}

// hooks are the paths of the webhooks: each is to be told of every event.
var hooks = []string{"/first", "/second"}

func newReceiver() *receiver {
	r := &receiver{acked: map[string]bool{}, told: map[string]map[string]int{}, calls: map[string]int{}}
	for _, h := range hooks {
		r.told[h] = map[string]int{}
	}
	r.how.Store("ok")
	r.server = httptest.NewServer(r)
	return r
}

func (r *receiver) behave(how string) { r.how.Store(how) }

// ServeHTTP takes one call.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller died while it wrote
	}
	var event struct{ Target struct{ Tag string } }
	if err := json.Unmarshal(body, &event); err != nil || event.Target.Tag == "" {
		return // a ping
	}
	how, _ := r.how.Load().(string)
	r.note(req.URL.Path, event.Target.Tag, how == "ok" || how == "slow")
	switch how {
	case "error":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "reset":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			conn.Close()
		}
	case "hang":
		select {
		case <-req.Context().Done():
		case <-time.After(5 * time.Second):
		}
	case "slow":
		time.Sleep(700 * time.Millisecond)
	}
}

func (r *receiver) note(hook, tag string, well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[hook+" "+tag]++
	if r.told[hook] != nil && well {
		r.told[hook][tag]++
	}
}

func (r *receiver) acknowledge(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked[tag] = true
}

func (r *receiver) acknowledged() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.acked)
}

// missing counts the calls that an acknowledged event has not brought yet.
func (r *receiver) missing() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.told {
		for tag := range r.acked {
			if told[tag] == 0 {
				n++
			}
		}
	}
	return n
}

// count sums the ledger up: a duplicate is a call after one that was answered well.
func (r *receiver) count() (acked, duplicates, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.told {
		for _, n := range told {
			duplicates += n - 1
			most = max(most, n)
		}
	}
	return len(r.acked), duplicates, most
}

// snapshot gives the events that are acknowledged by now.
func (r *receiver) snapshot() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for tag := range r.acked {
		all = append(all, tag)
	}
	return all
}

// missingOf counts the calls that these events have not brought yet.
func (r *receiver) missingOf(tags []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.told {
		for _, tag := range tags {
			if told[tag] == 0 {
				n++
			}
		}
	}
	return n
}
