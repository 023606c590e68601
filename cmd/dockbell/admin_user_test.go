package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestTheAdminUserPushes: what az acr credential show prints signs in to the registry, by Basic and by the token service, until
// the admin user is switched off.
func TestTheAdminUserPushes(t *testing.T) {
	h := startHouse(t)
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(h.command("token", "create", "--name=ops", "--role=owner")), &made); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string, sign func(*http.Request)) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		sign(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	const version = "?api-version=2023-07-01"
	_, subscriptions := ask("GET", "/subscriptions"+version, "", bearer(made.Token))
	var all struct{ Value []struct{ ID string } }
	if err := json.Unmarshal([]byte(subscriptions), &all); err != nil || len(all.Value) != 1 {
		t.Fatalf("%s: %v", subscriptions, err)
	}
	at := all.Value[0].ID + "/resourceGroups/dockbell/providers/Microsoft.ContainerRegistry/registries/" + houseRegistry
	turn := func(on string) {
		t.Helper()
		if status, said := ask("PATCH", at+version, `{"properties":{"adminUserEnabled":`+on+`}}`, bearer(made.Token)); status != 200 {
			t.Fatalf("%d %s", status, said)
		}
	}
	turn("true")
	_, listed := ask("POST", at+"/listCredentials"+version, "", bearer(made.Token))
	var keys struct {
		Username  string
		Passwords []struct{ Value string }
	}
	if err := json.Unmarshal([]byte(listed), &keys); err != nil || len(keys.Passwords) != 2 {
		t.Fatalf("%s: %v", listed, err)
	}
	admin := func(r *http.Request) { r.SetBasicAuth(keys.Username, keys.Passwords[1].Value) }
	if status, said := ask("POST", "/v2/team/web/blobs/uploads/", "", admin); status != http.StatusAccepted {
		t.Errorf("an upload by Basic: %d %s", status, said)
	}
	_, granted := ask("GET", "/oauth2/token?service="+h.host()+"&scope=repository:team/web:pull,push", "", admin)
	var pass struct{ Token string }
	if err := json.Unmarshal([]byte(granted), &pass); err != nil {
		t.Fatalf("%s: %v", granted, err)
	}
	if status, said := ask("POST", "/v2/team/web/blobs/uploads/", "", bearer(pass.Token)); status != http.StatusAccepted {
		t.Errorf("an upload with a token: %d %s", status, said)
	}
	turn("false")
	if status, _ := ask("POST", "/v2/team/web/blobs/uploads/", "", admin); status != http.StatusUnauthorized {
		t.Errorf("the admin user is off and is answered %d", status)
	}
}
