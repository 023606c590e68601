package portal_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/webtest"
)

func TestFormHasEveryFieldOfAzures(t *testing.T) {
	s := newSite(t)
	page := s.get(hooksAt+"/new").Status(200).Says("h1", "Webhooks").Says("#panel-title", "Create webhook").Says("dialog header", "on mycontainerregistry")
	for id, label := range map[string]string{
		"w-name": "Webhook name", "w-location": "Location", "w-uri": "Service URI", "w-headers": "Custom headers", "w-scope": "Scope",
		"w-format": "Payload format", "w-retry": "Retries", "w-timeout": "Timeout in seconds",
	} {
		page.Says("label[for="+id+"]", label)
	}
	for _, action := range event.Subscribable {
		if page.Find("[name=actions][value="+string(action.Action)+"][aria-label='"+action.Title+"']").Length() != 1 {
			t.Errorf("no box for %s", action.Title)
		}
	}
	page.Says("legend", "Trigger actions").Says("#w-status-l", "Status").Says("footer", "CreateCreate and pingCancel")
	if page.Find("#w-signed[checked]").Length() != 1 || page.Find("#w-status[checked]").Length() != 1 {
		t.Error("a new webhook is signed and enabled unless it is chosen otherwise")
	}
	if page.Find(".cols[inert]").Length() != 1 {
		t.Error("the page below the panel can be used")
	}
	part := s.htmx(http.MethodGet, hooksAt+"/new", nil, hooksAt+"?action=push").Status(200).Lacks("main").Says("#panel-title", "Create webhook")
	if part.Find("footer a").AttrOr("href", "") != hooksAt+"?action=push" {
		t.Error("Cancel leads elsewhere than to the list as it was filtered")
	}
}

func TestCreate(t *testing.T) {
	s := newSite(t)
	form := with(with(draft(), "customHeaders", "Authorization: Bearer "+canary+"\r\nX-Env: ci"), "scope", "team/api:v*")
	to := s.post(hooksAt, with(form, "serviceUri", "https://u:"+canary+"@Hooks.Example.com/acr")).Leads(hooksAt + "?new=deployprod").Place()
	list := s.get(to).Status(200).Says(".toast", "deployprod created Enabled, listening to image push in East US.").Says("tr.is-new", "deployprod")
	w := s.stored("deployprod")
	if len(w.SigningSecrets) != 1 || w.CreatedBy != "mei" || w.Status != webhook.Enabled || w.Scope.String() != "team/api:v*" || len(w.Headers) != 2 {
		t.Errorf("stored: %+v", w)
	}
	for _, page := range []*webtest.Page{list, s.get(hooksAt + "/deployprod"), s.get(hooksAt + "/deployprod/edit"), s.get(hooksAt + "/deployprod/delete")} {
		if strings.Contains(page.Body, canary) || strings.Contains(page.Body, w.SigningSecrets[0].Value) {
			t.Error("a secret is on a page")
		}
	}
	off := with(with(draft(), "name", "auditsink"), "actions", "chart_delete", "delete")
	for _, box := range []string{"status", "signed"} {
		off.Del(box)
	}
	s.htmx(http.MethodPost, hooksAt, with(with(with(off, "retry", "own"), "waits", "5s 1m"), "timeout", "3"), hooksAt).Leads(hooksAt + "?new=auditsink")
	w = s.stored("auditsink")
	if w.Status != webhook.Disabled || len(w.SigningSecrets) != 0 || w.Retry.String() != "5s, 1m" || w.Timeout.Seconds() != 3 || len(w.Actions) != 2 {
		t.Errorf("stored: %+v", w)
	}
}

func TestCreateAndPing(t *testing.T) {
	s := newSite(t)
	to := s.post(hooksAt, with(draft(), "then", "ping")).LeadsLike(hooksAt + "?new=deployprod&ping=").Place()
	s.get(to).Status(200).Says("#ping-result .callout.ok", "Ping to deployprod answered 200").Says("#hook-deployprod-http", "200")
	s.mem.answer = delivery.Attempt{} // htmx does not wait here: the list does
	to = s.htmx(http.MethodPost, hooksAt, with(with(draft(), "name", "cachepurge"), "then", "ping"), hooksAt).LeadsLike(hooksAt + "?new=cachepurge&ping=").Place()
	s.get(to).Status(200).Says("#ping-result", "Waiting for hooks.example.com")
}

func TestFormKeepsEverythingAndSaysWhatIsWrongAtEachField(t *testing.T) {
	s := newSite(t)
	s.hook("taken1")
	bad := url.Values{
		"name": {"TAKEN1"}, "location": {"mars"}, "serviceUri": {"ftp://x"}, "customHeaders": {"Host: x"}, "scope": {"Team/API"},
		"format": {"xml"}, "retry": {"own"}, "waits": {"soon"}, "timeout": {"ninety"}, "then": {"show"},
	}
	said := map[string]string{
		"#name-live .say": "exists already", "#w-location-said": "has no location mars", "#w-uri-said": "begins with https://",
		"#w-headers-said": "Host is set by", "#w-actions-said": "Choose at least one action", "#w-scope-said": "is not a repository name",
		"#w-format-said": "is not a payload format", "#w-waits-said": "is not a wait", "#w-timeout-said": "whole number of seconds",
	}
	for _, refused := range []*webtest.Page{s.post(hooksAt, bad).Status(422).Says("h1", "Webhooks"), s.htmx(http.MethodPost, hooksAt, bad, hooksAt).Status(422).Lacks("main")} {
		refused.Says("#err-sum", "9 fields need attention")
		for selector, text := range said {
			refused.Says(selector, text)
		}
		for id, want := range map[string]string{
			"w-name": "TAKEN1", "w-location": "mars", "w-uri": "ftp://x", "w-headers": "Host: x", "w-scope": "Team/API", "w-retry": "own", "w-waits": "soon", "w-timeout": "ninety",
		} {
			if got := refused.Value("#" + id); got != want {
				t.Errorf("%s holds %q, want %q as it was typed", id, got, want)
			}
		}
		if refused.Find("details[open]").Length() != 1 || refused.Find("#w-status[checked], #w-signed[checked]").Length() != 0 {
			t.Error("boxes or the folded part are not as they were sent")
		}
		refused.Find("#err-sum a").Each(func(_ int, link *goquery.Selection) {
			if id := link.AttrOr("href", "#"); refused.Find(id).Length() != 1 {
				t.Errorf("the summary leads to %s, which is not there", id)
			}
		})
	}
	if len(s.mem.hooks) != 1 {
		t.Error("a refused form made a webhook")
	}
}

