package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/portal"
)

// house is the portal alone on a real database and a real listener, with a clock that a test moves.
type house struct {
	t      *testing.T
	portal *portal.Portal
	db     *store.DB
	url    string

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
	h.registry("mycontainerregistry")
	h.portal = &portal.Portal{
		Hooks:      portal.Hooks{Webhooks: &webhook.Service{Store: h.db, Networks: nets.Networks, Now: h.Now, NewID: uuid.NewString}},
		Registries: quiet{h.db}, Figures: quiet{h.db}, Contents: quiet{h.db}, History: quiet{h.db}, Inboxes: h.db, Networks: nets, Feed: &delivery.Feed{},
		Accounts: accounts, Sessions: auth.NewSessions(h.db, h.db, log, h.Now), Limits: &auth.Limits{Now: h.Now},
		Host: "dock.example.com", PublicURL: "https://dock.example.com", DataPlace: "/data", Version: "test", Log: log, Now: h.Now,
	}
	srv := httptest.NewServer(web.New(web.Options{Log: log, Ready: h.db.Ping, NewID: uuid.NewString, Now: h.Now}, web.Doors{h.portal}))
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
	regs := &registry.Service{Store: h.db, Host: "dock.example.com", Now: h.Now, NewID: uuid.NewString, Region: "local"}
	_, err := regs.Create(h.t.Context(), registry.Registry{Name: name}, owner)
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

// browser keeps cookies and follows no redirect, so that a test sees each answer.
type browser struct {
	h      *house
	client *http.Client
	head   http.Header // sent with every request
}

func (h *house) browser() *browser { return h.browserAt("") }

// browserAt is a browser on another machine: its connections come from this address.
func (h *house) browserAt(from string) *browser {
	jar, err := cookiejar.New(nil)
	h.must(err)
	dialer := &net.Dialer{}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &browser{h: h, head: http.Header{}, client: &http.Client{
		Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a browser of a new user of that role.
func (h *house) signedIn(name string, role account.Role) *browser {
	h.t.Helper()
	h.person(name, role)
	b := h.browser()
	b.signIn(name, password).leads("/")
	return b
}

func (b *browser) signIn(name, word string) *reply {
	b.h.t.Helper()
	return b.post("/sign-in", "username", name, "password", word)
}

func (b *browser) get(path string) *reply {
	b.h.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form given as names and values in turn.
func (b *browser) post(path string, pairs ...string) *reply {
	b.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) *reply {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, b.h.url+path, strings.NewReader(form.Encode()))
	b.h.must(err)
	for name, values := range b.head {
		req.Header[name] = values
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	b.h.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	b.h.must(err)
	return &reply{t: b.h.t, what: method + " " + path, resp: resp, body: string(body)}
}

// cookie is the value of the session's cookie.
func (b *browser) cookie() string {
	at, err := url.Parse(b.h.url)
	b.h.must(err)
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == "dockbell" {
			return c.Value
		}
	}
	return ""
}

// reply is what came back, with the questions that tests ask of it.
type reply struct {
	t    *testing.T
	what string
	resp *http.Response
	body string
}

func (a *reply) status(want int) *reply {
	a.t.Helper()
	if a.resp.StatusCode != want {
		a.t.Fatalf("%s: %d instead of %d\n%.600s", a.what, a.resp.StatusCode, want, a.body)
	}
	return a
}

// leads wants a redirect after a form or to a door.
func (a *reply) leads(to string) *reply {
	a.t.Helper()
	a.status(http.StatusSeeOther)
	if got := a.resp.Header.Get("Location"); got != to {
		a.t.Fatalf("%s leads to %q instead of %q", a.what, got, to)
	}
	return a
}

func (a *reply) doc() *goquery.Document {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return doc
}

// text is what an element says, blanks put together.
func (a *reply) text(selector string) string {
	a.t.Helper()
	return strings.Join(strings.Fields(a.doc().Find(selector).Text()), " ")
}

// says wants words in an element.
func (a *reply) says(selector, words string) *reply {
	a.t.Helper()
	if got := a.text(selector); !strings.Contains(got, words) {
		a.t.Errorf("%s: %s says %q, not %q", a.what, selector, got, words)
	}
	return a
}
