package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/webtest"
)

// fieldsOf is what a browser sends of the form that a page shows in its panel.
func fieldsOf(page *webtest.Page) url.Values { return page.Form("dialog form") }

func TestSavingAnUntouchedFormChangesNothing(t *testing.T) {
	s := newSite(t)
	before := s.hook("deployprod")
	at := hooksAt + "/deployprod"
	page := s.get(at+"/edit").Status(200).Says("h1", "deployprod").Says("#panel-title", "Configure webhook").Says("footer", "SaveCancel")
	if page.Value("#w-uri") != "https://******@hooks.example.com/acr" || page.Value("#w-headers") != "Authorization: ******" {
		t.Errorf("secrets are shown as %q and %q", page.Value("#w-uri"), page.Value("#w-headers"))
	}
	s.post(at, fieldsOf(page)).Leads(at)
	after := s.stored("deployprod")
	after.Version, after.Updated, after.UpdatedByKind = before.Version, before.Updated, before.UpdatedByKind
	if got, want := fmt.Sprintf("%+v", after), fmt.Sprintf("%+v", before); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	s.get(at).Status(200).Says(".toast", "deployprod saved")
}

func TestConfigure(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	at := hooksAt + "/deployprod"
	form := fieldsOf(s.htmx(http.MethodGet, at+"/edit", nil, at).Status(200).Lacks("main"))
	form = with(with(form, "scope", "team/api:*"), "actions", "delete", "quarantine")
	form.Del("signed")
	s.htmx(http.MethodPost, at, with(form, "customHeaders", "Authorization: ******\nX-New: 1"), at).Leads(at)
	w := s.stored("deployprod")
	if auth, _ := w.Headers.Get("authorization"); auth != "Bearer "+canary || len(w.Headers) != 2 || len(w.SigningSecrets) != 0 || len(w.Actions) != 2 || w.Scope.String() != "team/api:*" {
		t.Errorf("stored: %+v", w)
	}
	fresh := fieldsOf(s.get(at + "/edit"))
	for name, wrong := range map[string][2]string{
		"serviceUri": {"gopher://x", "#w-uri-said"}, "customHeaders": {"no colon", "#w-headers-said"}, "scope": {"a b", "#w-scope-said"},
		"timeout": {"0", "#w-timeout-said"}, "retry": {"sometimes", "#w-waits-said"}, "actions": {"ping", "#w-actions-said"}, "location": {"westus", "#w-location-said"},
	} {
		sent := url.Values{}
		for k, v := range fresh {
			sent[k] = v
		}
		refused := s.post(at, with(sent, name, wrong[0])).Status(422).Says("#err-sum", "1 field needs attention").Says("h1", "deployprod")
		if refused.Find(wrong[1]).Length() != 1 {
			t.Errorf("%s: no message at %s", name, wrong[1])
		}
	}
	s.post(at, with(fresh, "version", "x")).Status(422)
	if got := s.stored("deployprod").Version; got != w.Version {
		t.Error("a refused form changed the webhook")
	}
}

func TestTwoBrowsersEditOneWebhook(t *testing.T) {
	for _, htmx := range []bool{false, true} {
		s := newSite(t)
		s.hook("deployprod")
		at := hooksAt + "/deployprod"
		save := func(form url.Values) *webtest.Page {
			if htmx {
				return s.htmx(http.MethodPost, at, form, at+"/edit")
			}
			return s.post(at, form)
		}
		mine, theirs := fieldsOf(s.get(at+"/edit")), fieldsOf(s.get(at+"/edit"))
		s.name = "ann"
		save(with(theirs, "scope", "team/web")).Leads(at)
		s.name = "mei"
		stale := save(with(with(mine, "scope", "team/api"), "timeout", "7")).Status(409)
		stale.Says("#err-sum", "deployprod was changed by ann").Says("#err-sum li", "Scope: team/web")
		if stale.Value("#w-scope") != "team/api" || stale.Value("#w-timeout") != "7" {
			t.Error("what was typed is gone")
		}
		if w := s.stored("deployprod"); w.Scope.String() != "team/web" || w.Version != 2 {
			t.Errorf("ann's change was overwritten unseen: %+v", w)
		}
		save(fieldsOf(stale)).Leads(at) // knowing what the other stored
		w := s.stored("deployprod")
		if auth, _ := w.Headers.Get("authorization"); w.Scope.String() != "team/api" || w.UpdatedBy != "mei" || auth != "Bearer "+canary {
			t.Errorf("saved again: %+v", w)
		}
	}
}

func TestConfigureFromTheListLeadsBackToIt(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	form := fieldsOf(s.get(hooksAt+"/-/edit?name=deployprod").Status(200).Says("h1", "Webhooks"))
	s.post(hooksAt+"/deployprod", with(form, "scope", "A")).Status(422).Says("h1", "Webhooks")
	s.post(hooksAt+"/deployprod", with(form, "scope", "a")).Leads(hooksAt + "?new=deployprod")
}

