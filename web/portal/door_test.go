package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
	"dockbell/web/webtest"
)

func TestSetUp(t *testing.T) {
	h := newHouse(t)
	code, err := h.portal.Accounts.NewSetupCode(t.Context())
	h.must(err)
	b := h.browser()
	b.Get("/").Leads("/setup")
	b.Get("/sign-in").Leads("/setup")
	b.Get("/no/such/page").Leads("/setup")
	b.Get("/setup").Status(http.StatusOK).Says("h1", "Enter the setup code")

	b.Get("/setup?code=wrong").Status(http.StatusUnprocessableEntity).Says("#code-said", "not the set-up code")
	b.Post("/setup", "code", "").Status(http.StatusUnprocessableEntity).Says("#code-said", "not the set-up code")
	b.Post("/setup", "code", " "+code+" ").Leads("/setup?code=" + code)
	b.Get("/setup?code="+code).Status(http.StatusOK).Says("h1", "Create the owner account").Says(".stages [aria-current=step]", "Owner account")

	create := func(name, one, two string) *webtest.Page {
		return b.Post("/setup/owner", "code", code, "name", name, "password", one, "password2", two)
	}
	a := create("mei.lin", password, password+"x").Status(http.StatusUnprocessableEntity).Says("#p2-said", "The two passwords differ.")
	if got := a.Find("#u").AttrOr("value", ""); got != "mei.lin" {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	if strings.Contains(a.Body, password) {
		t.Error("the page gives the password back")
	}
	create("mei lin!", password, password).Status(http.StatusUnprocessableEntity).Says("#u-said", "A user name starts with")
	create("mei.lin", "short", "short").Status(http.StatusUnprocessableEntity).Says("#p1-said", "7 more")
	b.Post("/setup/owner", "code", "wrong", "name", "x").Status(http.StatusUnprocessableEntity).Says("#code-said", "not the set-up code")

	create("mei.lin", password, password).Leads("/setup/registry")
	b.Get("/setup/registry").Status(http.StatusOK).Says("h1", "Your first registry is ready").Says("main", "mycontainerregistry").Says("main", "127.0.0.0/8")
	b.Post("/setup/registry", "networks", "10.0.0.0/33").Status(http.StatusUnprocessableEntity).Says("#nets-said", "is not a network").Says("#nets", "10.0.0.0/33")
	b.Post("/setup/registry", "networks", "10.0.0.0/8\n192.168.7.9").Leads("/registries/mycontainerregistry")
	b.Get("/registries/mycontainerregistry").Says("#toasts", "Set-up is done")
	b.Get("/registries/mycontainerregistry").Status(http.StatusOK)
	b.Get("/settings/networks").Says("#rows", "192.168.7.9/32")

	other := h.browser()
	other.Get("/setup?code="+code).Status(http.StatusGone).Says("h1", "Set-up is done")
	other.Get("/setup").Status(http.StatusGone)
	other.Post("/setup", "code", code).Status(http.StatusGone)
	other.Post("/setup/owner", "code", code, "name", "eve", "password", password, "password2", password).Status(http.StatusGone)
	if n, err := h.db.CountUsers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

func TestSignInLeadsToWhereOneWanted(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	b := h.browser()
	a := b.Get("/registries/mycontainerregistry?q=1").Status(http.StatusSeeOther)
	page := b.Get(a.Header.Get("Location")).Status(http.StatusOK)
	next := page.Find("input[name=next]").AttrOr("value", "")
	wrong := b.Post("/sign-in", "username", owner, "password", "not it at all", "next", next).Status(http.StatusUnprocessableEntity)
	wrong.Says("[role=alert]", "don’t match")
	if got := wrong.Find("#u").AttrOr("value", ""); got != owner {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	b.Post("/sign-in", "username", strings.ToUpper(owner), "password", password, "next", next).Leads("/registries/mycontainerregistry?q=1")
	b.Get("/sign-in?next=/account").Leads("/account")
	b.Post("/sign-out").Leads("/sign-in")
	b.Get("/account").Leads("/sign-in?next=%2Faccount")
	b.Post("/sign-out").Leads("/sign-in")
}

func TestBadForms(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	b := h.browser()
	b.SignIn("a\x00b", password).Status(http.StatusUnprocessableEntity)
	b.SignIn("\xff", password).Status(http.StatusUnprocessableEntity)
	b.SignIn(owner, strings.Repeat("x", 2<<20)).Status(http.StatusRequestEntityTooLarge)
	b.SignIn(owner, strings.Repeat("x", 100<<10)).Status(http.StatusUnprocessableEntity)
	b.SignIn("", "").Status(http.StatusUnprocessableEntity)
}
