package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
)

func TestUsers(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.get("/settings/users/new").status(http.StatusOK).says("dialog h2", "Add user").says("h1", "Users")
	add := func(name, role, word string) *reply {
		return b.post("/settings/users", "name", name, "role", role, "password", word)
	}
	a := add("b n", "king", "short").status(http.StatusUnprocessableEntity)
	a.says("#user-name-said", "A user name").says("#user-role-said", "Choose a role").says("#user-pw-said", "7 more").says("#err-sum", "The user was not added.")
	if got := a.doc().Find("#user-name").AttrOr("value", ""); got != "b n" {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	add("Mei.Lin", "reader", password).status(http.StatusUnprocessableEntity).says("#user-name-said", "already")
	add("ben", "reader", password).leads("/settings/users")
	b.get("/settings/users").says("#toasts", "ben may sign in now").says("#rows", "ben").says("#rows", "Reader")
	if again := b.get("/settings/users"); again.doc().Find(".toast").Length() != 0 {
		t.Error("the message comes twice")
	}

	ben, err := h.db.UserByName(t.Context(), "ben")
	h.must(err)
	b.get("/settings/users/-/edit?id=" + ben.ID).leads("/settings/users/" + ben.ID)
	b.get("/settings/users/-/edit").leads("/settings/users")
	b.get("/settings/users/"+ben.ID).status(http.StatusOK).says("dialog h2", "Change ben")
	bens := h.browser()
	bens.signIn("ben", password)
	bens.get("/settings/users").status(http.StatusForbidden)
	b.post("/settings/users/"+ben.ID, "role", "contributor", "password", "short").status(http.StatusUnprocessableEntity).says("#user-pw-said", "7 more")
	bens.get("/registries/mycontainerregistry/webhooks/new").status(http.StatusForbidden) // nothing of a refused form is kept
	b.post("/settings/users/"+ben.ID, "role", "contributor", "password", "").leads("/settings/users")
	bens.get("/registries/mycontainerregistry/webhooks/new").status(http.StatusOK)
	b.post("/settings/users/"+ben.ID, "role", "contributor", "password", "five quite other words").leads("/settings/users")
	bens.get("/account").leads("/sign-in?next=%2Faccount")

	b.get("/settings/users/-/delete?id=" + ben.ID).leads("/settings/users/" + ben.ID + "/delete")
	b.get("/settings/users/"+ben.ID+"/delete").status(http.StatusOK).says("dialog", "Delete user ben?")
	b.post("/settings/users/" + ben.ID + "/delete").leads("/settings/users")
	b.get("/settings/users").says("#toasts", "ben is deleted")
	b.post("/settings/users/" + ben.ID + "/delete").status(http.StatusNotFound)
}

func TestTheLastOwnerStays(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	me, err := h.db.UserByName(t.Context(), owner)
	h.must(err)
	b.post("/settings/users/"+me.ID, "role", "reader", "password", "").status(http.StatusUnprocessableEntity).says("#user-role-said", "the only owner")
	b.post("/settings/users/" + me.ID + "/delete").leads("/settings/users")
	b.get("/settings/users").says("#toasts", "was not deleted").says("#toasts", "only owner")
	b.post("/settings/users/"+me.ID, "role", "owner", "password", "five quite other words").leads("/settings/users")
	b.get("/settings/users").status(http.StatusOK) // one's own session goes on with the new password
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.get("/settings/tokens").says("main", "No token yet")
	b.get("/settings/tokens/new").status(http.StatusOK).says("#token-registry", "mycontainerregistry")
	a := b.post("/settings/tokens", "name", "", "role", "king", "registry", "").status(http.StatusUnprocessableEntity)
	a.says("#token-name-said", "Give the token a name").says("#token-role-said", "Choose a role")
	b.post("/settings/tokens", "name", "ci", "role", "reader", "registry", "nosuchregistry").status(http.StatusUnprocessableEntity).says("#token-registry-said", "no registry")

	a = b.post("/settings/tokens", "name", "ci deploy", "role", "reader", "registry", "mycontainerregistry").status(http.StatusCreated)
	a.says(".callout.ok", "Token “ci deploy” is ready.").says(".callout.ok", "docker login")
	bearer := a.text(".callout.ok dl > div:last-child code")
	p, err := h.portal.Accounts.Bearer(t.Context(), bearer)
	h.must(err)
	if p.Role != account.Reader || p.Registry != "mycontainerregistry" {
		t.Errorf("the token is %+v", p)
	}
	if again := b.get("/settings/tokens"); strings.Contains(again.body, bearer) || !strings.Contains(again.body, p.ID) {
		t.Error("the list shows the secret again, or not the token")
	}

	b.get("/settings/tokens/-/revoke?id=" + p.ID).leads("/settings/tokens/" + p.ID + "/revoke")
	b.get("/settings/tokens/"+p.ID+"/revoke").status(http.StatusOK).says("dialog", "Revoke token ci deploy?")
	b.post("/settings/tokens/" + p.ID + "/revoke").leads("/settings/tokens")
	if _, err := h.portal.Accounts.Bearer(t.Context(), bearer); err == nil {
		t.Error("the token still works")
	}
	b.get("/settings/tokens/" + p.ID + "/revoke").status(http.StatusNotFound)
}

func TestNetworks(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.get("/settings/networks").status(http.StatusOK).says("#rows", "127.0.0.0/8").says("#rows", "Configuration")
	b.get("/settings/networks/new").says("dialog h2", "Add allowed networks")
	add := func(text string) *reply { return b.post("/settings/networks", "networks", text) }
	add("10.0.0.0/8 nonsense").status(http.StatusUnprocessableEntity).says("#nets-said", "nonsense").says("#nets", "10.0.0.0/8 nonsense")
	add(" \n").status(http.StatusUnprocessableEntity).says("#nets-said", "at least one range")
	test := func(host string) *reply { return b.get("/settings/networks?host=" + host) }
	test("https://10.0.4.7/x").says("#h-said", "Refused: 10.0.4.7 is a private address")
	add("10.0.0.0/8\n10.0.0.0/8, fd12:3456::/48").leads("/settings/networks")
	add("10.0.0.0/8").leads("/settings/networks")
	if got := strings.Count(b.get("/settings/networks").text("#rows"), "10.0.0.0/8"); got != 1 {
		t.Errorf("10.0.0.0/8 stands there %d times", got)
	}
	test("https://user:pw@10.0.4.7:8443/x").says("#h-said", "Allowed: ")
	test("10.0.4.7:80").says("#h-said", "Allowed: ")
	test("[fd12:3456::1]:80").says("#h-said", "Allowed: ")
	test("fd12:3456::1").says("#h-said", "Allowed: ")
	test("hooks.example.com").says("#h-said", "Allowed: ")
	test("169.254.169.254").says("#h-said", "Refused: ")
	test("%00").status(http.StatusOK)
	test("http://").status(http.StatusOK).says("#h-said", "Refused: ")

	b.post("/settings/networks/remove").leads("/settings/networks")
	b.get("/settings/networks").says("#toasts", "Nothing was selected")
	b.post("/settings/networks/remove", "range", "10.0.0.0/8", "range", "127.0.0.0/8").leads("/settings/networks")
	b.get("/settings/networks").says("#toasts", "1 range is no longer allowed").says("#rows", "127.0.0.0/8")
	test("10.0.4.7").says("#h-said", "Refused: ")
}

func TestPanelsOpenInPlace(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.head.Set("HX-Request", "true")
	for _, path := range []string{"/settings/users/new", "/settings/tokens/new", "/settings/networks/new"} {
		a := b.get(path).status(http.StatusOK)
		if a.doc().Find("dialog").Length() != 1 || strings.Contains(a.body, "<html") {
			t.Errorf("%s gives %.200s", path, a.body)
		}
	}
}
