package webhook

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// shelf is a Store in memory.
type shelf struct {
	reg   registry.Registry
	hooks map[string]Webhook
}

func (s *shelf) Registry(_ context.Context, n registry.Name) (registry.Registry, error) {
	if !n.Is(s.reg.Name) {
		return registry.Registry{}, fault.New(fault.NotFound, "No registry %s.", n)
	}
	return s.reg, nil
}

func (s *shelf) Webhook(_ context.Context, _ registry.Name, n Name) (Webhook, error) {
	if w, ok := s.hooks[n.Key()]; ok {
		return w, nil
	}
	return Webhook{}, fault.New(fault.NotFound, "No webhook %s.", n)
}

func (s *shelf) AddWebhook(_ context.Context, w Webhook, quota int) error {
	if len(s.hooks) >= quota {
		return fault.New(fault.LimitReached, "full")
	}
	s.hooks[w.Key()] = w
	return nil
}

func (s *shelf) UpdateWebhook(_ context.Context, w Webhook, _ int64) error {
	w.Version++
	s.hooks[w.Key()] = w
	return nil
}

func (s *shelf) DeleteWebhook(_ context.Context, _ registry.Name, n Name, _ int64) error {
	delete(s.hooks, n.Key())
	return nil
}

func (s *shelf) AddAudit(context.Context) error { return nil }

func newService() (*Service, *shelf) {
	s := &shelf{
		reg:   registry.Registry{Name: "acmereg", Home: "eastus", Replicas: []registry.Replica{{Location: "westus"}}, Tier: registry.Basic},
		hooks: map[string]Webhook{},
	}
	return &Service{
		Store: s, Networks: func() Networks { return Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}} },
		Formats: []string{"azure"}, Now: func() time.Time { return time.Unix(1700000000, 0) }, NewID: func() string { return "id" },
	}, s
}

func draft(name, uri string, actions ...string) Draft {
	return Draft{Registry: "acmereg", Name: name, ServiceURI: &uri, Actions: &actions}
}

func faultsAt(err error) []string {
	var fields []string
	for _, f := range fault.All(err) {
		fields = append(fields, f.Field)
	}
	return fields
}

func TestCreateReportsEveryWrongField(t *testing.T) {
	s, _ := newService()
	d := draft("a-b", "ftp://x")
	location, headers, status, scope, retry, timeout, format := "mars", "Host: x", "on", "Foo", "1ms", 61, "xml"
	d.Location, d.HeaderText, d.Status, d.Scope, d.Retry, d.TimeoutSeconds, d.Format = &location, &headers, &status, &scope, &retry, &timeout, &format
	d.Tags = &map[string]string{"": "x"}
	_, err := s.Create(t.Context(), d, "mei")
	want := []string{"name", "location", "serviceUri", "customHeaders", "actions", "status", "scope", "tags", "format", "retry", "timeout"}
	if got := faultsAt(err); !slices.Equal(got, want) {
		t.Errorf("faults at %v, want %v", got, want)
	}
}

func TestCreateKeepsTheRegistrysRules(t *testing.T) {
	s, shelf := newService()
	if _, err := s.Create(t.Context(), draft("myhook1", "http://127.0.0.1:9/x", "PUSH", "delete", "push"), "mei"); err != nil {
		t.Fatal(err)
	}
	w := shelf.hooks["myhook1"]
	if !slices.Equal(w.Actions, []event.Action{event.Push, event.Delete}) || w.Location != "eastus" || w.Status != Enabled || w.CreatedBy != "mei" {
		t.Errorf("stored %+v", w)
	}
	if _, err := s.Create(t.Context(), draft("MyHook1", "http://127.0.0.1:9/x", "push"), "mei"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a name that differs in case alone: %v, want a conflict", err)
	}
	_, _ = s.Create(t.Context(), draft("myhook2", "http://127.0.0.1:9/x", "push"), "mei")
	if _, err := s.Create(t.Context(), draft("myhook3", "http://127.0.0.1:9/x", "push"), "mei"); !fault.Is(err, fault.LimitReached) {
		t.Errorf("a third webhook on Basic: %v, want the quota", err)
	}
}

