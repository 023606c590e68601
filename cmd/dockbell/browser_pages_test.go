package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dockbell/web/portal"
	"dockbell/web/webtest"
)

// furniture is a house in which every page has something to show.
type furniture struct {
	*runningHouse
	inbox string // the page of its inbox
	pages []string
}

// furnish makes webhooks that succeed, fail and are disabled, an inbox, images, a person and a token.
func furnish(t *testing.T) *furniture {
	f := &furniture{runningHouse: startHouse(t, "--listen-tls=127.0.0.1:0")}
	good, bad := startEndpoint(t), startEndpoint(t)
	bad.status.Store(http.StatusServiceUnavailable)
	b := webtest.New(t, f.url)
	b.SignIn(houseOwner, housePassword)
	for _, w := range [][]string{
		{"name", "deployprod", "serviceUri", good.url + "/hooks/deploy?environment=production", "actions", "push", "scope", "team/web:*", "customHeaders", "Authorization: Bearer s3cr3t"},
		{"name", "scanimages", "serviceUri", bad.url + "/v1/intake", "actions", "push", "actions", "delete"},
		{"name", "auditsink", "serviceUri", "https://siem.example.com/in/dockbell", "actions", "push", "actions", "delete", "actions", "quarantine", "actions", "chart_push", "actions", "chart_delete"},
	} {
		if w[1] != "auditsink" {
			w = append(w, "status", "enabled")
		}
		b.Post(hookList, append(w, "signed", "on", "format", "azure", "retry", "default", "timeout", "10")...).Status(http.StatusSeeOther)
	}
	registry := "/registries/" + houseRegistry
	f.inbox = b.Post(registry + "/inbox").Place()
	token := f.inbox[strings.LastIndexByte(f.inbox, '=')+1:]
	b.Post(hookList, "name", "tryitout", "serviceUri", f.url+"/inbox/"+token, "actions", "push", "status", "enabled", "signed", "on", "format", "azure", "retry", "default", "timeout", "10").Status(http.StatusSeeOther)
	b.Post(hookList, "name", "chatops", "serviceUri", bad.url+"/services/T0/B0/x", "actions", "push", "scope", "team/api:nightly", "status", "enabled", "format", "slack", "retry", "none", "timeout", "10").Status(http.StatusSeeOther)
	b.Post(registry+"/notices", "recipients", "ada@example.com", "webhook", "chatops").Status(http.StatusSeeOther)
	for i := range 27 {
		f.push(fmt.Sprintf("team/web:v1.%d.0", i))
	}
	f.push("tools/a-repository-with-quite-a-long-name/and/several/parts:2026-11-25-a-long-tag-too")
	f.push("team/api:nightly")
	b.Post(hookList + "/tryitout/pause").Status(http.StatusSeeOther)
	f.push("team/api:kept")
	b.Post("/settings/users", "name", "mei.lin", "password", "several unusual words", "role", "contributor").Status(http.StatusSeeOther)
	b.Post("/settings/tokens", "name", "ci deploy", "role", "reader", "registry", "").Status(http.StatusCreated)
	b.Post("/settings/networks", "networks", "10.0.0.0/8").Status(http.StatusSeeOther)

	source := b.Post(registry+"/sources", "name", "edge", "kind", "distribution", "rate", "200").Status(http.StatusCreated)
	b.Post("/registries/new/external", "registry", "acmeharbor", "name", "harbor", "kind", "harbor").Status(http.StatusCreated)
	f.sendEvents(source.Find(".callout .props code").Eq(1).Text())

	b.Post("/registries", "name", "secondregistry", "location", "eastus", "sku", "Basic").Status(http.StatusSeeOther)
	b.Post(registry+"/replications", "location", "westeurope").Status(http.StatusSeeOther)

	// Links that hold an ID are taken from the pages.
	link := func(page, selector string) string {
		t.Helper()
		href, there := b.Get(page).Status(http.StatusOK).Find(selector).First().Attr("href")
		if !there {
			t.Fatalf("%s has no %s", page, selector)
		}
		return href
	}
	delivered, event := link(hookList+"/scanimages", "#dl-body a"), link(registry+"/events", "tbody a")
	kept := link(hookList+"/tryitout", "#dl-body a")
	user := "/settings/users/" + b.Get("/settings/users").Find("#rows .pick").First().AttrOr("value", "")
	key := "/settings/tokens/" + b.Get("/settings/tokens").Find("#rows .pick").First().AttrOr("value", "")
	program := b.Get("/adfs/oauth2/authorize?" + url.Values{ // as az asks
		"client_id": {"04b07795-8ddb-461a-bbee-02f9e1bf7b46"}, "response_type": {"code"}, "redirect_uri": {"http://localhost:8400"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()).Place()
	f.pages = []string{
		"/connect", "/device", program, "/settings/sign-ins",
		"/", "/registries", "/registries/new", registry, registry + "/delete",
		registry + "/replications", registry + "/replications/new", registry + "/replications/westeurope/delete", registry + "/repositories", registry + "/repositories/team/web",
		registry + "/repositories/team/web?at=v1.26.0", registry + "/content/delete?repository=team/web", registry + "/content/delete?repository=team/web&tag=v1.26.0",
		"/registries/new/external", registry + "/sources", registry + "/sources/new", registry + "/sources/edge", registry + "/sources/edge?only=rejected", registry + "/sources/edge/edit", registry + "/sources/edge/rotate", registry + "/sources/edge/delete",
		"/registries/acmeharbor", "/registries/acmeharbor/sources/harbor",
		registry + "/access", registry + "/properties", registry + "/retention", registry + "/retention?try=1&keepTags=3",
		hookList, hookList + "/new", hookPage, hookPage + "/edit", hookPage + "/delete", hookPage + "?q=nothing", hookList + "/scanimages/recover", hookList + "/tryitout", hookList + "/tryitout/resume", hookList + "/tryitout/replay", hookList + "/tryitout/drop",
		hookList + "/-/edit?name=deployprod", hookList + "/-/delete?name=deployprod&name=scanimages",
		hookList + "/-/resume?name=tryitout&name=deployprod", hookList + "/-/drop?name=tryitout&name=deployprod",
		registry + "/deliveries", registry + "/deliveries?status=5xx", delivered, delivered + "?view=response", kept,
		registry + "/events", event, f.inbox, "/search?q=team", "/search?q=nothing-like-this", "/help/keys", "/help/api", "/account",
		"/notices", registry + "/notices", "/settings", "/settings/users", "/settings/users/new", user, user + "/delete",
		"/settings/tokens", "/settings/tokens/new", key + "/revoke", "/settings/networks", "/settings/networks/new", "/settings/retention", "/settings/members", "/settings/audit", "/settings/audit?q=nothing-like-this",
		"/settings/networks?host=10.1.2.3", "/settings/networks?host=169.254.169.254",
	}
	f.pages = append(f.pages, f.deviceCode(b))
	return f
}

// sendEvents sends events to a source: one that counts, one of no use, and one that breaks a rule.
func (f *furniture) sendEvents(token string) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.url+"/ingest/edge", strings.NewReader(
		`{"events":[{"id":"0b2c3d4e-1111-4000-8000-000000000001","action":"push","target":{"repository":"edge/app","tag":"v1"}},{"id":"2","action":"pull","target":{}},{"id":"3","action":"push","target":{"repository":"../x","tag":"v1"}}]}`))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		f.t.Fatalf("the events are answered with %s", resp.Status)
	}
}

