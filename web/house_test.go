package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/web/auth"
)

// door is a way in with the routes of one test; it refuses in words that name it.
type door struct {
	prefixes []string
	routes   []auth.Route
	max      int64
}

func (d door) Prefixes() []string            { return d.prefixes }
func (d door) Routes() []auth.Route          { return d.routes }
func (d door) Before() []echo.MiddlewareFunc { return nil }
func (d door) Fail(c echo.Context, status int, err error) error {
	return c.String(status, d.prefixes[0]+" refuses: "+err.Error())
}

// wide is a door for bodies of another size than the usual.
type wide struct{ door }

func (w wide) MaxBody() int64 { return w.max }

// get is a public route.
func get(path string, h echo.HandlerFunc) auth.Route {
	return auth.Route{Method: http.MethodGet, Path: path, Public: true, Handler: h}
}

// options are those of a house whose log a test reads.
func options(log io.Writer) Options {
	return Options{
		Log:   slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Ready: func(context.Context) error { return nil }, NewID: func() string { return "id-1" }, Now: time.Now,
	}
}

// ask sends one request through the whole house.
func ask(h http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func body(text string) func(*http.Request) {
	return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(text)); r.ContentLength = -1 }
}

func TestEveryAnswerIsSecured(t *testing.T) {
	pages := door{prefixes: []string{"/"}, routes: []auth.Route{
		get("/page", func(c echo.Context) error { return c.HTML(http.StatusOK, "<p>hello") }),
		get("/panic", func(echo.Context) error { panic("a mistake") }),
		get("/fault", func(echo.Context) error { return fault.New(fault.Conflict, "Taken.") }),
		{Method: http.MethodGet, Path: "/private", Permission: account.Read, Handler: func(c echo.Context) error { return c.NoContent(http.StatusOK) }},
		{Method: http.MethodGet, Path: "/nobodys", Handler: func(c echo.Context) error { return c.NoContent(http.StatusOK) }},
	}}
	h := New(options(io.Discard), Doors{pages})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/page", 200}, {"POST", "/page", 405}, {"GET", "/nowhere", 404}, {"GET", "/panic", 500}, {"GET", "/fault", 409},
		{"GET", "/private", 401}, {"GET", "/nobodys", 401}, {"TRACE", "/page", 405}, {"PROPFIND", "/", 405},
		{"GET", "/healthz", 200}, {"HEAD", "/readyz", 200}, {"GET", "/static/nothing.css", 404}, {"GET", "/metrics", 404},
		{"GET", "//evil.example/..", 404},
	} {
		rec := ask(h, c.method, "http://portal.test"+c.path)
		if rec.Code != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, rec.Code, c.status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "X-Request-Id": "id-1",
		} {
			if got := rec.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, got)
			}
		}
		if got := rec.Header().Get("Cache-Control"); got != "no-store" && !strings.HasPrefix(c.path, "/static/") {
			t.Errorf("%s %s: Cache-Control %q", c.method, c.path, got)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error("the policy allows inline code")
	}
}

// TestPanicsStayInside: the cause is for the log.
func TestPanicsStayInside(t *testing.T) {
	var log bytes.Buffer
	h := New(options(&log), Doors{door{prefixes: []string{"/"}, routes: []auth.Route{
		get("/panic", func(echo.Context) error { panic("canary") }),
	}}})
	rec := ask(h, "GET", "/panic")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "canary") {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
	if !strings.Contains(log.String(), `"panic":"canary"`) || !strings.Contains(log.String(), `"request":"id-1"`) {
		t.Errorf("the log says %s", log.String())
	}
}

// TestRefuseTable: each code has its status, and whatever is no fault is our own mistake.
func TestRefuseTable(t *testing.T) {
	for code, want := range map[fault.Code]int{
		fault.Invalid: 422, fault.NotFound: 404, fault.Conflict: 409, fault.Unauthenticated: 401, fault.Forbidden: 403,
		fault.LimitReached: 429, fault.Gone: 410, fault.Unavailable: 503, fault.Internal: 500, "unheard of": 500,
	} {
		if got := StatusOf(fault.New(code, "x")); got != want {
			t.Errorf("%s is %d, want %d", code, got, want)
		}
	}
	for err, want := range map[error]int{
		errors.New("x"): 500, &http.MaxBytesError{Limit: 1}: 413, echo.ErrNotFound: 404,
		errors.Join(fault.In("name", "x"), fault.In("scope", "y")): 422, fault.New(fault.Unavailable, "x").Because(io.EOF): 503,
	} {
		if got := StatusOf(err); got != want {
			t.Errorf("%v is %d, want %d", err, got, want)
		}
	}
}