func TestUpdateKeepsSecretsAndNoticesTheOther(t *testing.T) {
	s, shelf := newService()
	d := draft("myhook1", "http://u:p@127.0.0.1:9/x", "push")
	headers, signed := "Authorization: Bearer a\nX-B: b", true
	d.HeaderText, d.Signed = &headers, &signed
	if _, err := s.Create(t.Context(), d, "mei"); err != nil {
		t.Fatal(err)
	}
	before := shelf.hooks["myhook1"]
	masked, uri := "Authorization: ******\nX-B: c", "http://******@127.0.0.1:9/y"
	change := Draft{Registry: "acmereg", Name: "MYHOOK1", HeaderText: &masked, ServiceURI: &uri}
	w, err := s.Update(t.Context(), change, before.Version, "ann")
	if err != nil {
		t.Fatal(err)
	}
	auth, _ := w.Headers.Get("authorization")
	b, _ := w.Headers.Get("x-b")
	if auth != "Bearer a" || b != "c" || w.ServiceURI.String() != "http://u:p@127.0.0.1:9/y" || len(w.SigningSecrets) != 1 {
		t.Errorf("after the update: %q %q %q", auth, b, w.ServiceURI)
	}
	if _, err := s.Update(t.Context(), change, before.Version, "bob"); !fault.Is(err, fault.Conflict) {
		t.Errorf("an update made from an old version: %v, want a conflict", err)
	}
	moved := "westus"
	if _, err := s.Update(t.Context(), Draft{Registry: "acmereg", Name: "myhook1", Location: &moved}, 0, "bob"); !slices.Equal(faultsAt(err), []string{"location"}) {
		t.Errorf("a new location: %v, want it refused", err)
	}
}

func TestUserinfoIsNotKeptForAnotherHost(t *testing.T) {
	stored := StoredURI("https://u:p@good.example/x")
	evil, _ := ParseURI("https://******@evil.example/x")
	if got := evil.Keep(stored).String(); got != "https://******@evil.example/x" {
		t.Errorf("the secret moved to another host: %s", got)
	}
}

func TestMatches(t *testing.T) {
	push := event.Event{Action: event.Push, Location: "eastus", Target: event.Target{Repository: "team/api", Tag: "v1"}}
	chart := event.Event{Action: event.ChartPush, Location: "eastus", Target: event.Target{Repository: "charts/web", Tag: "1.0.0"}}
	ping := event.Event{Action: event.Ping}
	hook := func(scope string, status Status, actions ...event.Action) Webhook {
		return Webhook{Name: "myhook1", Location: "eastus", Status: status, Scope: StoredScope(scope), Actions: actions}
	}
	tests := map[string]struct {
		hook Webhook
		ev   event.Event
		as   event.Action
	}{
		"push":                               {hook("", Enabled, event.Push), push, event.Push},
		"other action":                       {hook("", Enabled, event.Delete), push, ""},
		"disabled":                           {hook("", Disabled, event.Push), push, ""},
		"outside the scope":                  {hook("team/web", Enabled, event.Push), push, ""},
		"inside the scope":                   {hook("team/*:v*", Enabled, event.Push), push, event.Push},
		"chart as chart":                     {hook("", Enabled, event.Push, event.ChartPush), chart, event.ChartPush},
		"chart as push":                      {hook("", Enabled, event.Push), chart, event.Push},
		"chart for nobody":                   {hook("", Enabled, event.Delete, event.ChartDelete), chart, ""},
		"push is no chart":                   {hook("", Enabled, event.ChartPush), push, ""},
		"ping of a disabled, scoped webhook": {hook("none", Disabled), ping, event.Ping},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := tt.hook.Matches(tt.ev)
			if v.Fires != (tt.as != "") || v.As != tt.as || v.Reason == "" {
				t.Errorf("%+v, want as %q", v, tt.as)
			}
		})
	}
	elsewhere := hook("", Enabled, event.Push)
	elsewhere.Location = "westus"
	if elsewhere.Matches(push).Fires {
		t.Error("a webhook of another location fired")
	}
}

func TestScopeReachesRepositories(t *testing.T) {
	tests := map[string]map[string]bool{
		"":                    {"team/api": true},
		"team/api":            {"team/api": true, "team/web": false},
		"team/*:v*":           {"team/api": true, "base/go": false},
		"!team/api:*":         {"team/api": false, "base/go": true},
		"team/*:*,!team/api":  {"team/api": true, "team/web": true},
		"team/*,!team/a?i:*":  {"team/api": false, "team/web": true},
		"team/api:v1,base/go": {"team/api": true, "base/go": true, "base/rust": false},
	}
	for text, repositories := range tests {
		s, err := ParseScope(text)
		if err != nil {
			t.Fatal(err)
		}
		for repository, want := range repositories {
			if got := s.Reaches(repository); got != want {
				t.Errorf("%q reaches %s: %v, want %v", text, repository, got, want)
			}
		}
	}
}

func TestRetryPolicyReadsWhatItWrites(t *testing.T) {
	for _, text := range []string{"default", "none", "5s", "5s, 5m, 1h", "1m30s, 24h"} {
		p, err := ParseRetry(text)
		if err != nil || p.String() != text {
			t.Errorf("%q is written as %q (%v)", text, p, err)
		}
	}
	for _, text := range []string{"0s", "169h", "soon", ","} {
		if _, err := ParseRetry(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
