package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

func TestReadiness(t *testing.T) {
	o := options(io.Discard)
	var down error
	o.Ready = func(context.Context) error { return down }
	h := New(o, nil)
	if rec := ask(h, "GET", "/readyz"); rec.Code != http.StatusOK {
		t.Errorf("answers %d while the database does", rec.Code)
	}
	down = errors.New("canary: disk full")
	if rec := ask(h, "GET", "/readyz"); rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "canary") {
		t.Errorf("answers %d %s while the database does not", rec.Code, rec.Body)
	}
	if rec := ask(h, "GET", "/healthz", header("Authorization", "Bearer wrong")); rec.Code != http.StatusOK {
		t.Errorf("the process lives, and answers %d", rec.Code)
	}
}

// bearers knows two tokens.
type bearers struct{}

func (bearers) Authenticate(context.Context, string, string) (account.Principal, error) {
	return account.Principal{}, fault.New(fault.Unauthenticated, "no")
}

func (bearers) Bearer(_ context.Context, token string) (account.Principal, error) {
	switch token {
	case "all":
		return account.Principal{Role: account.Reader}, nil
	case "one":
		return account.Principal{Role: account.Owner, Registry: registry.Name("mycontainerregistry")}, nil
	}
	return account.Principal{}, fault.New(fault.Unauthenticated, "no")
}

func TestMetricsAreForABearer(t *testing.T) {
	o := options(io.Discard)
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "figures") })
	o.Credentials = auth.Credentials{Prover: bearers{}, Limits: &auth.Limits{Now: time.Now}}
	h := New(o, nil)
	for given, want := range map[string]int{"": 401, "Bearer wrong": 401, "Basic YTpi": 401, "Bearer one": 403, "Bearer all": 200} {
		rec := ask(h, "GET", "/metrics", header("Authorization", given), header("Cookie", "dockbell=x"))
		if rec.Code != want || strings.Contains(rec.Body.String(), "figures") != (want == 200) {
			t.Errorf("%q: %d %s, want %d", given, rec.Code, rec.Body, want)
		}
		if asked := rec.Header().Get("WWW-Authenticate"); (asked == "Bearer") != (want == 401) {
			t.Errorf("%q: WWW-Authenticate %q", given, asked)
		}
	}
}
