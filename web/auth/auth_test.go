package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

func TestNext(t *testing.T) {
	var file struct {
		Cases []struct {
			ID, Next string
			Expect   struct {
				To string `json:"redirect_to"`
			}
		}
	}
	text, err := os.ReadFile("testdata/open_redirects.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) < 10 {
		t.Fatalf("%d cases, %v", len(file.Cases), err)
	}
	for _, c := range file.Cases {
		if got := Next(c.Next); got != c.Expect.To {
			t.Errorf("%s: %q leads to %q, want %q", c.ID, c.Next, got, c.Expect.To)
		}
	}
	if Next("/"+strings.Repeat("a", maxNext)) != "/" {
		t.Error("a very long address")
	}
}

// prover knows one user and one token, and counts how often it is asked.
type prover struct{ asked int }

func (p *prover) Authenticate(_ context.Context, name, password string) (account.Principal, error) {
	p.asked++
	if name == "mei.lin" && password == "right:with:colons" {
		return account.Principal{Name: name}, nil
	}
	return account.Principal{}, fault.New(fault.Unauthenticated, "wrong")
}

func (p *prover) Bearer(_ context.Context, token string) (account.Principal, error) {
	if token == "dkb_right" {
		return account.Principal{Name: "ci"}, nil
	}
	return account.Principal{}, fault.New(fault.Unauthenticated, "wrong")
}

func TestCredentials(t *testing.T) {
	cr := Credentials{Prover: &prover{}, Limits: &Limits{Now: time.Now}}
	basic := func(name, password string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(name, password)
		return r.Header.Get("Authorization")
	}
	for _, c := range []struct{ header, who, refused string }{
		{"", "", ""},
		{basic("mei.lin", "right:with:colons"), "mei.lin", ""},
		{basic("mei.lin", "wrong"), "", "unauthenticated"},
		{"Bearer dkb_right", "ci", ""},
		{"bearer  dkb_right ", "ci", ""},
		{"Bearer dkb_wrong", "", "unauthenticated"},
		{"Bearer", "", "unauthenticated"},
		{"Digest x", "", "unauthenticated"},
		{"Basic %%%", "", "unauthenticated"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", c.header)
		r.AddCookie(&http.Cookie{Name: plainCookie, Value: "x"})
		p, ok, err := cr.Identify(echo.New().NewContext(r, httptest.NewRecorder()))
		if p.Name != c.who || ok != (c.who != "") || string(fault.CodeOf(err)) != c.refused {
			t.Errorf("%q: %+v, %v, %v", c.header, p, ok, err)
		}
	}
}

// TestGuessingIsNotEvenTried: past the limit a password is not checked, so that a flood of guesses costs no hashing.
func TestGuessingIsNotEvenTried(t *testing.T) {
	p := &prover{}
	cr := Credentials{Prover: p, Limits: &Limits{Now: time.Now}}
	for range 50 {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("mei.lin", "guess")
		cr.Identify(echo.New().NewContext(r, httptest.NewRecorder()))
	}
	if p.asked != accountTries {
		t.Errorf("%d passwords were checked, want %d", p.asked, accountTries)
	}
}

func TestRequire(t *testing.T) {
	one := registry.Name("mycontainerregistry")
	for _, c := range []struct {
		name string
		who  *account.Principal
		r    Route
		at   registry.Name
		want fault.Code
	}{
		{"a public route", nil, Route{Public: true}, "", ""},
		{"nobody", nil, Route{Permission: account.Read}, "", fault.Unauthenticated},
		{"a reader who reads", &account.Principal{Role: account.Reader}, Route{Permission: account.Read}, one, ""},
		{"a reader who writes", &account.Principal{Role: account.Reader}, Route{Permission: account.Write}, one, fault.Forbidden},
		{"a route without a permission", &account.Principal{Role: account.Owner}, Route{}, one, fault.Forbidden},
		{"a token for another registry", &account.Principal{Role: account.Owner, Registry: "another1"}, Route{Permission: account.Read}, one, fault.Forbidden},
		{"a token for this registry", &account.Principal{Role: account.Owner, Registry: "MyContainerRegistry"}, Route{Permission: account.Admin}, one, ""},
		{"a token for one registry where none is named", &account.Principal{Role: account.Owner, Registry: one}, Route{Permission: account.Admin}, "", fault.Forbidden},
		{"no role", &account.Principal{}, Route{Permission: account.Read}, one, fault.Forbidden},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		ctx := WithRegistry(r.Context(), c.at)
		if c.who != nil {
			ctx = WithPrincipal(ctx, *c.who)
		}
		err := Require(c.r)(func(echo.Context) error { return nil })(echo.New().NewContext(r.WithContext(ctx), httptest.NewRecorder()))
		if got := fault.CodeOf(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSameSite(t *testing.T) {
	for _, c := range []struct {
		method string
		head   map[string]string
		want   bool
	}{
		{"POST", nil, true},
		{"POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"POST", map[string]string{"Sec-Fetch-Site": "none"}, true},
		{"POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"POST", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"DELETE", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"POST", map[string]string{"Origin": "http://portal.test"}, true},
		{"POST", map[string]string{"Origin": "http://evil.test"}, false},
		{"POST", map[string]string{"Origin": "http://portal.test:8080"}, false},
		{"POST", map[string]string{"Origin": "null"}, false},
	} {
		r := httptest.NewRequest(c.method, "http://portal.test/registries", nil)
		for name, value := range c.head {
			r.Header.Set(name, value)
		}
		err := SameSite(func(echo.Context) error { return nil })(echo.New().NewContext(r, httptest.NewRecorder()))
		if (err == nil) != c.want || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s %v: %v", c.method, c.head, err)
		}
	}
}
