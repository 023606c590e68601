package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// receiver is where every POST of this run goes: a plain net/http server that reads the body and answers 200.
// A path of /slow is answered after two seconds.
type receiver struct {
	server *httptest.Server
	posts  atomic.Int64
	conns  atomic.Int64 // opened so far

	mu      sync.Mutex
	sent    map[string]time.Time // by tag: when its push began
	took    []time.Duration      // from there to the arrival of its POST
	waiting bool                 // arrivals are timed
}

func newReceiver() *receiver {
	r := &receiver{sent: map[string]time.Time{}}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			r.conns.Add(1)
		}
	}
	r.server.Start()
	return r
}

func (r *receiver) close() { r.server.Close() }

// ServeHTTP takes one POST.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/slow" {
		_, _ = io.Copy(io.Discard, req.Body)
		time.Sleep(2 * time.Second)
		return
	}
	body, err := io.ReadAll(req.Body)
	at := time.Now()
	if err != nil {
		return
	}
	r.arrived(body, at)
	r.posts.Add(1)
}

// arrived notes how long each push took to get here. A body may tell of several, as Distribution's envelope does.
func (r *receiver) arrived(body []byte, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waiting {
		return
	}
	for {
		_, rest, found := bytes.Cut(body, []byte(`"tag":`))
		if !found {
			return
		}
		tag, rest, _ := bytes.Cut(bytes.TrimLeft(rest, ` "`), []byte(`"`))
		if began, known := r.sent[string(tag)]; known {
			r.took = append(r.took, at.Sub(began))
		}
		body = rest
	}
}

// pushing notes that a push begins.
func (r *receiver) pushing(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting {
		r.sent[tag] = time.Now()
	}
}

// timed times the arrivals while f runs, and gives them sorted.
func (r *receiver) timed(f func() error) ([]time.Duration, error) {
	r.mu.Lock()
	r.waiting, r.took, r.sent = true, nil, map[string]time.Time{}
	r.mu.Unlock()
	err := f()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = false
	return slices.Sorted(slices.Values(r.took)), err
}

// quantile is of sorted figures.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
