package auth

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
)

// shelf keeps sessions in a map: the store of these tests.
type shelf struct {
	mu   sync.Mutex
	kept map[string][]byte
	down bool
}

func (s *shelf) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, false, io.ErrUnexpectedEOF
	}
	b, ok := s.kept[token]
	return b, ok, nil
}

func (s *shelf) CommitCtx(_ context.Context, token string, b []byte, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[token] = b
	return nil
}

func (s *shelf) DeleteCtx(_ context.Context, token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, token)
	return nil
}

// crew are the users there are.
type crew map[string]account.User

func (c crew) User(_ context.Context, id string) (account.User, error) {
	u, ok := c[id]
	if !ok {
		return u, fault.New(fault.NotFound, "no user")
	}
	return u, nil
}

// house is a server with sessions and nothing else; a test moves its clock.
type house struct {
	shelf *shelf
	crew  crew
	now   time.Time
	e     *echo.Echo
}

func newHouse() *house {
	h := &house{
		shelf: &shelf{kept: map[string][]byte{}}, crew: crew{"1": {ID: "1", Name: "mei.lin", Role: account.Owner, PHC: "$hash"}},
		now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), e: echo.New(),
	}
	s := NewSessions(h.shelf, h.crew, slog.New(slog.DiscardHandler), func() time.Time { return h.now })
	h.e.Use(s.Load)
	h.e.POST("/in", func(c echo.Context) error { return s.Begin(c, h.crew["1"]) })
	h.e.POST("/out", func(c echo.Context) error { return s.End(c) })
	h.e.POST("/leave", func(c echo.Context) error { s.Leave(c, "note", "saved"); return c.NoContent(http.StatusNoContent) })
	h.e.GET("/take", func(c echo.Context) error { return c.String(http.StatusOK, s.Take(c, "note")) })
	h.e.GET("/who", func(c echo.Context) error {
		p, _ := PrincipalOf(c.Request().Context())
		return c.String(http.StatusOK, p.Name)
	})
	return h
}

// ask sends a request with a session's token and gives the answer.
func (h *house) ask(method, target, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: plainCookie, Value: token})
	}
	rec := httptest.NewRecorder()
	h.e.ServeHTTP(rec, r)
	return rec
}

func (h *house) who(token string) string {
	return h.ask("GET", "http://portal.test/who", token).Body.String()
}

// signIn gives the token of a new session, begun by a browser that had another one.
func (h *house) signIn(t *testing.T, before string) string {
	t.Helper()
	for _, c := range h.ask("POST", "http://portal.test/in", before).Result().Cookies() {
		if c.Name == plainCookie {
			return c.Value
		}
	}
	t.Fatal("no cookie was set")
	return ""
}

func TestSessionsEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		after func(h *house, token string)
		want  string
	}{
		{"used within the half hour", func(h *house, token string) {
			for range 20 {
				h.now = h.now.Add(Idle - time.Minute)
				h.who(token)
			}
		}, "mei.lin"},
		{"unused for more than half an hour", func(h *house, _ string) { h.now = h.now.Add(Idle + time.Minute) }, ""},
		{"an open page alone keeps nobody signed in", func(h *house, token string) {
			for range 40 {
				h.now = h.now.Add(time.Minute)
				h.ask("GET", "http://portal.test/who?"+Unattended+"=1", token)
			}
		}, ""},
		{"used all the time for more than twelve hours", func(h *house, token string) {
			for range 12*60 + 5 {
				h.now = h.now.Add(time.Minute)
				h.who(token)
			}
		}, ""},
		{"signed out", func(h *house, token string) { h.ask("POST", "http://portal.test/out", token) }, ""},
		{"the password changed", func(h *house, _ string) { h.crew["1"] = account.User{ID: "1", Name: "mei.lin", PHC: "$other"} }, ""},
		{"the user is gone", func(h *house, _ string) { delete(h.crew, "1") }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse()
			token := h.signIn(t, "")
			if got := h.who(token); got != "mei.lin" {
				t.Fatalf("right after sign-in: %q", got)
			}
			c.after(h, token)
			if got := h.who(token); got != c.want {
				t.Errorf("then: %q, want %q", got, c.want)
			}
		})
	}
}

// TestFixation: what a browser had before is worth nothing after.
func TestFixation(t *testing.T) {
	h := newHouse()
	planted := "planted-by-somebody-else"
	first := h.signIn(t, planted)
	second := h.signIn(t, first)
	if first == planted || second == first {
		t.Error("a token went on living after a sign-in")
	}
	if h.who(planted) != "" || h.who(first) != "" || h.who(second) != "mei.lin" {
		t.Error("an old token signs in")
	}
}

func TestSessionsAreHashed(t *testing.T) {
	h := newHouse()
	token := h.signIn(t, "")
	for kept, content := range h.shelf.kept {
		if strings.Contains(kept, token) || strings.Contains(string(content), token) {
			t.Error("the store holds the token itself")
		}
		if h.who(kept) != "" {
			t.Error("what the store holds signs in")
		}
	}
}

func TestCookies(t *testing.T) {
	h := newHouse()
	for scheme, want := range map[string]string{"http": plainCookie, "https": secureCookie} {
		r := httptest.NewRequest("POST", scheme+"://portal.test/in", nil)
		rec := httptest.NewRecorder()
		h.e.ServeHTTP(rec, r)
		cookies := rec.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %d cookies", scheme, len(cookies))
		}
		c := cookies[0]
		if c.Name != want || !c.HttpOnly || c.Secure != (scheme == "https") || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %v", scheme, c)
		}
	}
}

func TestNotesAreReadOnce(t *testing.T) {
	h := newHouse()
	token := h.signIn(t, "")
	h.ask("POST", "http://portal.test/leave", token)
	for _, want := range []string{"saved", ""} {
		if got := h.ask("GET", "http://portal.test/take", token).Body.String(); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
}

// TestDatabaseAway: nobody is signed in by a database that does not answer.
func TestDatabaseAway(t *testing.T) {
	h := newHouse()
	token := h.signIn(t, "")
	h.shelf.down = true
	if rec := h.ask("GET", "http://portal.test/who", token); rec.Code == http.StatusOK {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
}
