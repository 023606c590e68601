package ingest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dockbell/models/event"
	"dockbell/models/source"
)

// told writes an event as "action repository:tag@digest kind (carried)"; a digest is its first four digits.
func told(ev event.Event) string {
	t := ev.Target
	s := string(ev.Action) + " " + t.Repository
	if t.Tag != "" {
		s += ":" + t.Tag
	}
	if _, digits, ok := strings.Cut(t.Digest, ":"); ok {
		s += "@" + digits[:4]
	}
	s += " " + string(t.Kind)
	if len(ev.CarriedTags) > 0 {
		s += " (" + strings.Join(ev.CarriedTags, " ") + ")"
	}
	return s
}

// verdicts are the answer's, in order.
func (a answer) verdicts() string {
	var all []string
	for _, ev := range a.Events {
		all = append(all, ev.Verdict)
	}
	return strings.Join(all, " ")
}

const (
	ociType   = "application/vnd.oci.image.manifest.v1+json"
	indexType = "application/vnd.oci.image.index.v1+json"
	helmType  = "application/vnd.cncf.helm.config.v1+json"
	aaaa      = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	bbbb      = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	cccc      = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// sent is one request and what must become of it. In bodies, $A, $B and $C stand for digests, $M, $I and $H for the media types of
// a manifest, an index and a chart's config.
type sent struct {
	body    string
	headers string // "Name: value" lines
	want    string // verdicts
	events  string // what was raised, with commas between
}

var fill = strings.NewReplacer("$A", aaaa, "$B", bbbb, "$C", cccc, "$M", ociType, "$I", indexType, "$H", helmType)

// TestKinds sends what each kind of registry sends, in order to one source, and then all of it again.
func TestKinds(t *testing.T) {
	for kind, list := range kindsTable {
		t.Run(kind, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) {
				made := h.source("it", kind)
				for i, s := range list {
					before := len(h.events())
					got := h.do(s.request(h, made))
					if got.Status != http.StatusAccepted || got.verdicts() != s.want {
						t.Errorf("%d: %d %q, want %q: %+v", i, got.Status, got.verdicts(), s.want, got)
					}
					var raised []string
					for _, ev := range h.events()[before:] {
						raised = append(raised, told(ev))
					}
					if all := strings.Join(raised, ", "); all != s.events {
						t.Errorf("%d: raised %q, want %q", i, all, s.events)
					}
				}
				stored := len(h.events())
				for i, s := range list {
					if got := h.do(s.request(h, made)); got.verdicts() != strings.ReplaceAll(s.want, "accepted", "duplicate") {
						t.Errorf("%d again: %q", i, got.verdicts())
					}
				}
				if again := len(h.events()); again != stored || strings.Contains(h.log.String(), "WARN") {
					t.Errorf("repeats made %d events of %d, and the log says %q", again, stored, h.log)
				}
			})
		})
	}
}

func (s sent) request(h *house, made source.Issued) *http.Request {
	r := h.request(made, fill.Replace(s.body))
	for line := range strings.Lines(s.headers) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(name, fill.Replace(value))
	}
	return r
}

