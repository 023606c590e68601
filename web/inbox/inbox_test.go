package inbox_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/web"
	"dockbell/web/inbox"
)

// shelf is an inbox in memory.
type shelf struct {
	box   delivery.Inbox
	kept  []delivery.Received
	keeps int
}

func (s *shelf) Inbox(_ context.Context, token string) (delivery.Inbox, error) {
	if token != s.box.Token {
		return delivery.Inbox{}, fault.New(fault.NotFound, "There is no inbox %s.", token)
	}
	return s.box, nil
}

func (s *shelf) KeepReceived(_ context.Context, _ string, r delivery.Received, keeps int) (delivery.Received, error) {
	r.ID = int64(len(s.kept) + 1)
	s.kept, s.keeps = append(s.kept, r), keeps
	return r, nil
}

// house is the whole server with nothing but an inbox in it.
func house(s *shelf) (http.Handler, *inbox.Inbox) {
	door := &inbox.Inbox{Store: s, Feed: &delivery.Feed{}, Now: time.Now}
	return web.New(web.Options{
		Log: slog.New(slog.DiscardHandler), NewID: func() string { return "id" }, Now: time.Now,
		Ready: func(context.Context) error { return nil },
	}, web.Doors{door}), door
}

func send(h http.Handler, method, target, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestInboxKeepsWhatComes(t *testing.T) {
	s := &shelf{box: delivery.Inbox{Token: "tok1", Registry: "myregistry"}}
	h, door := house(s)
	updates, cancel := door.Feed.Subscribe("MyRegistry")
	defer cancel()
	rec := send(h, http.MethodPost, "/inbox/tok1?a=1&b=%32", `{"id":1}`, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Add("X-Two", "1")
		r.Header.Add("X-Two", "2")
		r.Header.Set("X-Bad", "a\xffb\x00c")
		r.RemoteAddr = "192.0.2.7:4711"
	})
	if rec.Code != http.StatusOK || rec.Body.String() != "ok" || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("answered %d %q %v", rec.Code, rec.Body, rec.Header())
	}
	if len(s.kept) != 1 || s.keeps != delivery.InboxKeeps {
		t.Fatalf("kept %v, keeping %d", s.kept, s.keeps)
	}
	got := s.kept[0]
	if got.Method != "POST" || got.Query != "a=1&b=%32" || string(got.Body) != `{"id":1}` || got.Addr != "192.0.2.7" || got.Status != 200 {
		t.Errorf("kept %+v", got)
	}
	want := []delivery.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Host", Value: "example.com"},
		{Name: "X-Bad", Value: "a\uFFFDb\uFFFDc"}, {Name: "X-Two", Value: "1"}, {Name: "X-Two", Value: "2"},
	}
	if !reflect.DeepEqual(got.Headers, want) {
		t.Errorf("headers %v, want %v", got.Headers, want)
	}
	if u := <-updates; u.Inbox != "tok1" || u.Registry != "myregistry" {
		t.Errorf("told %+v", u)
	}
}

func TestInboxTakesEveryMethod(t *testing.T) {
	s := &shelf{box: delivery.Inbox{Token: "tok1"}}
	h, _ := house(s)
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		if rec := send(h, m, "/inbox/tok1", "x", nil); rec.Code != http.StatusOK {
			t.Errorf("%s: %d", m, rec.Code)
		}
	}
	if len(s.kept) != 7 {
		t.Errorf("%d requests kept, want 7", len(s.kept))
	}
}

func TestInboxAnswersAsItIsTold(t *testing.T) {
	for status, body := range map[int]string{201: "ok", 204: "", 304: "", 301: "ok", 410: "ok", 503: "ok"} {
		h, _ := house(&shelf{box: delivery.Inbox{Token: "tok1", Answer: delivery.Answer{Status: status}}})
		rec := send(h, http.MethodPost, "/inbox/tok1", "x", nil)
		if rec.Code != status || rec.Body.String() != body {
			t.Errorf("%d: answered %d %q", status, rec.Code, rec.Body)
		}
	}
}

// TestUnknownInboxes proves that nothing tells an inbox that was deleted from one that never was.
func TestUnknownInboxes(t *testing.T) {
	s := &shelf{box: delivery.Inbox{Token: "tok1"}}
	h, _ := house(s)
	for _, target := range []string{"/inbox/tok2", "/inbox/TOK1", "/inbox/" + strings.Repeat("x", 5000), "/inbox/", "/inbox", "/inbox/tok1/more", "/inbox/%2e%2e"} {
		rec := send(h, http.MethodPost, target, "x", nil)
		if rec.Code != http.StatusNotFound || rec.Body.String() != "Not Found\n" {
			t.Errorf("%.30s: %d %q", target, rec.Code, rec.Body)
		}
	}
	if len(s.kept) != 0 {
		t.Errorf("kept %v", s.kept)
	}
}

func TestInboxRefusesLargeBodies(t *testing.T) {
	s := &shelf{box: delivery.Inbox{Token: "tok1"}}
	h, _ := house(s)
	if rec := send(h, http.MethodPost, "/inbox/tok1", strings.Repeat("x", delivery.InboxBody), nil); rec.Code != http.StatusOK {
		t.Errorf("a body of the limit: %d", rec.Code)
	}
	rec := send(h, http.MethodPost, "/inbox/tok1", strings.Repeat("x", delivery.InboxBody+1), nil)
	if rec.Code != http.StatusRequestEntityTooLarge || len(s.kept) != 1 {
		t.Errorf("a body over the limit: %d, kept %d", rec.Code, len(s.kept))
	}
}

func TestInboxOfABrokenBody(t *testing.T) {
	s := &shelf{box: delivery.Inbox{Token: "tok1"}}
	h, _ := house(s)
	rec := send(h, http.MethodPost, "/inbox/tok1", "", func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{}))
	})
	if rec.Code != http.StatusUnprocessableEntity || len(s.kept) != 0 {
		t.Errorf("answered %d, kept %v", rec.Code, s.kept)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestInboxWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		delay, want time.Duration
		stop        time.Duration // after which the server stops; 0 never
		leave       time.Duration // after which the caller leaves; 0 never
	}{
		"as set":         {delay: 12 * time.Second, want: 12 * time.Second},
		"not at all":     {},
		"at most 30 s":   {delay: time.Hour, want: 30 * time.Second},
		"server stops":   {delay: 20 * time.Second, stop: 3 * time.Second, want: 3 * time.Second},
		"caller is gone": {delay: 20 * time.Second, leave: 2 * time.Second, want: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, door := house(&shelf{box: delivery.Inbox{Token: "tok1", Answer: delivery.Answer{Delay: tc.delay}}})
				stopping := make(chan struct{})
				door.Stopping = stopping
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.stop > 0 {
					time.AfterFunc(tc.stop, func() { close(stopping) })
				}
				if tc.leave > 0 {
					time.AfterFunc(tc.leave, cancel)
				}
				begin := time.Now()
				send(h, http.MethodPost, "/inbox/tok1", "x", func(r *http.Request) { *r = *r.WithContext(ctx) })
				if took := time.Since(begin); took != tc.want {
					t.Errorf("answered after %s, want %s", took, tc.want)
				}
			})
		})
	}
}
