package azure_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/azure"
)

// house is the management API on a real database and a real listener, with a clock that a test moves.
type house struct {
	t          *testing.T
	db         *store.DB
	door       *azure.Door
	accounts   *account.Service
	registries *registry.Service
	url        string
	log        *logBook
	wake       func() // tells the dispatcher of a test that runs one

	mu       sync.Mutex
	now      time.Time
	networks webhook.Networks
}

// logBook is what the house logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes a line.
func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything so far.
func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// first is the registry that a house begins with: home eastus, a replica in westus.
const first = registry.Name("MyContainerRegistry")

// newHouse opens one with the first registry.
func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, storetest.File(t))
}

// newHouseOn opens one on a database.
func newHouseOn(t *testing.T, dsn string) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), log: &logBook{}}
	h.db = storetest.OpenWith(t, store.Options{DSN: dsn, Now: h.Now})
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.accounts = &account.Service{Users: h.db, Tokens: h.db, Settings: h.db, Admins: h.db, Hasher: account.NewHasher(), Now: h.Now, NewID: uuid.NewString}
	h.networks = webhook.Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	h.registries = &registry.Service{Store: h.db, Groups: h.db, Keys: h.db, Host: "dock.example.com", Now: h.Now, NewID: uuid.NewString, Region: "eastus"}
	_, err := h.registries.Create(t.Context(), registry.Registry{Name: first}, "dockbell")
	h.must(err)
	_, err = h.registries.AddReplica(t.Context(), first, "westus")
	h.must(err)
	tenancy, err := h.accounts.Tenancy(t.Context())
	h.must(err)
	outbox := &delivery.Outbox{
		Store: h.db, Now: h.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(h.Now).Next,
		Wake: func() {
			if h.wake != nil {
				h.wake()
			}
		},
	}
	h.door = &azure.Door{
		Reads: h.db, History: h.db, Figures: h.db, Registries: h.registries, Outbox: outbox, Controls: &delivery.Controls{Store: h.db, Now: outbox.Now},
		Replays:     &delivery.Replays{Store: h.db, Outbox: outbox, NewID: uuid.NewString, Log: log, Kick: make(chan struct{}, 1)},
		Webhooks:    &webhook.Service{Store: h.db, Networks: h.allowed, Formats: payload.Names(), Now: h.Now, NewID: uuid.NewString},
		Credentials: auth.Credentials{Prover: h.accounts, Limits: &auth.Limits{Now: h.Now}},
		Tenancy:     tenancy, Region: "eastus", Now: h.Now,
		Base: func(*http.Request) string { return h.url },
	}
	srv := httptest.NewServer(web.New(web.Options{Log: log, Ready: h.db.Ping, NewID: uuid.NewString, Now: h.Now}, web.Doors{h.door}))
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

// Now is the test's clock.
func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// allowed are the networks that webhooks may be sent to.
func (h *house) allowed() webhook.Networks {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.networks
}

// allow sets them.
func (h *house) allow(networks ...netip.Prefix) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.networks.Allowed = networks
}

// wait moves the clock.
func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// bearer makes a token of that role, for one registry or, with "", for all.
func (h *house) bearer(role account.Role, reg registry.Name) string {
	h.t.Helper()
	made, err := h.accounts.IssueToken(h.t.Context(), account.TokenDraft{Name: "the " + string(role), Role: string(role), Registry: string(reg)}, "test")
	h.must(err)
	return made.Bearer
}

// client sends requests with one Bearer.
type client struct {
	h      *house
	bearer string
	head   http.Header // sent with every request
}

func (h *house) client(role account.Role) *client {
	return &client{h: h, bearer: h.bearer(role, ""), head: http.Header{}}
}

// owner is a client that may do everything.
func (h *house) owner() *client { return h.client(account.Owner) }

// version is the api-version of these tests.
const version = "api-version=2023-07-01"

// subscription is the beginning of most addresses.
func (h *house) subscription() string { return "/subscriptions/" + h.door.Tenancy.Subscription }

// group is the resource group that registries begin in.
func (h *house) group() string { return h.subscription() + "/resourceGroups/dockbell" }

// registryAt is the address of a registry in that group.
func (h *house) registryAt(name string) string {
	return h.group() + "/providers/Microsoft.ContainerRegistry/registries/" + name
}

// hooks is the address of the first registry's webhooks.
func (h *house) hooks() string { return h.registryAt(string(first)) + "/webhooks" }

// do sends a request to a path, to which the api-version is added unless there is a query.
func (c *client) do(method, path, body string) *reply {
	c.h.t.Helper()
	if !strings.Contains(path, "?") {
		path += "?" + version
	}
	if !strings.HasPrefix(path, "http") {
		path = c.h.url + path
	}
	r, err := http.NewRequestWithContext(c.h.t.Context(), method, path, strings.NewReader(body))
	c.h.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for name, values := range c.head {
		r.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	c.h.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	c.h.must(err)
	checkContract(c.h.t, r, resp, string(text))
	return &reply{t: c.h.t, what: method + " " + r.URL.Path, resp: resp, body: string(text)}
}

func (c *client) put(path, body string) *reply {
	c.h.t.Helper()
	return c.do(http.MethodPut, path, body)
}

func (c *client) patch(path, body string) *reply {
	c.h.t.Helper()
	return c.do(http.MethodPatch, path, body)
}

func (c *client) post(path string) *reply {
	c.h.t.Helper()
	return c.do(http.MethodPost, path, "")
}

func (c *client) delete(path string) *reply {
	c.h.t.Helper()
	return c.do(http.MethodDelete, path, "")
}

func (c *client) get(path string) *reply {
	c.h.t.Helper()
	return c.do(http.MethodGet, path, "")
}

// reply is what came back, with the questions that tests ask of it.
type reply struct {
	t    *testing.T
	what string
	resp *http.Response
	body string
}

func (r *reply) status(want int) *reply {
	r.t.Helper()
	if r.resp.StatusCode != want {
		r.t.Fatalf("%s: %d instead of %d\n%.600s", r.what, r.resp.StatusCode, want, r.body)
	}
	return r
}

// fails wants a refusal in Azure's shape with this status, code and target.
func (r *reply) fails(status int, code, target string) *reply {
	r.t.Helper()
	r.status(status)
	var body struct {
		Error struct{ Code, Message, Target string }
	}
	r.into(&body)
	if e := body.Error; e.Code != code || e.Target != target || e.Message == "" {
		r.t.Fatalf("%s: code %q, target %q, message %q; wanted code %q, target %q", r.what, e.Code, e.Target, e.Message, code, target)
	}
	if got := r.resp.Header.Get("x-ms-error-code"); got != code {
		r.t.Errorf("%s: x-ms-error-code is %q", r.what, got)
	}
	return r
}

// into reads the JSON body, which says that it is one.
func (r *reply) into(v any) {
	r.t.Helper()
	if got := r.resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		r.t.Fatalf("%s: Content-Type is %q", r.what, got)
	}
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		r.t.Fatalf("%s: %v in %.600s", r.what, err, r.body)
	}
}

// at gives the value that a path of names and numbers leads to, such as "value.0.name"; "" when there is none.
func (r *reply) at(path string) any {
	r.t.Helper()
	var v any
	r.into(&v)
	return dig(r.t, v, path)
}
