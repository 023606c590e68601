package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
)

func TestPagesOfAnEmptyHouse(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	for path, heading := range map[string]string{
		"/": "Registries", "/registries": "All registries", "/registries/mycontainerregistry": "mycontainerregistry",
		"/registries/MyContainerRegistry": "mycontainerregistry", "/registries/mycontainerregistry/repositories": "Repositories",
		"/search": "Search", "/search?q=nothing": "Search", "/help/keys": "Keyboard shortcuts", "/account": "My account",
		"/settings/users": "Users", "/settings/tokens": "API tokens", "/settings/networks": "Allowed networks",
	} {
		a := b.get(path).status(http.StatusOK)
		if got := a.text("h1"); got != heading {
			t.Errorf("%s is headed %q", path, got)
		}
		if !strings.Contains(a.resp.Header.Get("Vary"), "HX-Request") {
			t.Errorf("%s: a cache may mix up page and part", path)
		}
	}
	b.get("/settings").leads("/settings/users")
	b.get("/registries/mycontainerregistry/repositories").says("main", "Nothing has been pushed yet").says("main", "docker push")
}

func TestPartsRenewThemselves(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.head.Set("HX-Request", "true")
	for _, path := range []string{"/?live=1", "/registries/mycontainerregistry?live=1"} {
		a := b.get(path).status(http.StatusOK)
		if strings.Contains(a.body, "<html") || a.doc().Find("[hx-get='"+path+"']").Length() != 1 {
			t.Errorf("%s gives %.200s", path, a.body)
		}
	}
	b.head.Set("HX-History-Restore-Request", "true")
	if a := b.get("/"); !strings.Contains(a.body, "<html") {
		t.Error("going back gives a part of a page")
	}
}

func TestMenuCounts(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	h.webhook("cachepurge")
	b := h.signedIn(owner, account.Owner)
	b.get("/registries/mycontainerregistry").says("#side a[href$='/webhooks'] .n", "2").says("#side [aria-current=page]", "Overview")
	b.get("/registries").says("td[data-l=Webhooks]", "2 / 500").says("td[data-l=State]", "Healthy")
}

func TestMissingPages(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	b := h.signedIn(owner, account.Owner)
	a := b.get("/no/such/page").status(http.StatusNotFound).says("h1", "no such page").says(".code-no", "404")
	if id := a.resp.Header.Get("X-Request-Id"); !strings.Contains(a.text(".code-no"), id) || id == "" {
		t.Error("the page does not name its request")
	}
	if got := a.doc().Find(".oops a.btn").AttrOr("href", ""); got != "/" {
		t.Errorf("the way back leads to %q", got)
	}
	a = b.get("/registries/mycontainerregistri").status(http.StatusNotFound).says("h1", "“mycontainerregistri”")
	if got := a.doc().Find(".oops p a").AttrOr("href", ""); got != "/registries/mycontainerregistry" {
		t.Errorf("the near match leads to %q", got)
	}
	a = b.get("/registries/mycontainerregistry/webhooks/deployprodd").status(http.StatusNotFound)
	a.says("h1", "There’s no webhook called “deployprodd” here").says(".oops", "deployprod")
	if got := a.doc().Find(".oops p a").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks/deployprod" {
		t.Errorf("the near match leads to %q", got)
	}
	if got := a.doc().Find(".oops .btn").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks" {
		t.Errorf("the way back leads to %q", got)
	}
	b.get("/registries/mycontainerregistry/webhooks/entirelyelse").status(http.StatusNotFound).says(".oops", "renamed or deleted")
	b.get("/registries/x").status(http.StatusNotFound).says("h1", "“x”")
	b.get("/registries/mycontainerregistry/repositories/no/such").status(http.StatusNotFound).says("h1", "no such repository")
	b.get("/settings/users/nobody").status(http.StatusNotFound).says("h1", "no such user")
	b.get("/%00").status(http.StatusNotFound)
	b.get("/%3Cscript%3E").status(http.StatusNotFound)
	b.head.Set("HX-Request", "true")
	a = b.get("/no/such/page").status(http.StatusNotFound)
	if a.resp.Header.Get("HX-Reswap") != "none" || a.doc().Find("#toasts[hx-swap-oob] .toast.bad").Length() != 1 || a.doc().Find("h1").Length() != 0 {
		t.Errorf("htmx is given %.300s", a.body)
	}
	if quiet := b.get("/no/such/page?live=1").status(http.StatusNotFound); quiet.body != "" {
		t.Errorf("what a page asks by itself is answered with %q", quiet.body)
	}
}

func TestDatabaseAway(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	h.away()
	a := b.get("/").status(http.StatusServiceUnavailable)
	if strings.Contains(a.body, "sql") || a.doc().Find("header.top").Length() != 0 {
		t.Errorf("it tells too much: %.400s", a.body)
	}
	a.says("h1", "Not available right now").says(".code-no", a.resp.Header.Get("X-Request-Id"))
}

func TestPreferences(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	theme := func() string { return b.get("/account").doc().Find("html").AttrOr("data-theme", "") }
	b.post("/preferences/theme", "theme", "dark", "next", "/account").leads("/account")
	if theme() != "dark" {
		t.Errorf("the theme is %q", theme())
	}
	if got := b.get("/account").doc().Find("#menu-theme [aria-pressed=true]").AttrOr("value", ""); got != "dark" {
		t.Errorf("the menu says %q", got)
	}
	b.post("/preferences/theme", "theme", `"><script>`).leads("/")
	if theme() != "" {
		t.Errorf("the theme is %q", theme())
	}
	b.post("/preferences/keys", "keys", "off", "next", "/help/keys").leads("/help/keys")
	b.get("/help/keys").says("main", "Single keys are off")
	if got := b.get("/").doc().Find("html").AttrOr("data-keys", ""); got != "off" {
		t.Errorf("keys are %q", got)
	}
	b.post("/preferences/keys", "keys", "on").leads("/")
	b.get("/help/keys").says("main", "Turn shortcuts off")
}

func TestOwnPassword(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn("ben", account.Reader)
	const other = "five quite other words here"
	change := func(current, one, two string) *reply {
		return b.post("/account/password", "current", current, "password", one, "password2", two)
	}
	change("wrong", other, other).status(http.StatusUnprocessableEntity).says("#cur-said", "not your current password")
	change(password, "short", "short").status(http.StatusUnprocessableEntity).says("#new-said", "7 more")
	change(password, other, "else").status(http.StatusUnprocessableEntity).says("#new2-said", "differ")
	change("", "", "").status(http.StatusUnprocessableEntity)
	for range 4 {
		change("wrong", other, other)
	}
	change(password, other, other).status(http.StatusTooManyRequests).says("#cur-said", "Too many wrong tries")
	h.browser().signIn("ben", password).status(http.StatusTooManyRequests) // the same guesses count at the door
}

func TestSearch(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	b := h.signedIn(owner, account.Owner)
	a := b.get("/search?q=DEPLOY").status(http.StatusOK).says("main .todo", "deployprod")
	if got := a.doc().Find(".todo a").AttrOr("href", ""); got != "/registries/mycontainerregistry/webhooks/deployprod" {
		t.Errorf("it leads to %q", got)
	}
	b.get("/search?q=containerreg").says("main .todo", "Registry · Premium")
	b.get("/search?q=99999999").says("main", "Nothing found")
	b.get("/search?q=%00%ff").status(http.StatusOK)
	b.get("/search?q="+strings.Repeat("x", 10_000)).status(http.StatusOK).says("main", "Nothing found")
}
