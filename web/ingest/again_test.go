package ingest_test

import (
	"encoding/hex"
	"net/http"
	"testing"
	"time"
)

// TestRepeatsAreKnownAfterARestart: the same body twice is one event and 202 both times, also when the server forgot everything
// that it had in memory.
func TestRepeatsAreKnownAfterARestart(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		made, second := h.source("dist", "distribution"), h.source("other", "distribution")
		first := h.send(made, envelope(push("e-1", "v1")))
		h.serve()
		h.pass(6 * 24 * time.Hour)
		again := h.send(made, envelope(push("e-1", "v1"), push("e-2", "v1"), push("e-2", "v1")))
		if first.Accepted != 1 || again.Status != http.StatusAccepted || again.Accepted != 1 || again.Duplicate != 2 || len(h.events()) != 2 {
			t.Errorf("first %+v, again %+v, %d events", first, again, len(h.events()))
		}
		if got := h.send(second, envelope(push("e-1", "v1"))); got.Accepted != 1 {
			t.Errorf("another source's event with the same id: %+v", got)
		}
		if got := h.send(second, envelope(`{"action":"push","target":{"repository":"a","tag":"b"}}`, `{"action":"push","target":{"repository":"a","tag":"b"}}`)); got.Accepted != 1 || got.Duplicate != 1 {
			t.Errorf("events without an id: %+v", got)
		}
	})
}

// TestTokens: a source is known by its own token alone, and by a new one at once.
func TestTokens(t *testing.T) {
	h := newHouse(t)
	made, other := h.source("dist", "distribution"), h.source("other", "distribution")
	status := func(change func(*http.Request)) int {
		r := h.request(made, envelope())
		change(r)
		return h.do(r).Status
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	for name, c := range map[string]struct {
		want   int
		change func(*http.Request)
	}{
		"its own":                 {202, bearer(made.Token)},
		"as the password":         {202, func(r *http.Request) { r.SetBasicAuth("anybody", made.Token) }},
		"of another source":       {401, bearer(other.Token)},
		"of nobody":               {401, bearer("dks_x")},
		"none":                    {401, func(r *http.Request) { r.Header.Del("Authorization") }},
		"to an unknown source":    {401, func(r *http.Request) { r.URL.Path = "/ingest/nowhere" }},
		"in another case":         {202, func(r *http.Request) { r.URL.Path = "/ingest/DIST" }},
		"in the path":             {401, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.Path += "/" + made.Token }},
		"another scheme":          {401, func(r *http.Request) { r.Header.Set("Authorization", "Token "+made.Token) }},
		"with the hash as itself": {401, bearer(hex.EncodeToString(made.Source.TokenHash))},
	} {
		if got := status(c.change); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	rotated, err := h.sources.Rotate(t.Context(), "Dist")
	if err != nil {
		t.Fatal(err)
	}
	if old, now := status(bearer(made.Token)), status(bearer(rotated.Token)); old != 401 || now != 202 {
		t.Errorf("after rotating the old token is answered %d, the new one %d", old, now)
	}
	if err := h.db.DeleteRegistry(t.Context(), "acmeregistry", 0); err != nil {
		t.Fatal(err)
	}
	if got := status(bearer(rotated.Token)); got != 401 {
		t.Errorf("after its registry was deleted: %d", got)
	}
}