func TestLiveNameCheck(t *testing.T) {
	s := newSite(t)
	s.hook("taken1")
	for name, want := range map[string]string{
		"free1": "free1 is available", "TAKEN1": "exists already", "a-b-c": "remove “-”", "abc": "at least 5", "": "",
		`<b>bold</b>`: "remove “<”",
	} {
		got := s.htmx(http.MethodGet, hooksAt+"/check-name?name="+url.QueryEscape(name), nil, hooksAt+"/new").Status(200).Lacks("b").Text("body")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestScopePreview(t *testing.T) {
	s := newSite(t)
	for i := range 6 {
		s.mem.repositories = append(s.mem.repositories, fmt.Sprintf("team/app%d", i))
	}
	s.mem.repositories = append(s.mem.repositories, "base/go")
	push := func(repository, tag string) event.Event {
		return event.Event{Action: event.Push, Location: "eastus", Target: event.Target{Repository: repository, Tag: tag}}
	}
	s.mem.events = []event.Event{push("team/app0", "v1"), push("team/app0", "latest"), push("base/go", "1.26"), {Action: event.Ping, Location: "eastus"}}
	for query, want := range map[string][]string{
		"scope=&actions=push":                          {"7 repositories; 3 of the last 3 events", "team/app3", "+ 3 more"},
		"scope=team/app0&actions=push":                 {"1 repository; 1 of the last 3 events", "It is read as team/app0:latest"},
		"scope=team/*:*,!team/app0&actions=push":       {"6 repositories; 1 of the last 3 events", "not team/app0:latest", "+ 2 more"},
		"scope=team/*:*&actions=delete":                {"6 repositories; 0 of the last 3 events"},
		"scope=nothing:*&actions=push":                 {"no repository yet; 0 of the last 3 events", "No repository of this registry lies in this scope yet"},
		"scope=reg.example.com/team/app0&actions=push": {"no repository yet", "looks like a host name"},
		"scope=A&actions=push":                         {"is not a repository name"},
	} {
		got := s.htmx(http.MethodGet, hooksAt+"/scope-preview?location=eastus&"+strings.ReplaceAll(query, "*", "%2A"), nil, hooksAt+"/new").Status(200)
		for _, text := range want {
			if !strings.Contains(got.Text("body"), text) {
				t.Errorf("%s: %q, want %q", query, got.Text("body"), text)
			}
		}
	}
	s.htmx(http.MethodGet, hooksAt+"/scope-preview?location=westus&actions=push", nil, hooksAt).Says(".match", "0 of the last 3 events")
	for i := range 1200 {
		s.mem.repositories = append(s.mem.repositories, fmt.Sprintf("z/%d", i))
		s.mem.events = append(s.mem.events, push("z", "latest"))
	}
	s.htmx(http.MethodGet, hooksAt+"/scope-preview?location=eastus&actions=push", nil, hooksAt).Says(".match", "at least 1,000 repositories; 99 of the last 99 events")
	s.mem.reg.Kind = registry.External
	s.htmx(http.MethodGet, hooksAt+"/scope-preview?location=eastus&actions=push", nil, hooksAt).Says(".match .sub", "99 of the last 99 events").Lacks("ul")
}

func TestInboxForAFirstWebhook(t *testing.T) {
	s := newSite(t)
	typed := with(with(draft(), "serviceUri", ""), "scope", "team/api")
	plain := s.post(hooksAt, with(typed, "use", "inbox")).Status(200).Says("h1", "Webhooks").Says("#w-uri-said", "An inbox was made").Lacks("#err-sum")
	part := s.htmx(http.MethodPost, hooksAt, typed, hooksAt+"/new").Status(200).Lacks("dialog")
	for i, a := range []*webtest.Page{plain, part} {
		if want := "http://127.0.0.1:8080/inbox/" + s.mem.boxes[i].Token; a.Value("#w-uri") != want || len(s.mem.boxes[i].Token) != 43 {
			t.Errorf("the service URI is %q, want %q", a.Value("#w-uri"), want)
		}
	}
	if s.mem.boxes[0].Token == s.mem.boxes[1].Token || s.mem.boxes[0].Registry != "mycontainerregistry" {
		t.Errorf("inboxes: %+v", s.mem.boxes)
	}
	form := fieldsOf(plain)
	if form.Get("scope") != "team/api" || form.Get("name") != "deployprod" {
		t.Error("what was typed is gone")
	}
	s.post(hooksAt, form).Leads(hooksAt + "?new=deployprod")
	at := hooksAt + "/deployprod"
	s.post(at, with(fieldsOf(s.get(at+"/edit")), "use", "inbox")).Status(200).Says("h1", "deployprod").Says("#w-uri-said", "An inbox was made")
	s.mem.boxes = make([]delivery.Inbox, delivery.InboxesEach)
	full := s.post(hooksAt, with(typed, "use", "inbox")).Status(422).Says("#w-uri-said", "20 inboxes already")
	if full.Value("#w-scope") != "team/api" || len(s.mem.boxes) != delivery.InboxesEach {
		t.Error("what was typed is gone, or there are more inboxes than may be")
	}
	if w := s.stored("deployprod"); w.Status != webhook.Enabled || w.Version != 1 {
		t.Errorf("an inbox alone changed the webhook: %+v", w)
	}
}