func TestQuotaIsSaidInTheForm(t *testing.T) {
	s := newSite(t)
	s.mem.reg.Tier = registry.Basic
	s.hook("alpha1")
	s.hook("beta22")
	full := s.post(hooksAt, draft()).Status(422).Says("#err-sum", "has 2 of 2 webhooks")
	if full.Value("#w-name") != "deployprod" {
		t.Error("what was typed is gone")
	}
}

// formCases runs a case file of the field's rules through the form.
func formCases[T any](t *testing.T, file string, run func(t *testing.T, c T)) {
	t.Helper()
	raw, err := os.ReadFile("../../models/webhook/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []json.RawMessage }
	if err := json.Unmarshal(raw, &all); err != nil || len(all.Cases) == 0 {
		t.Fatalf("%s: %d cases, %v", file, len(all.Cases), err)
	}
	for _, one := range all.Cases {
		var c T
		var id struct{ ID string }
		if err := json.Unmarshal(one, &id); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(one, &c); err != nil {
			t.Fatal(err)
		}
		t.Run(id.ID, func(t *testing.T) { run(t, c) })
	}
}

// judge sends a form and wants it accepted, or refused with a message at exactly this place.
func judge(t *testing.T, s *site, fields url.Values, outcome, place string) {
	t.Helper()
	if outcome == "accept" {
		s.post(hooksAt, fields).LeadsLike(hooksAt + "?new=")
		return
	}
	refused := s.post(hooksAt, fields).Status(422).Says("#err-sum", "1 field needs attention")
	if refused.Find(place).Length() == 0 || refused.Find(".say.bad").Length() != 1 {
		t.Errorf("the message is not at %s: %s", place, webtest.Squeeze(refused.Find(".say.bad").Text()))
	}
}

func TestNamesThroughTheForm(t *testing.T) {
	type nameCase struct {
		Input        string
		Precondition struct{ Existing []string }
		Expect       struct{ Outcome string }
	}
	formCases(t, "webhook_names.json", func(t *testing.T, c nameCase) {
		s := newSite(t)
		for _, name := range c.Precondition.Existing {
			s.hook(name)
		}
		judge(t, s, with(draft(), "name", c.Input), c.Expect.Outcome, "#name-live .say.bad")
	})
}

func TestServiceURIsThroughTheForm(t *testing.T) {
	type uriCase struct {
		Input  string
		Policy json.RawMessage
		Expect struct{ Outcome, Shown string }
	}
	formCases(t, "service_uris.json", func(t *testing.T, c uriCase) {
		var policy struct {
			Allow []netip.Prefix `json:"egress_allow"`
		}
		_ = json.Unmarshal(c.Policy, &policy) // "default" is no object: nothing is listed
		s := newSite(t)
		s.mem.allowed = policy.Allow
		judge(t, s, with(draft(), "serviceUri", c.Input), c.Expect.Outcome, "#w-uri-said")
		if c.Expect.Shown != "" {
			s.get(hooksAt+"/deployprod").Status(200).Says(".props code", c.Expect.Shown)
		}
	})
}

func TestCustomHeadersThroughTheForm(t *testing.T) {
	type headerCase struct {
		PortalText *string `json:"portal_text"`
		Expect     struct {
			Outcome string
			Parsed  [][2]string
		}
	}
	formCases(t, "custom_headers.json", func(t *testing.T, c headerCase) {
		if c.PortalText == nil {
			t.Skip("of the management API")
		}
		s := newSite(t)
		judge(t, s, with(draft(), "customHeaders", *c.PortalText), c.Expect.Outcome, "#w-headers-said")
		for i, want := range c.Expect.Parsed {
			if got := s.stored("deployprod").Headers[i]; got.Name != want[0] || got.Value != want[1] {
				t.Errorf("stored %q, want %q", got, want)
			}
		}
	})
}

func TestScopesThroughTheForm(t *testing.T) {
	type scopeCase struct {
		Input  *string
		Expect struct {
			Outcome string
			Warn    bool
		}
	}
	formCases(t, "scopes.json", func(t *testing.T, c scopeCase) {
		if c.Input == nil {
			t.Skip("of the matcher")
		}
		s := newSite(t)
		judge(t, s, with(draft(), "scope", *c.Input), c.Expect.Outcome, "#w-scope-said")
		if c.Expect.Warn {
			s.get(hooksAt+"/scope-preview?scope="+url.QueryEscape(*c.Input)).Status(200).Says(".say.warn", "host name")
		}
	})
}
