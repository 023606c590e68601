package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
	"dockbell/web/webtest"
)

func TestPagesOfAnEmptyHouse(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	for path, heading := range map[string]string{
		"/": "Registries", "/registries": "All registries", "/registries/mycontainerregistry": "mycontainerregistry",
		"/registries/MyContainerRegistry": "mycontainerregistry", "/registries/mycontainerregistry/repositories": "Repositories",
		"/search": "Search", "/search?q=nothing": "Search", "/help/keys": "Keyboard shortcuts", "/account": "My account",
		"/settings/users": "Users", "/settings/tokens": "API tokens", "/settings/networks": "Allowed networks", "/settings/retention": "Data retention", "/settings/members": "Servers",
	} {
		a := b.Get(path).Status(http.StatusOK)
		if got := a.Text("h1"); got != heading {
			t.Errorf("%s is headed %q", path, got)
		}
		if !strings.Contains(a.Header.Get("Vary"), "HX-Request") {
			t.Errorf("%s: a cache may mix up page and part", path)
		}
	}
	b.Get("/settings").Leads("/settings/users")
	b.Get("/registries/mycontainerregistry/repositories").Says("main", "Nothing has been pushed yet").Says("main", "docker push")
}

func TestPartsRenewThemselves(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Header.Set("HX-Request", "true")
	for _, path := range []string{"/?live=1", "/registries/mycontainerregistry?live=1"} {
		a := b.Get(path).Status(http.StatusOK)
		if strings.Contains(a.Body, "<html") || a.Find("[hx-get='"+path+"']").Length() != 1 {
			t.Errorf("%s gives %.200s", path, a.Body)
		}
	}
	b.Header.Set("HX-History-Restore-Request", "true")
	if a := b.Get("/"); !strings.Contains(a.Body, "<html") {
		t.Error("going back gives a part of a page")
	}
}

func TestMenuCounts(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	h.webhook("cachepurge")
	b := h.signedIn(owner, account.Owner)
	b.Get("/registries/mycontainerregistry").Says("#side a[href$='/webhooks'] .n", "2").Says("#side [aria-current=page]", "Overview")
	b.Get("/registries").Says("td[data-l=Webhooks]", "2 / 500").Says("td[data-l=State]", "Healthy")
}

func TestMissingPages(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	b := h.signedIn(owner, account.Owner)
	a := b.Get("/no/such/page").Status(http.StatusNotFound).Says("h1", "no such page").Says(".code-no", "404")
	if id := a.Header.Get("X-Request-Id"); !strings.Contains(a.Text(".code-no"), id) || id == "" {
		t.Error("the page does not name its request")
	}
	if got := a.Find(".oops a.btn").AttrOr("href", ""); got != "/" {
		t.Errorf("the way back leads to %q", got)
	}
	a = b.Get("/registries/mycontainerregistri").Status(http.StatusNotFound).Says("h1", "“mycontainerregistri”")
	if got := a.Find(".oops p a").AttrOr("href", ""); got != "/registries/mycontainerregistry" {
		t.Errorf("the near match leads to %q", got)
	}
	a = b.Get("/registries/mycontainerregistry/webhooks/deployprodd").Status(http.StatusNotFound)
	a.Says("h1", "There’s no webhook called “deployprodd” here").Says(".oops", "deployprod")
	if got := a.Find(".oops p a").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks/deployprod" {
		t.Errorf("the near match leads to %q", got)
	}
	if got := a.Find(".oops .btn").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks" {
		t.Errorf("the way back leads to %q", got)
	}
	b.Get("/registries/mycontainerregistry/webhooks/entirelyelse").Status(http.StatusNotFound).Says(".oops", "renamed or deleted")
	b.Get("/registries/x").Status(http.StatusNotFound).Says("h1", "“x”")
	b.Get("/registries/mycontainerregistry/repositories/no/such").Status(http.StatusNotFound).Says("h1", "no such repository")
	b.Get("/settings/users/nobody").Status(http.StatusNotFound).Says("h1", "no such user")
	b.Get("/%00").Status(http.StatusNotFound)
	b.Get("/%3Cscript%3E").Status(http.StatusNotFound)
	b.Header.Set("HX-Request", "true")
	a = b.Get("/no/such/page").Status(http.StatusNotFound)
	if a.Header.Get("HX-Reswap") != "none" || a.Find("#toasts[hx-swap-oob] .toast.bad").Length() != 1 || a.Find("h1").Length() != 0 {
		t.Errorf("htmx is given %.300s", a.Body)
	}
	if quiet := b.Get("/no/such/page?live=1").Status(http.StatusNotFound); quiet.Body != "" {
		t.Errorf("what a page asks by itself is answered with %q", quiet.Body)
	}
}

