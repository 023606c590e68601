package oci_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

func basic(name string) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
}

func nobody(*http.Request) {}

func TestWhoMayDoWhat(t *testing.T) {
	h := newHouse(t)
	digest := h.pushImage("team/app", "v1", "layer")
	blob := artifact.DigestOf([]byte("layer"), "")
	second := host("secondregistry.example.com")
	for _, c := range []struct {
		who             string
		option, option2 option
		pull, push      int
	}{
		{"nobody", nobody, nobody, 401, 401},
		{"wrong password", func(r *http.Request) { r.SetBasicAuth("pusher", "wrong") }, nobody, 401, 401},
		{"wrong Bearer", bearer("dkb_wrong"), nobody, 401, 401},
		{"another scheme", header("Authorization", "Digest x"), nobody, 401, 401},
		{"reader", as("puller"), nobody, 200, 403},
		{"contributor", as("pusher"), nobody, 200, 202},
		{"owner", as("owner"), nobody, 200, 202},
		{"Bearer", bearer("dkb_ci"), nobody, 200, 202},
		{"Bearer as a password", func(r *http.Request) { r.SetBasicAuth("00000000-0000-0000-0000-000000000000", "dkb_ci") }, nobody, 200, 202},
		{"Bearer of another registry", bearer("dkb_second"), nobody, 403, 403},
		{"at its own registry", bearer("dkb_second"), second, 404, 202},
	} {
		t.Run(c.who, func(t *testing.T) {
			forget := func(*http.Request) { h.door.Credentials.Limits = &auth.Limits{Now: h.now} } // each try is the first one
			do := func(method, path, body string) answered { return h.do(method, path, body, c.option, c.option2, forget) }
			for _, path := range []string{"manifests/v1", "manifests/" + digest, "blobs/" + blob, "tags/list"} {
				do("GET", "/v2/team/app/"+path, "").wants(t, c.pull, "")
			}
			do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, c.push, "")
			if c.push != 202 {
				do("PUT", "/v2/team/app/manifests/v1", "{").wants(t, c.push, "")
				do("DELETE", "/v2/team/app/manifests/v1", "").wants(t, c.push, "")
				do("DELETE", "/v2/team/app/blobs/"+blob, "").wants(t, c.push, "")
			}
			// Nobody learns what exists: the answer is the same for what does not.
			if c.pull == 401 || c.pull == 403 {
				do("GET", "/v2/team/nowhere/manifests/v1", "").wants(t, c.pull, "")
			}
		})
	}
}

func TestChallenge(t *testing.T) {
	h := newHouse(t)
	for path, want := range map[string]string{
		"/v2/":                       `Bearer realm="http://` + h.host + `/oauth2/token",service="` + h.host + `"`,
		"/v2/team/app/tags/list":     `Bearer realm="http://` + h.host + `/oauth2/token",service="` + h.host + `",scope="repository:team/app:pull"`,
		"/v2/_catalog":               `Bearer realm="http://` + h.host + `/oauth2/token",service="` + h.host + `",scope="registry:catalog:*"`,
		"/v2/team/%2e/manifests/x":   `Bearer realm="http://` + h.host + `/oauth2/token",service="` + h.host + `"`,
		"/oauth2/token?service=x":    `Basic realm="http://` + h.host + `"`,
		"/v2/team/app/manifests/bad": `Bearer realm="http://` + h.host + `/oauth2/token",service="` + h.host + `",scope="repository:team/app:pull"`,
	} {
		got := h.do("GET", path, "", nobody).wants(t, 401, `"code":"UNAUTHORIZED"`)
		if header := got.Header.Get("WWW-Authenticate"); header != want {
			t.Errorf("%s: %s, want %s", path, header, want)
		}
	}
	push := h.do("POST", "/v2/team/app/blobs/uploads/", "", nobody).wants(t, 401, "")
	if !strings.HasSuffix(push.Header.Get("WWW-Authenticate"), `scope="repository:team/app:pull,push"`) {
		t.Errorf("push: %s", push.Header.Get("WWW-Authenticate"))
	}
	strange := h.do("GET", "/v2/", "", nobody, host(`x"y`)).Header.Get("WWW-Authenticate")
	if strings.Contains(strange, `x"y`) {
		t.Errorf("a quote in the Host header gets out: %s", strange)
	}
	h.door.Public = &url.URL{Scheme: "https", Host: "dockbell.example.com"}
	for name, scheme := range map[string]string{"dockbell.example.com": "https", "mycontainerregistry.Dockbell.example.com": "https", "evil.com": "http"} {
		got := h.do("GET", "/v2/", "", nobody, host(name)).Header.Get("WWW-Authenticate")
		if !strings.Contains(got, `realm="`+scheme+"://"+name) {
			t.Errorf("%s: %s, want %s", name, got, scheme)
		}
	}
}

