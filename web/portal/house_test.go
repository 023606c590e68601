package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/cleanup"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/portal"
	"dockbell/web/webtest"
)

// house is the portal alone on a real database and a real listener, with a clock that a test moves.
type house struct {
	t      *testing.T
	portal *portal.Portal
	db     *store.DB
	url    string
	wake   func() // tells the dispatcher, once a test has started it

	mu  sync.Mutex
	now time.Time
}

const (
	owner    = "mei.lin"
	password = "four words of a quay"
)

// newHouse opens one without anybody in it, with the registry of the first start.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: time.Now()}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h.db = storetest.OpenWith(t, store.Options{DSN: storetest.File(t), Now: h.Now})
	resolve := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("93.184.215.14")}, nil
	}
	nets := webhook.NewAllowList([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, h.db, resolve, h.Now)
	accounts := &account.Service{Users: h.db, Tokens: h.db, Settings: h.db, Hasher: account.NewHasher(), Now: h.Now, NewID: uuid.NewString}
	feed := &delivery.Feed{}
	outbox := &delivery.Outbox{
		Store: h.db, Now: h.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(h.Now).Next,
		Feed: feed, Wake: h.ring,
	}
	h.portal = &portal.Portal{
		Hooks: portal.Hooks{
			Webhooks: &webhook.Service{Store: h.db, Networks: nets.Networks, Now: h.Now, NewID: uuid.NewString}, Outbox: outbox,
			Controls: &delivery.Controls{Store: h.db, Now: h.Now, Feed: feed, Wake: h.ring},
			Replays:  &delivery.Replays{Store: h.db, Outbox: outbox, NewID: uuid.NewString, Log: log, Kick: make(chan struct{}, 1)},
		},
		Registries: h.db, Figures: h.db, Contents: h.db, History: h.db, Record: h.db, Notices: h.db, Told: &notice.Service{Store: h.db, Formats: payload.Telling()}, Members: h.db, Inboxes: h.db, Arrivals: h.db, Networks: nets, Feed: feed, Keeping: &keeping.Policy{Fixed: keeping.Periods{keeping.Audit: 730}, Settings: h.db},
		Blobs: noBlobs{}, Cleaner: &cleanup.Cleaner{Store: h.db, Recorder: outbox, Now: h.Now, NewID: uuid.NewString, Log: log},
		RegistryService: &registry.Service{Store: h.db, Keys: h.db, Host: "dock.example.com", Now: h.Now, NewID: uuid.NewString, Region: "local"},
		Accounts:        accounts, SignIns: &account.SignIns{Service: accounts, Grants: h.db, Codes: h.db, Key: storetest.Key, Tenant: uuid.NewString()}, Sessions: auth.NewSessions(h.db, h.db, log, h.Now), Limits: &auth.Limits{Now: h.Now},
		Host: "dock.example.com", PublicURL: "https://dock.example.com", DataPlace: "/data", Version: "test", Log: log, Now: h.Now,
	}
	h.portal.Sources = &source.Service{Store: h.db, Registries: h.portal.RegistryService, Public: h.portal.PublicURL, Now: h.Now, NewID: uuid.NewString}
	h.registry("mycontainerregistry")
	srv := httptest.NewServer(web.New(web.Options{Log: log, Ready: h.db.Ping, NewID: uuid.NewString, Now: h.Now}, web.Doors{h.portal}))
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

// noBlobs is a disk without a blob.
type noBlobs struct{}

func (noBlobs) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return nil, fault.New(fault.NotFound, "There is no blob here.")
}
func (noBlobs) Free() int64 { return -1 }

// Now is the test's clock.
func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

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

// person makes a user; they all have the same password.
func (h *house) person(name string, role account.Role) account.User {
	h.t.Helper()
	u, err := h.portal.Accounts.CreateUser(h.t.Context(), account.UserDraft{Name: name, Password: password, Role: string(role)})
	h.must(err)
	return u
}

// registry makes a built-in one.
func (h *house) registry(name registry.Name) {
	h.t.Helper()
	_, err := h.portal.RegistryService.Create(h.t.Context(), registry.Registry{Name: name}, owner)
	h.must(err)
}

// webhook adds one to the first registry.
func (h *house) webhook(name string) webhook.Webhook {
	h.t.Helper()
	w, err := h.portal.Webhooks.Create(h.t.Context(), webhook.Draft{
		Registry: "mycontainerregistry", Name: name, Location: new("local"), ServiceURI: new("http://127.0.0.1:9/hook"), Actions: &[]string{"push"},
	}, owner)
	h.must(err)
	return w
}

// away closes the database under the running portal.
func (h *house) away() {
	h.t.Helper()
	h.must(h.db.Close())
}

func (h *house) browser() *webtest.Browser { return webtest.New(h.t, h.url) }

// browserAt is a browser on another machine: its connections come from this address.
func (h *house) browserAt(from string) *webtest.Browser { return webtest.NewAt(h.t, h.url, from) }

// signedIn is a browser of a new user of that role.
func (h *house) signedIn(name string, role account.Role) *webtest.Browser {
	h.t.Helper()
	h.person(name, role)
	b := h.browser()
	b.SignIn(name, password).Leads("/")
	return b
}