func TestDatabaseAway(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	h.away()
	a := b.Get("/").Status(http.StatusServiceUnavailable)
	if strings.Contains(a.Body, "sql") || a.Find("header.top").Length() != 0 {
		t.Errorf("it tells too much: %.400s", a.Body)
	}
	a.Says("h1", "Not available right now").Says(".code-no", a.Header.Get("X-Request-Id"))
}

func TestPreferences(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	theme := func() string { return b.Get("/account").Find("html").AttrOr("data-theme", "") }
	b.Post("/preferences/theme", "theme", "dark", "next", "/account").Leads("/account")
	if theme() != "dark" {
		t.Errorf("the theme is %q", theme())
	}
	if got := b.Get("/account").Find("#menu-theme [aria-pressed=true]").AttrOr("value", ""); got != "dark" {
		t.Errorf("the menu says %q", got)
	}
	b.Post("/preferences/theme", "theme", `"><script>`).Leads("/")
	if theme() != "" {
		t.Errorf("the theme is %q", theme())
	}
	b.Post("/preferences/keys", "keys", "off", "next", "/help/keys").Leads("/help/keys")
	b.Get("/help/keys").Says("main", "Single keys are off")
	if got := b.Get("/").Find("html").AttrOr("data-keys", ""); got != "off" {
		t.Errorf("keys are %q", got)
	}
	b.Post("/preferences/keys", "keys", "on").Leads("/")
	b.Get("/help/keys").Says("main", "Turn shortcuts off")
}

func TestOwnPassword(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn("ben", account.Reader)
	const other = "five quite other words here"
	change := func(current, one, two string) *webtest.Page {
		return b.Post("/account/password", "current", current, "password", one, "password2", two)
	}
	change("wrong", other, other).Status(http.StatusUnprocessableEntity).Says("#cur-said", "not your current password")
	change(password, "short", "short").Status(http.StatusUnprocessableEntity).Says("#new-said", "7 more")
	change(password, other, "else").Status(http.StatusUnprocessableEntity).Says("#new2-said", "differ")
	change("", "", "").Status(http.StatusUnprocessableEntity)
	for range 4 {
		change("wrong", other, other)
	}
	change(password, other, other).Status(http.StatusTooManyRequests).Says("#cur-said", "Too many wrong tries")
	h.browser().SignIn("ben", password).Status(http.StatusTooManyRequests) // the same guesses count at the door
}

func TestSearch(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	b := h.signedIn(owner, account.Owner)
	a := b.Get("/search?q=DEPLOY").Status(http.StatusOK).Says("main .todo", "deployprod")
	if got := a.Find(".todo a").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks/deployprod" {
		t.Errorf("it leads to %q", got)
	}
	b.Get("/search?q=containerreg").Says("main .todo", "Registry · Premium")
	b.Get("/search?q=99999999").Says("main", "Nothing found")
	b.Get("/search?q=%00%ff").Status(http.StatusOK)
	b.Get("/search?q="+strings.Repeat("x", 10_000)).Status(http.StatusOK).Says("main", "Nothing found")
}
