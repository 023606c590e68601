package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/web"
	"dockbell/web/ingest"
)

// house is the mounted door with everything behind it, on one database.
type house struct {
	t       testing.TB
	db      *store.DB
	outbox  *delivery.Outbox
	refuse  atomic.Pointer[error] // what the database says to every arrival; nil: it takes them
	sources *source.Service
	url     string
	log     *lockedBuffer
	read    atomic.Int64 // bytes that the server took from its connections

	mu       sync.Mutex
	clock    time.Time
	refusals map[ingest.Limit]int
}

// morning is when every test begins.
var morning = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

// eachHouse runs a test on every database there is.
func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) { test(t, openHouse(t, dsn)) })
}

func newHouse(t testing.TB) *house { return openHouse(t, storetest.File(t)) }

func openHouse(t testing.TB, dsn string) *house {
	t.Helper()
	h := &house{t: t, log: &lockedBuffer{}, clock: morning, refusals: map[ingest.Limit]int{}}
	h.db = storetest.OpenWith(t, store.Options{DSN: dsn, Now: h.now})
	h.outbox = &delivery.Outbox{
		Store: h.db, Now: h.now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(h.now).Next,
	}
	registries := &registry.Service{Store: h.db, Groups: h.db, Keys: h.db, Host: "dockbell.test", Now: h.now, NewID: uuid.NewString, Region: "local"}
	h.sources = &source.Service{Store: h.db, Registries: registries, Now: h.now, NewID: uuid.NewString}
	h.serve()
	return h
}

// serve begins a life of the server, with nothing remembered of the one before.
func (h *house) serve() {
	log := slog.New(slog.NewTextHandler(h.log, nil))
	door := &ingest.Door{Sources: h.db, Intake: &source.Intake{Outbox: h, Memory: h.db}, Room: h.db, Log: log, Now: h.now, Refused: h.refused}
	server := httptest.NewUnstartedServer(web.New(web.Options{
		Log: log, Ready: func(context.Context) error { return nil }, NewID: uuid.NewString, Now: time.Now,
	}, web.Doors{door}))
	server.Listener = countingListener{server.Listener, &h.read}
	server.Start()
	h.t.Cleanup(server.Close)
	h.url, h.sources.Public = server.URL, server.URL
}

// Take is the outbox's, on a database that may be full.
func (h *house) Take(ctx context.Context, a source.Arrival, events []event.Event) (source.Arrival, error) {
	if refusal := h.refuse.Load(); refusal != nil {
		return a, *refusal
	}
	return h.outbox.Take(ctx, a, events)
}

func (h *house) refused(by ingest.Limit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals[by]++
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

// source makes a source of acmeregistry without a limit unless change says otherwise.
func (h *house) source(name, kind string, change ...func(*source.Draft)) source.Issued {
	h.t.Helper()
	d := source.Draft{Name: name, Kind: kind, Registry: "acmeregistry"}
	for _, c := range change {
		c(&d)
	}
	made, err := h.sources.Create(h.t.Context(), d, "tests")
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

// events are all that are stored, oldest first.
func (h *house) events() []event.Event {
	h.t.Helper()
	page, err := h.db.Events(h.t.Context(), event.Filter{Registry: "acmeregistry", Limit: 5000})
	if err != nil {
		h.t.Fatal(err)
	}
	all := page.Events
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// answer is what a sender hears.
type answer struct {
	Status                                 int `json:"-"`
	Header                                 http.Header
	Accepted, Duplicate, Ignored, Rejected int
	Events                                 []struct{ ID, Verdict, Reason string }
	Error                                  struct{ Code, Message string }
	ValidationResponse                     string
}

// request is a POST to a source with its token.
func (h *house) request(made source.Issued, body string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/ingest/"+string(made.Source.Name), strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+made.Token)
	return r
}

// send sends a body with a source's token.
func (h *house) send(made source.Issued, body string) answer {
	h.t.Helper()
	return h.do(h.request(made, body))
}

func (h *house) do(r *http.Request) answer {
	h.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	checkAnswer(h.t, r, resp, text)
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a); err != nil {
			h.t.Fatalf("the answer %q is no JSON: %v", text, err)
		}
	}
	return a
}

// lockedBuffer is a log that a server writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// countingListener counts the bytes that its connections read.
type countingListener struct {
	net.Listener
	read *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.read}, err
}

type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}
