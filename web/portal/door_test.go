package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
)

func TestSetUp(t *testing.T) {
	h := newHouse(t)
	code, err := h.portal.Accounts.NewSetupCode(t.Context())
	h.must(err)
	b := h.browser()
	b.get("/").leads("/setup")
	b.get("/sign-in").leads("/setup")
	b.get("/no/such/page").leads("/setup")
	b.get("/setup").status(http.StatusOK).says("h1", "Enter the setup code")

	b.get("/setup?code=wrong").status(http.StatusUnprocessableEntity).says("#code-said", "not the set-up code")
	b.post("/setup", "code", "").status(http.StatusUnprocessableEntity).says("#code-said", "not the set-up code")
	b.post("/setup", "code", " "+code+" ").leads("/setup?code=" + code)
	b.get("/setup?code="+code).status(http.StatusOK).says("h1", "Create the owner account").says(".stages [aria-current=step]", "Owner account")

	make := func(name, one, two string) *reply {
		return b.post("/setup/owner", "code", code, "name", name, "password", one, "password2", two)
	}
	a := make("mei.lin", password, password+"x").status(http.StatusUnprocessableEntity).says("#p2-said", "The two passwords differ.")
	if got := a.doc().Find("#u").AttrOr("value", ""); got != "mei.lin" {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	if strings.Contains(a.body, password) {
		t.Error("the page gives the password back")
	}
	make("mei lin!", password, password).status(http.StatusUnprocessableEntity).says("#u-said", "A user name starts with")
	make("mei.lin", "short", "short").status(http.StatusUnprocessableEntity).says("#p1-said", "7 more")
	b.post("/setup/owner", "code", "wrong", "name", "x").status(http.StatusUnprocessableEntity).says("#code-said", "not the set-up code")

	make("mei.lin", password, password).leads("/setup/registry")
	b.get("/setup/registry").status(http.StatusOK).says("h1", "Your first registry is ready").says("main", "mycontainerregistry").says("main", "127.0.0.0/8")
	b.post("/setup/registry", "networks", "10.0.0.0/33").status(http.StatusUnprocessableEntity).says("#nets-said", "is not a network").says("#nets", "10.0.0.0/33")
	b.post("/setup/registry", "networks", "10.0.0.0/8\n192.168.7.9").leads("/registries/mycontainerregistry")
	b.get("/registries/mycontainerregistry").says("#toasts", "Set-up is done")
	b.get("/registries/mycontainerregistry").status(http.StatusOK)
	b.get("/settings/networks").says("#rows", "192.168.7.9/32")

	other := h.browser()
	other.get("/setup?code="+code).status(http.StatusGone).says("h1", "Set-up is done")
	other.get("/setup").status(http.StatusGone)
	other.post("/setup", "code", code).status(http.StatusGone)
	other.post("/setup/owner", "code", code, "name", "eve", "password", password, "password2", password).status(http.StatusGone)
	if n, err := h.db.CountUsers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

func TestSignInLeadsToWhereOneWanted(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	b := h.browser()
	a := b.get("/registries/mycontainerregistry?q=1").status(http.StatusSeeOther)
	page := b.get(a.resp.Header.Get("Location")).status(http.StatusOK)
	next := page.doc().Find("input[name=next]").AttrOr("value", "")
	wrong := b.post("/sign-in", "username", owner, "password", "not it at all", "next", next).status(http.StatusUnprocessableEntity)
	wrong.says("[role=alert]", "don’t match")
	if got := wrong.doc().Find("#u").AttrOr("value", ""); got != owner {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	b.post("/sign-in", "username", strings.ToUpper(owner), "password", password, "next", next).leads("/registries/mycontainerregistry?q=1")
	b.get("/sign-in?next=/account").leads("/account")
	b.post("/sign-out").leads("/sign-in")
	b.get("/account").leads("/sign-in?next=%2Faccount")
	b.post("/sign-out").leads("/sign-in")
}

func TestBadForms(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	b := h.browser()
	b.signIn("a\x00b", password).status(http.StatusUnprocessableEntity)
	b.signIn("\xff", password).status(http.StatusUnprocessableEntity)
	b.signIn(owner, strings.Repeat("x", 2<<20)).status(http.StatusRequestEntityTooLarge)
	b.signIn(owner, strings.Repeat("x", 100<<10)).status(http.StatusUnprocessableEntity)
	b.signIn("", "").status(http.StatusUnprocessableEntity)
}
