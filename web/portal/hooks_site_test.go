package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/portal"
)

const (
	hooksAt = "/registries/mycontainerregistry/webhooks"
	canary  = "s3cr3t-canary-9f27"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// site is the portal over a memory, as a browser of somebody with a role sees it.
type site struct {
	t    *testing.T
	mem  *memory
	role account.Role
	name string
	url  string
	http *http.Client
}

// door is the portal with somebody signed in, whoever that is at the moment.
type door struct {
	*portal.Portal
	site *site
}

func (d door) Before() []echo.MiddlewareFunc {
	return append(d.Portal.Before(), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			somebody := account.Principal{Kind: account.KindUser, ID: "1", Name: d.site.name, Role: d.site.role}
			c.SetRequest(c.Request().WithContext(auth.WithPrincipal(c.Request().Context(), somebody)))
			return next(c)
		}
	})
}

func newSite(t *testing.T) *site {
	t.Helper()
	mem := &memory{sessions: map[string][]byte{}, reg: registry.Registry{
		Name: "mycontainerregistry", Home: "eastus", Replicas: []registry.Replica{{Location: "westus"}}, Tier: registry.Premium, Kind: registry.BuiltIn,
	}}
	mem.answer = delivery.Attempt{Started: noon, Status: 200, Duration: 66 * time.Millisecond, ResponseBody: []byte("ok")}
	s := &site{t: t, mem: mem, role: account.Owner, name: "mei"}
	server := httptest.NewServer(web.New(web.Options{
		Log: slog.New(slog.DiscardHandler), NewID: counted("request"), Now: time.Now, Ready: func(context.Context) error { return nil },
	}, web.Doors{door{newPortal(mem), s}}))
	t.Cleanup(server.Close)
	jar, _ := cookiejar.New(nil) // never fails
	s.url, s.http = server.URL, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

func newPortal(mem *memory) *portal.Portal {
	feed := &delivery.Feed{}
	now := func() time.Time { return noon }
	log := slog.New(slog.DiscardHandler)
	deliveryIDs := delivery.NewIDs(time.Now)
	eventID := counted("event")
	return &portal.Portal{
		Hooks: portal.Hooks{
			Webhooks: &webhook.Service{
				Store: mem, Now: now, NewID: counted("hook"), Formats: []string{"azure"},
				Networks: func() webhook.Networks { return webhook.Networks{Allowed: mem.allowed} },
				OwnInbox: func(u webhook.URI) bool { return strings.HasPrefix(u.String(), "http://127.0.0.1:8080/inbox/") },
			},
			Outbox: &delivery.Outbox{
				Store: mem, Now: now, NewID: func() event.ID { return event.ID(eventID()) }, NewDeliveryID: deliveryIDs.Next, Feed: feed,
				Wake: func() { go mem.send(feed) },
			},
			Patience: 50 * time.Millisecond,
		},
		Registries: mem, Contents: mem, History: mem, Inboxes: mem, Feed: feed,
		Sessions: auth.NewSessions(mem, mem, log, time.Now), PublicURL: "http://127.0.0.1:8080", Log: log, Now: now,
	}
}

func counted(word string) func() string {
	var n atomic.Int64
	return func() string { return word + "-" + strconv.FormatInt(n.Add(1), 10) }
}

// answer is what came back, parsed.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	*goquery.Document
}

func (s *site) get(path string) answer { return s.do(http.MethodGet, path, nil, nil) }

func (s *site) post(path string, fields url.Values) answer {
	return s.do(http.MethodPost, path, fields, nil)
}

// htmx asks as htmx does from the page at.
func (s *site) htmx(method, path string, fields url.Values, at string) answer {
	return s.do(method, path, fields, map[string]string{"HX-Request": "true", "HX-Current-URL": s.url + at})
}

func (s *site) do(method, path string, fields url.Values, header map[string]string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(fields.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.url)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{s.t, res.StatusCode, res.Header, string(body), doc}
}

// is wants a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d:\n%s", a.status, status, a.plain())
	}
	return a
}

// leads wants a redirect: 303 of a form, HX-Redirect of htmx.
func (a answer) leads(path string) answer {
	a.t.Helper()
	got := a.header.Get("Location") + a.header.Get("HX-Redirect")
	if a.status != http.StatusSeeOther && a.status != http.StatusNoContent || !strings.HasPrefix(got, path) {
		a.t.Fatalf("status %d to %q, want it to lead to %s:\n%s", a.status, got, path, a.plain())
	}
	return a
}

// says wants a text somewhere in what selector finds.
func (a answer) says(selector, text string) answer {
	a.t.Helper()
	if got := squeezed(a.Find(selector).Text()); !strings.Contains(got, text) {
		a.t.Errorf("%s says %q, want %q", selector, got, text)
	}
	return a
}

// lacks wants nothing that selector finds.
func (a answer) lacks(selector string) answer {
	a.t.Helper()
	if n := a.Find(selector).Length(); n > 0 {
		a.t.Errorf("%d of %s", n, selector)
	}
	return a
}

func (a answer) plain() string { return squeezed(a.Find("body").Text()) }

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// valueOf is what a control holds.
func (a answer) valueOf(id string) string {
	s := a.Find("#" + id)
	if s.Is("textarea") {
		return s.Text()
	}
	if s.Is("select") {
		return s.Find("option[selected]").AttrOr("value", "")
	}
	return s.AttrOr("value", "")
}

// draft is a form that is accepted.
func draft() url.Values {
	return url.Values{
		"name": {"deployprod"}, "location": {"eastus"}, "serviceUri": {"https://hooks.example.com/acr"}, "customHeaders": {""},
		"actions": {"push"}, "scope": {""}, "status": {"enabled"}, "format": {"azure"}, "retry": {"default"}, "timeout": {"10"}, "signed": {"on"}, "then": {"show"},
	}
}

func with(fields url.Values, name string, values ...string) url.Values {
	fields[name] = values
	return fields
}

// hook puts a webhook with secrets everywhere into the memory.
func (s *site) hook(name string) webhook.Webhook {
	s.t.Helper()
	w := webhook.Webhook{
		ID: "id-" + name, Registry: s.mem.reg.Name, Name: webhook.Name(name), Location: "eastus", Status: webhook.Enabled, Format: "azure",
		ServiceURI: webhook.StoredURI("https://user:" + canary + "@hooks.example.com/acr"), Actions: []event.Action{event.Push}, Timeout: webhook.DefaultTimeout,
		Headers: webhook.Headers{{Name: "Authorization", Value: "Bearer " + canary}}, SigningSecrets: []webhook.Secret{{Value: "whsec_" + canary}},
		Retry: webhook.RetryPolicy{Kind: webhook.RetryDefault}, Version: 1, CreatedBy: "mei", Created: noon, UpdatedBy: "mei", Updated: noon,
	}
	if err := s.mem.AddWebhook(s.t.Context(), w, 500); err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (s *site) stored(name string) webhook.Webhook {
	s.t.Helper()
	w, err := s.mem.Webhook(s.t.Context(), s.mem.reg.Name, webhook.Name(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}