type tokenAnswer struct {
	Token        string
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	IssuedAt     string `json:"issued_at"`
	RefreshToken string `json:"refresh_token"`
}

func tokenOf(t testing.TB, a answered) tokenAnswer {
	t.Helper()
	a.wants(t, 200, "")
	var token tokenAnswer
	if err := json.Unmarshal([]byte(a.body), &token); err != nil || token.Token == "" || token.Token != token.AccessToken || token.ExpiresIn < 60 {
		t.Fatalf("%s, %v", a.body, err)
	}
	return token
}

func TestTokenService(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	pull := tokenOf(t, h.do("GET", "/oauth2/token?service=x&scope=repository:team/app:pull", "", as("pusher"))).Token
	h.do("GET", "/v2/", "", bearer(pull)).wants(t, 200, "")
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer(pull)).wants(t, 200, "")
	narrow := h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(pull)).wants(t, 401, "")
	if !strings.HasSuffix(narrow.Header.Get("WWW-Authenticate"), `:pull,push",error="insufficient_scope"`) {
		t.Errorf("challenge %s", narrow.Header.Get("WWW-Authenticate"))
	}
	h.do("GET", "/v2/team/other/tags/list", "", bearer(pull)).wants(t, 401, "")
	h.do("GET", "/v2/_catalog", "", bearer(pull)).wants(t, 401, "")
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer(pull), host("secondregistry.example.com")).wants(t, 401, "")
	h.do("GET", "/oauth2/token", "", bearer(pull)).wants(t, 401, "does not give another")

	all := tokenOf(t, h.do("GET", "/oauth2/token?scope=repository:team/app:*&scope=registry:catalog:*%20repository:team/b:pull,push", "", as("pusher"))).Token
	h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(all)).wants(t, 202, "")
	h.do("POST", "/v2/team/b/blobs/uploads/?mount="+artifact.DigestOf([]byte("layer"), "")+"&from=team/app", "", bearer(all)).wants(t, 201, "")
	h.do("GET", "/v2/_catalog", "", bearer(all)).wants(t, 200, "team/app")
	h.do("DELETE", "/v2/team/app/manifests/v1", "", bearer(all)).wants(t, 202, "")

	reader := tokenOf(t, h.do("GET", "/oauth2/token?scope=repository:team/app:pull,push", "", as("puller"))).Token
	h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(reader)).wants(t, 403, "DENIED")
	h.do("GET", "/oauth2/token", "", func(r *http.Request) { r.SetBasicAuth("pusher", "wrong") }).wants(t, 401, "UNAUTHORIZED")
	h.do("GET", "/oauth2/token", "", nobody).wants(t, 401, "UNAUTHORIZED")

	for _, bad := range []string{all + "x", all[:len(all)-2], "dkv_", "dkv_.", strings.Replace(all, "dkv_ey", "dkv_eY", 1)} {
		h.do("GET", "/v2/", "", bearer(bad)).wants(t, 401, "")
	}
	h.pass(5 * time.Minute)
	h.do("GET", "/v2/", "", bearer(all)).wants(t, 401, "expired")
}

