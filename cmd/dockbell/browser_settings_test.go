package main

import (
	"net/http"
	"testing"
)

// testSettings makes people, tokens and networks, refuses what is wrong about each at its field, and shows that a reader is offered less.
func testSettings(t *testing.T, b *chromium) {
	everyLook(t, func(t *testing.T, l look) {
		h := startHouse(t)
		v := b.tab(t, h.url, l)
		v.signIn("/settings/users")
		people(v)
		tokens(v)
		networks(v)
		reader(b.tab(t, h.url, l))
	})
}

func people(v *tab) {
	v.t.Helper()
	v.press("Add")
	v.reads("dialog h2", "Add user")
	v.allow(http.StatusUnprocessableEntity, http.StatusConflict)
	v.press("Create")
	v.complains("User name", " ")
	v.complains("Password", "12")
	v.sound()
	v.fill("User name", houseOwner)
	v.choose("Role", "Reader")
	v.fill("Password", housePassword)
	v.press("Create")
	v.complains("User name", "already")
	v.holds("User name", houseOwner)
	v.holds("Role", "reader")
	v.allow()
	v.fill("User name", "rita")
	v.fill("Password", housePassword)
	v.press("Create")
	v.reads("#toasts", "rita may sign in now")
	v.row("rita", "Role", "Reader")
	v.sound()
	v.picture("10 users " + v.look.name)

	// The last owner stays.
	v.tick("Select "+houseOwner, true)
	v.press("Delete")
	v.press("Delete user")
	v.reads("#toasts", houseOwner+" was not deleted")
}

func tokens(v *tab) {
	v.t.Helper()
	v.open("/settings/tokens")
	v.reads("#main", "token")
	v.press("Add")
	v.allow(http.StatusUnprocessableEntity)
	v.press("Create")
	v.complains("Name", " ")
	v.allow()
	v.fill("Name", "ci deploy")
	v.choose("Role", "Contributor")
	v.press("Create")
	v.reads("#main", "Token “ci deploy” is ready")
	v.reads("#main", "dkb_")
	v.sound()
	v.picture("10b token once " + v.look.name)
	v.open("/settings/tokens")
	if shown := v.text("#main"); len(shown) == 0 || containsSecret(shown) {
		v.t.Errorf("the secret is shown again: %s", shown)
	}
	v.tick("Select ci deploy", true)
	v.press("Revoke")
	v.press("Revoke token")
	v.reads("#toasts", "Token ci deploy is revoked")
}

func networks(v *tab) {
	v.t.Helper()
	v.open("/settings/networks")
	v.reads("#rows", "127.0.0.0/8")
	v.press("Add")
	v.allow(http.StatusUnprocessableEntity)
	v.fill("Ranges", "10.0.0.0/8\n10.0.0.0/99")
	v.press("Save")
	v.complains("Ranges", "10.0.0.0/99")
	v.holds("Ranges", "10.0.0.0/8\n10.0.0.0/99")
	v.sound()
	v.allow()
	v.fill("Ranges", "10.0.0.0/8")
	v.press("Save")
	v.reads("#rows", "10.0.0.0/8")
	v.fill("Host or URI", "https://10.0.4.7/hooks/deploy")
	v.press("Test")
	v.complains("Host or URI", "10.0.0.0/8")
	v.tick("Select 10.0.0.0/8", true)
	v.press("Delete")
	v.until("the range being gone", "!document.querySelector('#rows').innerText.includes('10.0.0.0/8')")
}

// reader signs in as somebody who may look and nothing else.
func reader(v *tab) {
	v.t.Helper()
	v.open("/")
	v.fill("User name", "rita")
	v.fill("Password", housePassword)
	v.press("Sign in")
	v.reads("h1", "Registries")
	v.open(hookList)
	for _, command := range []string{"Add", "Add webhook", "Ping", "Delete"} {
		if v.has(command, "button", "link") {
			v.t.Errorf("a reader is offered %s", command)
		}
	}
	v.sound()
	v.allow(http.StatusForbidden)
	v.open("/settings/users")
	v.answered(http.StatusForbidden)
	v.reads("h1", "not allowed")
	v.sound()
	v.picture("403 " + v.look.name)
}

func containsSecret(text string) bool { return secretForms.MatchString(text) }
