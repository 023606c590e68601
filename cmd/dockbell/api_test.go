package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// broken is a server that answers as no Dockbell should, with a client signed in to it.
func broken(t *testing.T, answer http.HandlerFunc) *client {
	t.Helper()
	withoutProfile(t)
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	a, err := profile{URL: s.URL, Token: "dkb_canary"}.client(&cobra.Command{Use: "test"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestRefusals: whatever a server answers becomes one clear line with the right exit code, and never the token.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header string // Name: value
		body   string
		want   string
		code   int
	}{
		"an error body":     {400, "", `{"error":{"code":"InvalidParameter","message":"Bad name.","target":"name"}}`, "Bad name. (InvalidParameter: name)", exitRefused},
		"two wrong fields":  {400, "", `{"error":{"code":"InvalidParameter","message":"x","details":[{"message":"Bad name.","target":"name"},{"message":"Bad URI.","target":"serviceUri"}]}}`, "name: Bad name. serviceUri: Bad URI. (InvalidParameter)", exitRefused},
		"not found":         {404, "", `{"error":{"code":"ResourceNotFound","message":"There is none."}}`, "There is none. (ResourceNotFound)", exitNotFound},
		"not signed in":     {401, "", `{"error":{"code":"InvalidAuthenticationToken","message":"The token has ended."}}`, "The token has ended (InvalidAuthenticationToken). Sign in again with dockbell login.", exitRefused},
		"forbidden":         {403, "", `{"error":{"code":"AuthorizationFailed","message":"A reader may not."}}`, "A reader may not. (AuthorizationFailed)", exitRefused},
		"steering":          {400, "", `{"error":{"code":"X","message":"a\u001b[2Jb\nc"}}`, "a?[2Jb c (X)", exitRefused},
		"an HTML page":      {502, "", `<html>bad gateway</html>`, "The server answered 502 Bad Gateway (502)", exitRefused},
		"with a request id": {500, "X-Request-Id: r-1", `oops`, "The server answered 500 Internal Server Error, request r-1 (500)", exitRefused},
		"an odd error":      {400, "", `{"error":"invalid_request"}`, "The server answered 400 Bad Request (400)", exitRefused},
		"an empty error":    {400, "", ``, "The server answered 400 Bad Request (400)", exitRefused},
		"a redirect":        {301, "Location: https://elsewhere.example/", ``, "SERVER sends requests on to https://elsewhere.example/: sign in with that address", exitRefused},
		"no JSON":           {200, "", `<html>welcome</html>`, "SERVER answers with something that is not the management API: is the address right?", exitRefused},
		"a list":            {200, "", `[]`, "SERVER answers with something that is not the management API: is the address right?", exitRefused},
	} {
		t.Run(name, func(t *testing.T) {
			a := broken(t, func(w http.ResponseWriter, _ *http.Request) {
				if key, value, ok := strings.Cut(c.header, ": "); ok {
					w.Header().Set(key, value)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := a.call(t.Context(), http.MethodGet, "/subscriptions", nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.ReplaceAll(oneLine(err), a.base.String(), "SERVER"); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if code := exitCode(failure{err}); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
		})
	}
}

// TestTokenStaysHome: neither a redirect nor a next page takes the token to another server.
func TestTokenStaysHome(t *testing.T) {
	foreign := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign++ }))
	t.Cleanup(other.Close)
	var asked []string
	a := broken(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		switch r.URL.Query().Get("page") {
		case "":
			fmt.Fprintf(w, `{"value":[{"n":1}],"nextLink":%q}`, other.URL+"/list?api-version=1&page=2")
		case "2":
			fmt.Fprintf(w, `{"value":[{"n":2}],"nextLink":%q}`, "https://"+strings.TrimPrefix(other.URL, "http://")+"//evil/list?api-version=1&page=3")
		default:
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	})
	list, err := a.all(t.Context(), http.MethodPost, "/list")
	if err == nil || len(list) != 2 || foreign != 0 {
		t.Errorf("%v, %d read, %d requests left", err, len(list), foreign)
	}
	want := "POST /list?api-version=" + apiVersion + " GET /list?api-version=1&page=2 GET //evil/list?api-version=1&page=3"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
}

// TestEndlessPages: a next page that was read before ends the list.
func TestEndlessPages(t *testing.T) {
	a := broken(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"value":[{}],"nextLink":"https://x/list?page=1&api-version=1"}`)
	})
	list, err := a.all(t.Context(), http.MethodGet, "/list")
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %d read", err, len(list))
	}
}

// TestPatience: a server that asks for patience gets it a few times, and no more than half a minute each.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		works  int // the try that is answered with 200; 0 none
		tries  int
		waited time.Duration
	}{
		"the second works":   {429, "3", 2, 2, 3 * time.Second},
		"none works":         {503, "1", 0, 4, 3 * time.Second},
		"at once is a while": {429, "0", 2, 2, time.Second},
		"too long":           {429, "3600", 0, 1, 0},
		"a date":             {429, "Fri, 20 Nov 2026 09:14:08 GMT", 0, 1, 0},
		"another status":     {500, "1", 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			a := broken(t, func(w http.ResponseWriter, _ *http.Request) {
				if tries++; tries == c.works {
					fmt.Fprint(w, `{}`)
					return
				}
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
			})
			var waited time.Duration
			a.pause = func(_ context.Context, d time.Duration) error { waited += d; return nil }
			_, err := a.call(t.Context(), http.MethodPut, "/x", object{})
			if (err == nil) != (c.works > 0) || tries != c.tries || waited != c.waited {
				t.Errorf("%v after %d tries and %s", err, tries, waited)
			}
		})
	}
}

// TestRenews: a token is renewed before it ends and once when it is refused; the new ones are kept, for this user alone.
func TestRenews(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		profile profile
		refuse  string // the access token that the server refuses
		grants  string // what the token endpoint was asked, in order
		err     string
	}{
		"still good":         {profile{AccessToken: "a0", Expires: now.Add(time.Hour), ClientID: "id", ClientSecret: "s"}, "", "", ""},
		"none yet":           {profile{ClientID: "id", ClientSecret: "s"}, "", "client_credentials id s", ""},
		"nearly ended":       {profile{AccessToken: "a0", Expires: now.Add(time.Minute), RefreshToken: "r0"}, "", "refresh_token dockbell r0", ""},
		"refused":            {profile{AccessToken: "a0", Expires: now.Add(time.Hour), RefreshToken: "r0"}, "a0", "refresh_token dockbell r0", ""},
		"refused again":      {profile{AccessToken: "a0", Expires: now.Add(time.Hour), ClientID: "id", ClientSecret: "s"}, "a0 a1", "client_credentials id s", "Sign in again with dockbell login."},
		"refresh refused":    {profile{RefreshToken: "used"}, "", "refresh_token dockbell used", "the sign-in has ended: run dockbell login SERVER again"},
		"wrong secret":       {profile{ClientID: "id", ClientSecret: "wrong"}, "", "client_credentials id wrong", "They do not match. (invalid_client)"},
		"a fixed token":      {profile{Token: "a0"}, "", "", ""},
		"a fixed token ends": {profile{Token: "a0"}, "a0", "", "Sign in again with dockbell login."},
	} {
		t.Run(name, func(t *testing.T) {
			var grants []string
			a := broken(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/adfs/oauth2/token" {
					grants = append(grants, strings.TrimSpace(r.PostFormValue("grant_type")+" "+r.PostFormValue("client_id")+" "+r.PostFormValue("client_secret")+r.PostFormValue("refresh_token")))
					if r.PostFormValue("client_secret") == "wrong" || r.PostFormValue("refresh_token") == "used" {
						w.WriteHeader(http.StatusUnauthorized)
						fmt.Fprint(w, `{"error":"invalid_client","error_description":"They do not match."}`)
						return
					}
					fmt.Fprint(w, `{"access_token":"a1","expires_in":3600,"refresh_token":"r1"}`)
					return
				}
				if strings.Contains(c.refuse, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) && c.refuse != "" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				fmt.Fprint(w, `{}`)
			})
			c.profile.URL = a.base.String()
			if err := c.profile.save(); err != nil {
				t.Fatal(err)
			}
			a.session.profile, a.session.kept, a.session.now = c.profile, true, func() time.Time { return now }
			_, err := a.call(t.Context(), http.MethodGet, "/x", nil)
			if want := strings.ReplaceAll(c.err, "SERVER", a.base.String()); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if got := strings.Join(grants, ", "); got != c.grants {
				t.Errorf("the token endpoint was asked %q, want %q", got, c.grants)
			}
			kept, err := loadProfile()
			if err != nil {
				t.Fatal(err)
			}
			if len(grants) > 0 && c.err == "" && (kept.AccessToken != "a1" || kept.RefreshToken != "r1" || !kept.Expires.Equal(now.Add(time.Hour))) {
				t.Errorf("kept %+v", kept)
			}
		})
	}
}

// TestRenewsOnce: of two commands that find an ended token, the second takes what the first got: a refresh token is good for one use.
func TestRenewsOnce(t *testing.T) {
	grants := 0
	a := broken(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/adfs/oauth2/token" {
			grants++
			fmt.Fprintf(w, `{"access_token":"a%d","expires_in":3600,"refresh_token":"r%[1]d"}`, grants)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	p := profile{URL: a.base.String(), RefreshToken: "r0"}
	if err := p.save(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for range 2 {
		one, err := p.client(&cobra.Command{}, true)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := one.call(t.Context(), http.MethodGet, "/x", nil)
			ended <- err
		}()
	}
	if err := errors.Join(<-ended, <-ended); err != nil || grants != 1 {
		t.Errorf("%v, %d renewals", err, grants)
	}
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct{ url, want string }{
		"nobody listens":    {gone.URL, "cannot be reached: dial tcp"},
		"unknown authority": {secure.URL, "name it with dockbell login " + secure.URL + " --ca ca.pem"},
		"plain HTTP":        {strings.Replace(plain.URL, "http", "https", 1), "does not speak HTTPS"},
	} {
		withoutProfile(t)
		t.Setenv(envURL, c.url)
		t.Setenv(envToken, "dkb_canary")
		_, stderr, code := run(t, "registry", "list")
		if code != exitRefused || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "canary") {
			t.Errorf("%s: code %d, %q", name, code, stderr)
		}
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"https://dockbell.example.com": "https://dockbell.example.com", "dockbell.example.com": "https://dockbell.example.com",
		"https://dockbell.example.com/": "https://dockbell.example.com", "http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://[::1]:8080/": "http://[::1]:8080",
		"http://localhost:8080": "http://localhost:8080", "localhost:8443": "https://localhost:8443",
		"http://10.0.0.1": "", "http://localhost.evil.example": "", "ftp://x": "", "https://": "", "https://u:p@x": "", "https://x/path": "", "https://x?y": "", "": "",
	} {
		got, err := parseServer(text, false)
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := parseServer("http://10.0.0.1", true); err != nil || got.String() != "http://10.0.0.1" {
		t.Errorf("a trusted network: %v, %v", got, err)
	}
}

// TestIDsCannotLead: a resource's id from the server stays a path on this server.
func TestIDsCannotLead(t *testing.T) {
	a := &client{base: &url.URL{Scheme: "https", Host: "home.example"}}
	for _, path := range []string{"//evil.example/x", "/x/../y", "/@evil.example"} {
		req, err := a.request(t.Context(), question{method: http.MethodGet, path: path})
		if err != nil || req.URL.Host != "home.example" {
			t.Errorf("%s: %v, %v", path, req, err)
		}
	}
}