func TestTokenServiceByForm(t *testing.T) {
	h := newHouse(t)
	form := header("Content-Type", "application/x-www-form-urlencoded")
	post := func(path string, values url.Values) answered { return h.do("POST", path, values.Encode(), form) }
	token := tokenOf(t, post("/oauth2/token", url.Values{
		"grant_type": {"password"}, "username": {"pusher"}, "password": {password}, "scope": {"repository:team/app:push,pull"},
	}))
	h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(token.Token)).wants(t, 202, "")
	if _, err := time.Parse(time.RFC3339, token.IssuedAt); err != nil {
		t.Error(err)
	}
	post("/oauth2/token", url.Values{"grant_type": {"password"}, "username": {"pusher"}, "password": {"x"}}).wants(t, 401, "")
	post("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).wants(t, 400, "UNSUPPORTED")
	var refresh struct {
		RefreshToken string `json:"refresh_token"`
	}
	exchanged := post("/oauth2/exchange", url.Values{"grant_type": {"access_token"}, "access_token": {"dkb_ci"}}).wants(t, 200, "")
	if err := json.Unmarshal([]byte(exchanged.body), &refresh); err != nil {
		t.Fatal(err)
	}
	token = tokenOf(t, post("/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh.RefreshToken}, "scope": {"repository:team/app:push,pull"},
	}))
	h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(token.Token)).wants(t, 202, "")
	post("/oauth2/exchange", url.Values{"grant_type": {"access_token"}, "access_token": {"x"}}).wants(t, 401, "")
	post("/oauth2/exchange", url.Values{"grant_type": {"access_token"}, "access_token": {"dkb_second"}}).wants(t, 403, "")
	post("/oauth2/exchange", url.Values{"grant_type": {"x"}, "access_token": {"dkb_ci"}}).wants(t, 400, "")
	post("/oauth2/token", url.Values{"grant_type": {strings.Repeat("x", 100_000)}}).wants(t, 400, "form cannot be read")
}

func TestAnonymousPull(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	h.setPolicies(registry.Policies{AnonymousPull: true})
	h.do("GET", "/v2/team/app/manifests/v1", "", nobody).wants(t, 200, "")
	h.do("GET", "/v2/team/app/tags/list", "", nobody).wants(t, 200, "")
	h.do("GET", "/v2/", "", nobody).wants(t, 401, "") // else clients would not learn that one can sign in
	h.do("GET", "/v2/_catalog", "", nobody).wants(t, 401, "")
	h.do("POST", "/v2/team/app/blobs/uploads/", "", nobody).wants(t, 401, "")
	h.do("DELETE", "/v2/team/app/manifests/v1", "", nobody).wants(t, 401, "")
	token := tokenOf(t, h.do("GET", "/oauth2/token?scope=repository:team/app:pull,push", "", nobody)).Token
	h.do("GET", "/v2/", "", bearer(token)).wants(t, 200, "")
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer(token)).wants(t, 200, "")
	h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(token)).wants(t, 401, "")
	h.setPolicies(registry.Policies{})
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer(token)).wants(t, 401, "")
}

func TestRegistryByHost(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	for name, status := range map[string]int{
		"": 200, "localhost": 200, "mycontainerregistry.example.com": 200, "MyContainerRegistry.x:8080": 200, "unknown.example.com": 200,
		"secondregistry":             200, // no label below a domain: the first one
		"SecondRegistry.example.com": 404, "outside.example.com": 404,
	} {
		h.do("GET", "/v2/team/app/manifests/v1", "", as("puller"), host(name)).wants(t, status, "")
	}
	h.do("GET", "/v2/", "", as("puller"), host("outside.example.com")).wants(t, 404, "external registry")
}

func TestNamesInPaths(t *testing.T) {
	h := newHouse(t)
	raw, err := os.ReadFile("../../models/artifact/testdata/repo_names.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			ID, Repository, Tag string
			Expect              struct{ Outcome string }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Cases) == 0 {
		t.Fatal(err)
	}
	sent := func(s string) string { return strings.NewReplacer("%2F", "/", "%40", "@").Replace(url.PathEscape(s)) }
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			got := h.do("GET", "/v2/"+sent(c.Repository)+"/manifests/"+sent(c.Tag), "")
			if c.Expect.Outcome == "accept" {
				got.wants(t, 404, "MANIFEST_UNKNOWN")
				return
			}
			if got.StatusCode != 400 || !strings.Contains(got.body, "NAME_INVALID") && !strings.Contains(got.body, "TAG_INVALID") {
				t.Errorf("%d %s, want 400 with NAME_INVALID or TAG_INVALID", got.StatusCode, got.body)
			}
		})
	}
	for path, status := range map[string]int{
		"/v2/x": 404, "/v2/team/app": 404, "/v2/a%252fb/tags/list": 400, "/v2/team//app/tags/list": 400, "/v2/./tags/list": 400,
		"/v2/team/app/manifests/sha256%3Aaa": 400, "/v2/team/app/tags/list/": 400, "/v2/tags/list": 400,
	} {
		h.do("GET", path, "").wants(t, status, `"errors":[{"code":"`)
	}
	h.do("PATCH", "/v2/team/app/manifests/v1", "").wants(t, 405, "UNSUPPORTED")
	h.do("PUT", "/oauth2/token", "").wants(t, 405, "UNSUPPORTED")
}
