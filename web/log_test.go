package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/web/auth"
)

// TestLogLines: one line of JSON per request whatever the client sends, without the query, with our own request id.
func TestLogLines(t *testing.T) {
	var log bytes.Buffer
	signedIn := get("/page", func(c echo.Context) error {
		ctx := auth.WithPrincipal(c.Request().Context(), account.Principal{Name: "mei.lin", Role: account.Owner})
		c.SetRequest(c.Request().WithContext(ctx))
		return c.String(http.StatusTeapot, "tea")
	})
	h := New(options(&log), Doors{door{prefixes: []string{"/"}, routes: []auth.Route{signedIn}}})
	ask(h, "GET", "/page?code=canary", header("X-Request-Id", "forged"), header("User-Agent", "evil\"\n{\"level\":\"ERROR\"}"),
		header("Authorization", "Bearer canary"), header("Cookie", "dockbell=canary"))
	ask(h, "GET", "/a%0a%22b")
	ask(h, "GET", "/healthz")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), log.String())
	}
	var first struct {
		Level, Request, Method, Path, Addr, Agent, Who string
		Status, Bytes                                  int
	}
	for _, line := range lines {
		if err := json.Unmarshal([]byte(line), &map[string]any{}); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first.Request != "id-1" || first.Path != "/page" || first.Status != 418 || first.Bytes != 3 || first.Who != "mei.lin" || first.Addr != "192.0.2.1" {
		t.Errorf("the line says %+v", first)
	}
	if strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "forged") {
		t.Errorf("the log holds what it must not: %s", log.String())
	}
	if !strings.Contains(lines[2], `"level":"DEBUG"`) {
		t.Errorf("probes fill the log: %s", lines[2])
	}
}

// TestServed: counters hear of routes, never of what a client made up.
func TestServed(t *testing.T) {
	var seen []Served
	o := options(io.Discard)
	o.Served = func(s Served) { seen = append(seen, s) }
	h := New(o, Doors{door{prefixes: []string{"/"}, routes: []auth.Route{
		get("/registries/:registry", func(c echo.Context) error { return c.NoContent(http.StatusOK) }),
		get("/stream", func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
			return c.NoContent(http.StatusOK)
		}),
	}}})
	ask(h, "GET", "/registries/secretname")
	ask(h, "GET", "/secretname")
	ask(h, "SECRETNAME", "/")
	ask(h, "GET", "/stream")
	want := []Served{
		{Method: "GET", Route: "/registries/:registry", Status: 200}, {Method: "GET", Route: "none", Status: 404},
		{Method: "other", Route: "none", Status: 405}, {Method: "GET", Route: "/stream", Status: 200, Stream: true},
	}
	for i := range seen {
		seen[i].Took = 0
	}
	if len(seen) != len(want) {
		t.Fatalf("seen %+v", seen)
	}
	for i, w := range want {
		if seen[i] != w {
			t.Errorf("seen %+v, want %+v", seen[i], w)
		}
	}
}