// deviceCode signs a program in, lets another wait with a code, and gives the page that asks a person about it.
func (f *furniture) deviceCode(b *webtest.Browser) string {
	var code struct {
		User string `json:"user_code"`
	}
	f.tokens(http.DefaultClient, url.Values{"grant_type": {"password"}, "client_id": {"dockbell"}, "username": {houseOwner}, "password": {housePassword}}, &code)
	asked := b.Post("/adfs/oauth2/devicecode", "client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46").Status(http.StatusOK)
	if err := json.Unmarshal([]byte(asked.Body), &code); err != nil {
		f.t.Fatal(err)
	}
	return "/device?code=" + code.User
}

// testPages opens every page there is, furnished and empty, as each look sees it.
func testPages(t *testing.T, b *chromium) {
	f := furnish(t)
	t.Run("all are visited", func(t *testing.T) { visitsAll(t, f.pages) })
	for _, l := range []look{desk, phone} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			v := b.tab(t, f.url, l)
			v.signIn("/")
			for _, page := range f.pages {
				v.open(page)
				v.answered(http.StatusOK)
				v.sound()
				v.picture(pictured(page) + " " + l.name)
			}
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		t.Parallel()
		v := b.tab(t, f.url, deskPlain)
		v.signIn("/")
		for _, page := range f.pages {
			v.open(page)
			v.answered(http.StatusOK)
			v.calm()
		}
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		empty := startHouse(t)
		v := b.tab(t, empty.url, desk)
		v.signIn("/")
		registry := "/registries/" + houseRegistry
		for _, page := range []string{"/", registry, registry + "/repositories", registry + "/deliveries", registry + "/events", registry + "/inbox", "/settings/tokens", "/settings/networks"} {
			v.open(page)
			v.answered(http.StatusOK)
			v.sound()
			v.picture("empty " + pictured(page) + " " + v.look.name)
		}
	})
	t.Run("dark by choice", func(t *testing.T) {
		t.Parallel()
		theme(b.tab(t, f.url, desk))
	})
}

