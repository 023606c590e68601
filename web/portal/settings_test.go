package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
	"dockbell/web/webtest"
)

func TestUsers(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Get("/settings/users/new").Status(http.StatusOK).Says("dialog h2", "Add user").Says("h1", "Users")
	add := func(name, role, word string) *webtest.Page {
		return b.Post("/settings/users", "name", name, "role", role, "password", word)
	}
	a := add("b n", "king", "short").Status(http.StatusUnprocessableEntity)
	a.Says("#user-name-said", "A user name").Says("#user-role-said", "Choose a role").Says("#user-pw-said", "7 more").Says("#err-sum", "The user was not added.")
	if got := a.Find("#user-name").AttrOr("value", ""); got != "b n" {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	add("Mei.Lin", "reader", password).Status(http.StatusUnprocessableEntity).Says("#user-name-said", "already")
	add("ben", "reader", password).Leads("/settings/users")
	b.Get("/settings/users").Says("#toasts", "ben may sign in now").Says("#rows", "ben").Says("#rows", "Reader")
	if again := b.Get("/settings/users"); again.Find(".toast").Length() != 0 {
		t.Error("the message comes twice")
	}

	ben, err := h.db.UserByName(t.Context(), "ben")
	h.must(err)
	b.Get("/settings/users/-/edit?id=" + ben.ID).Leads("/settings/users/" + ben.ID)
	b.Get("/settings/users/-/edit").Leads("/settings/users")
	b.Get("/settings/users/"+ben.ID).Status(http.StatusOK).Says("dialog h2", "Change ben")
	bens := h.browser()
	bens.SignIn("ben", password)
	bens.Get("/settings/users").Status(http.StatusForbidden)
	b.Post("/settings/users/"+ben.ID, "role", "contributor", "password", "short").Status(http.StatusUnprocessableEntity).Says("#user-pw-said", "7 more")
	bens.Get("/registries/mycontainerregistry/webhooks/new").Status(http.StatusForbidden) // nothing of a refused form is kept
	b.Post("/settings/users/"+ben.ID, "role", "contributor", "password", "").Leads("/settings/users")
	bens.Get("/registries/mycontainerregistry/webhooks/new").Status(http.StatusOK)
	b.Post("/settings/users/"+ben.ID, "role", "contributor", "password", "five quite other words").Leads("/settings/users")
	bens.Get("/account").Leads("/sign-in?next=%2Faccount")

	b.Get("/settings/users/-/delete?id=" + ben.ID).Leads("/settings/users/" + ben.ID + "/delete")
	b.Get("/settings/users/"+ben.ID+"/delete").Status(http.StatusOK).Says("dialog", "Delete user ben?")
	b.Post("/settings/users/" + ben.ID + "/delete").Leads("/settings/users")
	b.Get("/settings/users").Says("#toasts", "ben is deleted")
	b.Post("/settings/users/" + ben.ID + "/delete").Status(http.StatusNotFound)
}

func TestTheLastOwnerStays(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	me, err := h.db.UserByName(t.Context(), owner)
	h.must(err)
	b.Post("/settings/users/"+me.ID, "role", "reader", "password", "").Status(http.StatusUnprocessableEntity).Says("#user-role-said", "the only owner")
	b.Post("/settings/users/" + me.ID + "/delete").Leads("/settings/users")
	b.Get("/settings/users").Says("#toasts", "was not deleted").Says("#toasts", "only owner")
	b.Post("/settings/users/"+me.ID, "role", "owner", "password", "five quite other words").Leads("/settings/users")
	b.Get("/settings/users").Status(http.StatusOK) // one's own session goes on with the new password
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Get("/settings/tokens").Says("main", "No token yet")
	b.Get("/settings/tokens/new").Status(http.StatusOK).Says("#token-registry", "mycontainerregistry")
	a := b.Post("/settings/tokens", "name", "", "role", "king", "registry", "").Status(http.StatusUnprocessableEntity)
	a.Says("#token-name-said", "Give the token a name").Says("#token-role-said", "Choose a role")
	b.Post("/settings/tokens", "name", "ci", "role", "reader", "registry", "nosuchregistry").Status(http.StatusUnprocessableEntity).Says("#token-registry-said", "no registry")

	a = b.Post("/settings/tokens", "name", "ci deploy", "role", "reader", "registry", "mycontainerregistry").Status(http.StatusCreated)
	a.Says(".callout.ok", "Token “ci deploy” is ready.").Says(".callout.ok", "docker login")
	bearer := a.Text(".callout.ok dl > div:last-child code")
	p, err := h.portal.Accounts.Bearer(t.Context(), bearer)
	h.must(err)
	if p.Role != account.Reader || p.Registry != "mycontainerregistry" {
		t.Errorf("the token is %+v", p)
	}
	if again := b.Get("/settings/tokens"); strings.Contains(again.Body, bearer) || !strings.Contains(again.Body, p.ID) {
		t.Error("the list shows the secret again, or not the token")
	}

	b.Get("/settings/tokens/-/revoke?id=" + p.ID).Leads("/settings/tokens/" + p.ID + "/revoke")
	b.Get("/settings/tokens/"+p.ID+"/revoke").Status(http.StatusOK).Says("dialog", "Revoke token ci deploy?")
	b.Post("/settings/tokens/" + p.ID + "/revoke").Leads("/settings/tokens")
	if _, err := h.portal.Accounts.Bearer(t.Context(), bearer); err == nil {
		t.Error("the token still works")
	}
	b.Get("/settings/tokens/" + p.ID + "/revoke").Status(http.StatusNotFound)
}

func TestNetworks(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Get("/settings/networks").Status(http.StatusOK).Says("#rows", "127.0.0.0/8").Says("#rows", "Configuration")
	b.Get("/settings/networks/new").Says("dialog h2", "Add allowed networks")
	add := func(text string) *webtest.Page { return b.Post("/settings/networks", "networks", text) }
	add("10.0.0.0/8 nonsense").Status(http.StatusUnprocessableEntity).Says("#nets-said", "nonsense").Says("#nets", "10.0.0.0/8 nonsense")
	add(" \n").Status(http.StatusUnprocessableEntity).Says("#nets-said", "at least one range")
	test := func(host string) *webtest.Page { return b.Get("/settings/networks?host=" + host) }
	test("https://10.0.4.7/x").Says("#h-said", "Refused: 10.0.4.7 is a private address")
	add("10.0.0.0/8\n10.0.0.0/8, fd12:3456::/48").Leads("/settings/networks")
	add("10.0.0.0/8").Leads("/settings/networks")
	if got := strings.Count(b.Get("/settings/networks").Text("#rows"), "10.0.0.0/8"); got != 1 {
		t.Errorf("10.0.0.0/8 stands there %d times", got)
	}
	test("https://user:pw@10.0.4.7:8443/x").Says("#h-said", "Allowed: ")
	test("10.0.4.7:80").Says("#h-said", "Allowed: ")
	test("[fd12:3456::1]:80").Says("#h-said", "Allowed: ")
	test("fd12:3456::1").Says("#h-said", "Allowed: ")
	test("hooks.example.com").Says("#h-said", "Allowed: ")
	test("169.254.169.254").Says("#h-said", "Refused: ")
	test("%00").Status(http.StatusOK)
	test("http://").Status(http.StatusOK).Says("#h-said", "Refused: ")

	b.Post("/settings/networks/remove").Leads("/settings/networks")
	b.Get("/settings/networks").Says("#toasts", "Nothing was selected")
	b.Post("/settings/networks/remove", "range", "10.0.0.0/8", "range", "127.0.0.0/8").Leads("/settings/networks")
	b.Get("/settings/networks").Says("#toasts", "1 range is no longer allowed").Says("#rows", "127.0.0.0/8")
	test("10.0.4.7").Says("#h-said", "Refused: ")
}

func TestPanelsOpenInPlace(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Header.Set("HX-Request", "true")
	for _, path := range []string{"/settings/users/new", "/settings/tokens/new", "/settings/networks/new"} {
		a := b.Get(path).Status(http.StatusOK)
		if a.Find("dialog").Length() != 1 || strings.Contains(a.Body, "<html") {
			t.Errorf("%s gives %.200s", path, a.Body)
		}
	}
}