// signed is a request with the signature of its body in place of the token.
func signed(h *house, made source.Issued, header, prefix, body string) *http.Request {
	r := h.request(made, body)
	r.Header.Del("Authorization")
	mac := hmac.New(sha256.New, []byte(made.Token))
	mac.Write([]byte(body))
	r.Header.Set(header, prefix+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func TestSignedBodies(t *testing.T) {
	h := newHouse(t)
	hub, forge, dist := h.source("gh", "github"), h.source("forge", "gitea"), h.source("dist", "distribution")
	for name, c := range map[string]struct {
		want int
		r    *http.Request
	}{
		"GitHub's":            {202, signed(h, hub, "X-Hub-Signature-256", "sha256=", "{}")},
		"Gitea's":             {202, signed(h, forge, "X-Gitea-Signature", "", "{}")},
		"Forgejo's":           {202, signed(h, forge, "X-Forgejo-Signature", "", "{}")},
		"a kind without":      {401, signed(h, dist, "X-Hub-Signature-256", "sha256=", `{"events":[]}`)},
		"not hexadecimal":     {401, signed(h, hub, "X-Hub-Signature-256", "sha256=zz", "{}")},
		"of another source":   {401, signed(h, source.Issued{Source: hub.Source, Token: forge.Token}, "X-Hub-Signature-256", "sha256=", "{}")},
		"too large to verify": {413, signed(h, hub, "X-Hub-Signature-256", "sha256=", strings.Repeat(" ", source.MaxBody+1))},
	} {
		if got := h.do(c.r); got.Status != c.want {
			t.Errorf("%s: %d, want %d: %s", name, got.Status, c.want, got.Error.Message)
		}
	}
	forged := signed(h, hub, "X-Hub-Signature-256", "sha256=", "{}")
	forged.Body, forged.ContentLength = h.request(hub, `{"a":1}`).Body, 7
	if got := h.do(forged); got.Status != 401 {
		t.Errorf("a changed body: %d", got.Status)
	}
	rotated, err := h.sources.Rotate(t.Context(), "gh")
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{hub.Token: 401, rotated.Token: 202} {
		if got := h.do(signed(h, source.Issued{Source: hub.Source, Token: token}, "X-Hub-Signature-256", "sha256=", "{}")); got.Status != want {
			t.Errorf("signed with a token after rotating: %d, want %d", got.Status, want)
		}
	}
}

// TestTokensInThePath: Docker Hub can set no header, and its token appears in no log.
func TestTokensInThePath(t *testing.T) {
	h := newHouse(t)
	hub, dist := h.source("hub", "dockerhub"), h.source("dist", "distribution")
	for _, c := range []struct {
		url  string
		want int
	}{
		{hub.URL, 202}, {h.url + "/ingest/hub/dks_wrong", 401}, {h.url + "/ingest/hub", 401}, {h.url + "/ingest/dist/" + dist.Token, 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(`{"push_data":{"tag":"v1"},"repository":{"repo_name":"a/b"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if got := h.do(r); got.Status != c.want {
			t.Errorf("%s: %d, want %d", c.url, got.Status, c.want)
		}
	}
	if log := h.log.String(); strings.Contains(log, hub.Token) || strings.Contains(log, "dks_") || !strings.Contains(log, "/ingest/hub") {
		t.Errorf("the log holds a token, or no line: %s", log)
	}
}

// TestHandshakes: Event Grid and CloudEvents ask before they send.
func TestHandshakes(t *testing.T) {
	h := newHouse(t)
	grid := h.source("grid", "eventgrid")
	got := h.send(grid, `[{"id":"1","topic":"t","subject":"","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-11-25T03:00:00Z","dataVersion":"2",
		"data":{"validationCode":"512d38b6","validationUrl":"https://example.com/validate"}}]`)
	if got.Status != http.StatusOK || got.ValidationResponse != "512d38b6" {
		t.Errorf("the handshake is answered with %+v", got)
	}
	r := h.request(grid, "")
	r.Method = http.MethodOptions
	r.Header.Del("Authorization")
	r.Header.Set("WebHook-Request-Origin", "eventemitter.example.com")
	if got := h.do(r); got.Status != http.StatusOK || got.Header.Get("WebHook-Allowed-Origin") == "" {
		t.Errorf("OPTIONS is answered with %+v", got)
	}
}

// TestNoEnvelopes: JSON that is not how events of a kind come is 400, and stores nothing.
func TestNoEnvelopes(t *testing.T) {
	h := newHouse(t)
	for _, known := range source.Kinds {
		made := h.source("the-"+string(known.Kind), string(known.Kind))
		bodies := []string{`[]x`, `"x"`, `1`, `[1]`, `null`}
		if !slices.Contains([]source.Kind{source.Gitea, source.GitHub}, known.Kind) { // which say in a header what it is
			bodies = append(bodies, `{}`)
		}
		for _, body := range bodies {
			if got := h.send(made, body); got.Status != http.StatusBadRequest || got.Error.Message == "" {
				t.Errorf("%s: %s is answered with %d", known.Kind, body, got.Status)
			}
		}
	}
	if got := len(h.events()); got != 0 {
		t.Errorf("%d events", got)
	}
}

// TestNetworks: a source may send from its networks alone.
func TestNetworks(t *testing.T) {
	h := newHouse(t)
	near := h.source("near", "distribution", func(d *source.Draft) { d.Networks = "10.0.0.0/8, 127.0.0.1, ::1" })
	far := h.source("far", "distribution", func(d *source.Draft) { d.Networks = "10.0.0.0/8" })
	if a, b := h.send(near, envelope()).Status, h.send(far, envelope()).Status; a != 202 || b != 403 {
		t.Errorf("near %d, far %d", a, b)
	}
}