// pictured is an address as a file's name.
func pictured(address string) string {
	return "page" + strings.NewReplacer("/", "_", "?", "_").Replace(strings.Replace(address, houseRegistry, "r", 1))
}

// visitsAll holds the list of pages against the portal's table of contents.
func visitsAll(t *testing.T, pages []string) {
	noPages := []string{ // what is no whole page, leads on at once, or has a story of its own
		"/setup", "/setup/registry", "/sign-in", "/connect/dockbell-cloud.json",
		"/registries/:registry/webhooks/check-name", "/registries/:registry/webhooks/:webhook/replay/progress", "/registries/:registry/webhooks/:webhook/recover/progress", "/registries/:registry/webhooks/scope-preview", "/registries/:registry/stream",
		"/registries/:registry/deliveries/:id/body", "/registries/:registry/deliveries/:id/ping",
		"/registries/:registry/replications/-/delete", "/registries/:registry/sources/-/edit", "/registries/:registry/sources/-/rotate", "/registries/:registry/sources/-/delete", "/settings/users/-/edit", "/settings/users/-/delete", "/settings/tokens/-/revoke",
	}
	for _, r := range (&portal.Portal{}).Routes() {
		if r.Method != http.MethodGet || slices.Contains(noPages, r.Path) {
			continue
		}
		if !slices.ContainsFunc(pages, func(page string) bool { return leadsTo(r.Path, page) }) {
			t.Errorf("no visit to %s", r.Path)
		}
	}
	if leadsTo("/a/:b", "/a") || !leadsTo("/a/:b/*", "/a/x/y/z?q") {
		t.Error("leadsTo matches the wrong addresses")
	}
}

// leadsTo reports whether a route is the one for an address, but for parameters that another route could take.
func leadsTo(route, address string) bool {
	address, _, _ = strings.Cut(address, "?")
	want, have := strings.Split(route, "/"), strings.Split(address, "/")
	for i, part := range want {
		switch {
		case i >= len(have):
			return false
		case part == "*":
			return true
		case !strings.HasPrefix(part, ":") && part != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}

// theme chooses dark in the menu: at once with scripts, and kept by a cookie.
func theme(v *tab) {
	v.t.Helper()
	v.signIn("/")
	ground := "getComputedStyle(document.body).backgroundColor"
	light := eval[string](v, ground)
	v.press("Theme")
	v.press("Dark")
	v.until("a dark page", ground+" !== "+quoted(light))
	dark := eval[string](v, ground)
	v.wait("the cookie", func() bool {
		v.open("/account")
		return eval[string](v, "document.documentElement.dataset.theme || ''") == "dark"
	})
	if got := eval[string](v, ground); got != dark {
		v.t.Errorf("the next page is %s, want %s", got, dark)
	}
	v.sound()
}
