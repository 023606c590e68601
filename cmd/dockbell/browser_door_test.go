package main

import (
	"net/url"
	"strings"
	"testing"
)

// testDoor is the way in: the one-time link, the owner, the first registry, signing in and out, and what a stranger sees.
func testDoor(t *testing.T, b *chromium) {
	everyLook(t, func(t *testing.T, l look) {
		h := startHouse(t, "--owner=")
		v := b.tab(t, h.url, l)
		setUp(v, h)
		signOutAndIn(v)
	})
}

func setUp(v *tab, h *runningHouse) {
	v.t.Helper()
	v.open("/")
	v.at("/setup")
	v.reads("h1", "Enter the setup code")
	v.sound()
	v.picture("01 setup code " + v.look.name)
	v.allow(422)
	v.fill("Setup code", "not-the-code")
	v.press("Continue")
	v.complains("Setup code", "code")
	v.holds("Setup code", "not-the-code")
	v.sound()

	v.open(h.setUp)
	v.reads("h1", "Create the owner account")
	v.sound()
	v.fill("User name", houseOwner)
	v.fill("Password", "short")
	v.fill("Repeat password", "other")
	v.press("Continue")
	v.complains("Password", "12")
	v.holds("User name", houseOwner)
	v.sound()
	v.picture("01 setup owner refused " + v.look.name)
	v.fill("Password", housePassword)
	v.fill("Repeat password", housePassword)
	v.press("Continue")

	v.reads("h1", "Your first registry is ready")
	v.sound()
	v.fill("Allowed networks", "10.0.0.0/8\nnot a network")
	v.press("Finish")
	v.complains("Allowed networks", "not a network")
	v.holds("Allowed networks", "10.0.0.0/8\nnot a network")
	v.sound()
	v.picture("01 setup registry " + v.look.name)
	v.fill("Allowed networks", "10.0.0.0/8")
	v.press("Finish")
	v.until("having left the set-up", "!location.pathname.startsWith('/setup')")
	v.reads("#main", houseRegistry)
	v.sound()

	// The link works once.
	link, err := url.Parse(h.setUp)
	if err != nil {
		v.t.Fatal(err)
	}
	v.allow(404, 409, 410)
	v.open(link.RequestURI())
	v.reads("h1", "Set-up is done")
	v.sound()
	v.allow()
}

func signOutAndIn(v *tab) {
	v.t.Helper()
	v.open("/")
	v.find("Account: "+houseOwner, "button").click()
	v.press("Sign out")
	v.at("/sign-in")
	v.sound()
	v.picture("01 sign-in " + v.look.name)

	// A stranger sees nothing else, and comes back to where he wanted to go.
	for _, path := range []string{"/registries/" + houseRegistry + "/webhooks", "/settings/users", "/no/such/page", "/registries/nosuchregistry"} {
		v.open(path)
		v.at("/sign-in?next=" + url.QueryEscape(path))
		if seen := v.text("body"); strings.Contains(seen, houseRegistry) {
			v.t.Errorf("%s tells a stranger %q", path, seen)
		}
	}
	v.open("/registries/" + houseRegistry + "/webhooks")
	v.allow(401, 422)
	v.fill("User name", houseOwner)
	v.fill("Password", "a wrong password")
	v.press("Sign in")
	v.reads("[role=alert]", "password")
	v.holds("User name", houseOwner)
	v.holds("Password", "")
	v.sound()
	v.picture("01 sign-in refused " + v.look.name)
	v.allow()
	v.fill("Password", housePassword)
	v.press("Sign in")
	v.at("/registries/" + houseRegistry + "/webhooks")
	v.reads("h1", "Webhooks")
}