func TestTheDoorOfThePathRefuses(t *testing.T) {
	slow := func(echo.Context) error {
		return fault.New(fault.LimitReached, "Slow down.").After(1500 * time.Millisecond)
	}
	h := New(options(io.Discard), Doors{
		door{prefixes: []string{"/"}}, door{prefixes: []string{"/v2", "/oauth2"}, routes: []auth.Route{get("/v2/slow", slow)}},
	})
	for path, want := range map[string]string{
		"/v2": "/v2", "/v2/": "/v2", "/v2/x/y": "/v2", "/oauth2/token": "/v2", "/v2x": "/", "/": "/", "/registries/v2": "/",
	} {
		if got := ask(h, "GET", path).Body.String(); !strings.HasPrefix(got, want+" refuses") {
			t.Errorf("%s: %q, want the door %s", path, got, want)
		}
	}
	if got := ask(h, "GET", "/v2/slow").Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want whole seconds, rounded up", got)
	}
}

func TestBodyLimits(t *testing.T) {
	read := func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		return err
	}
	post := func(path string) []auth.Route {
		return []auth.Route{{Method: http.MethodPost, Path: path, Public: true, Handler: read}}
	}
	h := New(options(io.Discard), Doors{
		door{prefixes: []string{"/"}, routes: post("/form")},
		wide{door{prefixes: []string{"/v2"}, routes: post("/v2/blob")}}, // 0: no limit
		wide{door{prefixes: []string{"/inbox"}, routes: post("/inbox/x"), max: 10}},
	})
	big, small := strings.Repeat("x", maxBody+1), "0123456789"
	for _, c := range []struct {
		path, text string
		status     int
	}{
		{"/form", big[:maxBody], 200}, {"/form", big, 413}, {"/v2/blob", big, 200}, {"/inbox/x", small, 200}, {"/inbox/x", small + "x", 413},
	} {
		if got := ask(h, "POST", c.path, body(c.text)).Code; got != c.status {
			t.Errorf("%d bytes to %s: %d, want %d", len(c.text), c.path, got, c.status)
		}
	}
}

func TestClientAddress(t *testing.T) {
	var seen string
	echoed := get("/who", func(c echo.Context) error { seen = c.RealIP() + " " + c.Scheme(); return nil })
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer, forwarded, proto string
		trusted                      []netip.Prefix
		want                         string
	}{
		{"nobody is trusted", "127.0.0.1:1", "6.6.6.6", "https", nil, "127.0.0.1 http"},
		{"a stranger claims to be a proxy", "198.51.100.9:1", "6.6.6.6", "https", proxies, "198.51.100.9 http"},
		{"loopback is not trusted by itself", "127.0.0.1:1", "6.6.6.6", "https", proxies, "127.0.0.1 http"},
		{"through a proxy", "10.1.2.3:1", "203.0.113.7", "https", proxies, "203.0.113.7 https"},
		{"a client that forges what the proxy adds to", "10.1.2.3:1", "6.6.6.6, 203.0.113.7", "https", proxies, "203.0.113.7 https"},
		{"through two proxies", "10.1.2.3:1", "203.0.113.7, 10.9.9.9", "", proxies, "203.0.113.7 http"},
		{"over IPv6", "[fd00::1]:1", "2001:db8::7", "https", proxies, "2001:db8::7 https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(io.Discard)
			o.TrustedProxies = c.trusted
			h := New(o, Doors{door{prefixes: []string{"/"}, routes: []auth.Route{echoed}}})
			ask(h, "GET", "/who", func(r *http.Request) { r.RemoteAddr = c.peer },
				header("X-Forwarded-For", c.forwarded), header("X-Forwarded-Proto", c.proto), header("X-Real-Ip", "6.6.6.6"))
			if seen != c.want {
				t.Errorf("seen as %q, want %q", seen, c.want)
			}
		})
	}
}
