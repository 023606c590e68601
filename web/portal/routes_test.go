package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dockbell/models/account"
	"dockbell/web/auth"
)

// open are the only routes for people who are not signed in.
var open = []string{
	"GET /setup", "POST /setup", "POST /setup/owner", "GET /sign-in", "POST /sign-in", "POST /sign-out",
}

// address fills the names of a route.
func address(r auth.Route) string {
	return strings.NewReplacer(
		":registry", "mycontainerregistry", ":webhook", "deployprod", ":id", "1", ":user", "u", ":token", "t", ":location", "local", ":source", "edge", "*", "web/checkout",
	).Replace(r.Path)
}

func TestEveryRouteNamesItsPermission(t *testing.T) {
	for _, r := range newHouse(t).portal.Routes() {
		name := r.Method + " " + r.Path
		if r.Public != slices.Contains(open, name) {
			t.Errorf("%s: public is %v", name, r.Public)
		}
		if !r.Public && r.Permission == "" {
			t.Errorf("%s names no permission: it is closed to everybody", name)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			t.Errorf("%s: browsers' forms send GET and POST alone", name)
		}
		if strings.HasPrefix(r.Path, "/settings") && r.Permission != account.Admin {
			t.Errorf("%s is for owners", name)
		}
		if strings.ContainsAny(address(r), ":*") {
			t.Errorf("%s: address() does not know all of its names", name)
		}
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Header.Set("Sec-Fetch-Site", "cross-site")
	b.Header.Set("Origin", "https://evil.test")
	tried := 0
	for _, r := range h.portal.Routes() {
		if r.Method == http.MethodGet {
			continue
		}
		tried++
		if got := b.Do(r.Method, address(r), url.Values{}).Code; got != http.StatusForbidden {
			t.Errorf("%s %s answers %d to another site", r.Method, r.Path, got)
		}
	}
	if tried < 10 {
		t.Errorf("only %d routes were tried", tried)
	}
	b.Header = http.Header{}
	b.Get("/account").Status(http.StatusOK) // still signed in
}

func TestNobodySeesMoreThanSignIn(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	b := h.browser()
	asked := []string{"/no/such/page", "/registries/nosuchregistry/webhooks/x", "/sign-out"}
	for _, r := range h.portal.Routes() {
		if r.Method == http.MethodGet && !r.Public {
			asked = append(asked, address(r))
		}
	}
	for _, path := range asked {
		a := b.Get(path).Status(http.StatusSeeOther)
		to, err := url.Parse(a.Header.Get("Location"))
		if err != nil || to.Path != "/sign-in" || to.Host != "" {
			t.Errorf("%s leads to %s", path, a.Header.Get("Location"))
		}
		if next := to.Query().Get("next"); next != auth.Next(path) && path != "/" && path != "/sign-out" {
			t.Errorf("%s comes back to %q", path, next)
		}
		if strings.Contains(a.Body, "registry") {
			t.Errorf("%s tells: %s", path, a.Body)
		}
	}
	for _, r := range h.portal.Routes() {
		if r.Method == http.MethodPost && !r.Public {
			b.Post(address(r)).Leads("/sign-in")
		}
	}
	b.Header.Set("HX-Request", "true")
	b.Header.Set("HX-Current-URL", h.url+"/registries/mycontainerregistry")
	a := b.Get("/?live=1").Status(http.StatusUnauthorized)
	if got := a.Header.Get("HX-Redirect"); got != "/sign-in?next=%2Fregistries%2Fmycontainerregistry" {
		t.Errorf("htmx is sent to %q", got)
	}
}

func TestRolesReachWhatTheyMay(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	h.person(owner, account.Owner)
	for _, role := range []account.Role{account.Reader, account.Contributor} {
		b := h.signedIn("a"+string(role), role)
		me := account.Principal{Role: role}
		for _, r := range h.portal.Routes() {
			if r.Public || me.May(r.Permission, "mycontainerregistry") {
				continue
			}
			a := b.Do(r.Method, address(r), url.Values{}).Status(http.StatusForbidden)
			a.Says("h1", "not allowed").Says("main", string(role))
		}
		b.Get("/").Status(http.StatusOK)
		if strings.Contains(b.Get("/").Body, "/settings") {
			t.Errorf("a %s is shown the settings", role)
		}
	}
}
