package portal_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/portal"
	"dockbell/web/webtest"
)

const (
	hooksAt = "/registries/mycontainerregistry/webhooks"
	canary  = "s3cr3t-canary-9f27"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// site is the portal over a memory, as a browser of somebody with a role sees it.
type site struct {
	t       *testing.T
	mem     *memory
	role    account.Role
	name    string
	browser *webtest.Browser
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
	s.browser = webtest.New(t, server.URL)
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
			Replays:  &delivery.Replays{Store: noReplays{}},
			Patience: 50 * time.Millisecond,
		},
		Registries: mem, Contents: mem, History: mem, Inboxes: mem, Notices: noNotices{}, Feed: feed,
		Sessions: auth.NewSessions(mem, mem, log, time.Now), PublicURL: "http://127.0.0.1:8080", Log: log, Now: now,
	}
}

// noReplays is a memory of none.
type noReplays struct{ delivery.ReplayStore }

func (noReplays) LastReplay(context.Context, string) (r delivery.Replay, ok bool, err error) {
	return r, false, nil
}

// noNotices is a memory of none.
type noNotices struct{ otherNotices }

type otherNotices = portal.Notices

func (noNotices) Unseen(context.Context, string, registry.Name) (int, error) { return 0, nil }

func counted(word string) func() string {
	var n atomic.Int64
	return func() string { return word + "-" + strconv.FormatInt(n.Add(1), 10) }
}

func (s *site) get(path string) *webtest.Page {
	s.t.Helper()
	return s.browser.Get(path)
}

func (s *site) post(path string, fields url.Values) *webtest.Page {
	s.t.Helper()
	return s.browser.Send(path, fields)
}

// htmx asks as htmx does from the page at.
func (s *site) htmx(method, path string, fields url.Values, at string) *webtest.Page {
	s.t.Helper()
	return s.browser.HTMX(at).Do(method, path, fields)
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
