package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// ledger is what the outside knows: the pushes that were acknowledged and the calls that receivers took. What Dockbell itself
// says of them is never the judge.
type ledger struct {
	mu    sync.Mutex
	acked map[string]string              // repository:tag -> digest, for each manifest answered 201
	calls map[string]map[string][]string // receiver -> event ID -> webhook-id of each copy
	rang  map[string]map[string]string   // receiver -> repository:tag -> digest, of the pushes it was told
}

func newLedger() *ledger {
	return &ledger{acked: map[string]string{}, calls: map[string]map[string][]string{}, rang: map[string]map[string]string{}}
}

func (l *ledger) acknowledge(image, digest string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[image] = digest
}

func (l *ledger) acknowledged() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.acked)
}

// grows waits until so many more pushes were acknowledged.
func (l *ledger) grows(t *testing.T, by int) {
	t.Helper()
	want := len(l.acknowledged()) + by
	until(t, "more pushes are acknowledged", func() bool { return len(l.acknowledged()) >= want })
}

// receiver answers calls after a while and writes them into the ledger before it does.
func (l *ledger) receiver(t *testing.T, name string, takes time.Duration) *httptest.Server {
	l.calls[name], l.rang[name] = map[string][]string{}, map[string]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process was killed while it wrote: nobody was told anything
		}
		var told struct {
			ID     string
			Action string
			Target struct{ Repository, Tag, Digest string }
		}
		if err := json.Unmarshal(body, &told); err != nil {
			t.Errorf("%s was sent %q: %v", name, body, err)
		}
		l.mu.Lock()
		l.calls[name][told.ID] = append(l.calls[name][told.ID], r.Header.Get("webhook-id"))
		if told.Action == "push" {
			l.rang[name][told.Target.Repository+":"+told.Target.Tag] = told.Target.Digest
		}
		l.mu.Unlock()
		time.Sleep(takes)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// silent says which acknowledged pushes each receiver has not been told of yet; wants says of what it is to be told.
func (l *ledger) silent(wants map[string]func(image string) bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []string
	for name, matches := range wants {
		for image, digest := range l.acked {
			if told, ok := l.rang[name][image]; matches(image) && (!ok || told != digest) {
				missing = append(missing, fmt.Sprintf("%s was not told of %s", name, image))
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// copies counts the calls that were repeated, and names each event whose copies differ in their webhook-id.
func (l *ledger) copies() (repeated int, faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, events := range l.calls {
		for id, copies := range events {
			repeated += len(copies) - 1
			if ids := slices.Compact(slices.Sorted(slices.Values(copies))); len(ids) != 1 || ids[0] == "" {
				faults = append(faults, fmt.Sprintf("%s took event %s with the webhook-ids %q", name, id, ids))
			}
		}
	}
	return repeated, faults
}

// unregistered says which acknowledged pushes the registry does not have as they were pushed.
func (l *ledger) unregistered(held func(image string) string) []string {
	var missing []string
	for image, digest := range l.acknowledged() {
		if got := held(image); got != digest {
			missing = append(missing, fmt.Sprintf("%s is %q in the registry, pushed was %q", image, got, digest))
		}
	}
	slices.Sort(missing)
	return missing
}
