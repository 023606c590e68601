package ingest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dockbell/models/fault"
	"dockbell/models/source"
)

// bodyCase is one of testdata/ingest_bodies.json.
type bodyCase struct {
	ID           string
	ContentType  *string `json:"content_type"`
	Auth         string
	Headers      map[string]string
	BodyJSON     json.RawMessage `json:"body_json"`
	BodyB64      *string         `json:"body_b64"`
	BodyGenerate struct {
		Kind  string
		Bytes int
		Count int
	} `json:"body_generate"`
	Expect struct {
		Status       int
		StoredEvents int `json:"stored_events"`
		Ignored      int
		Duplicates   int
		Rejected     int
		MaxBytesRead int64 `json:"max_bytes_read"`
		Warning      bool
		RetryAfter   bool `json:"retry_after"`
		Repeat       int
		WindowMS     int `json:"window_ms"`
		StatusSome   int `json:"status_some"`
		Method       string
		Precondition string
	}
	Why string
}

func readCases(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// TestBodies sends every case of the case file to a server of its own.
func TestBodies(t *testing.T) {
	var file struct{ Cases []bodyCase }
	readCases(t, "ingest_bodies.json", &file)
	if len(file.Cases) < 30 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) { c.run(t, h) })
		})
	}
}

func (c bodyCase) run(t *testing.T, h *house) {
	made := h.source("dist", "distribution", func(d *source.Draft) {
		if c.Expect.StatusSome != 0 { // the clock of the test stands still, so nothing flows back
			d.Rate = source.DefaultRate
		}
	})
	if c.Auth == "revoked" {
		if err := h.sources.Delete(t.Context(), "dist"); err != nil {
			t.Fatal(err)
		}
	}
	if c.Expect.Precondition == "disk_full" {
		full := error(fault.New(fault.Unavailable, "The database cannot be written to.").After(5 * time.Second))
		h.refuse.Store(&full)
	}
	bodies, some := c.bodies(t), false
	repeat := max(c.Expect.Repeat, 1)
	if c.Expect.StatusSome != 0 {
		repeat++ // the first, and again so many times
	}
	var last answer
	acknowledged := 0
	for range repeat {
		for _, body := range bodies {
			last = h.do(c.request(t, h, made, body()))
			acknowledged += last.Accepted
			some = some || last.Status == c.Expect.StatusSome
		}
		if c.Expect.StatusSome != 0 && some {
			break
		}
	}
	c.judge(t, h, last, some, acknowledged)
}

func (c bodyCase) judge(t *testing.T, h *house, last answer, some bool, acknowledged int) {
	if last.Status != c.Expect.Status {
		t.Errorf("%s: status %d, want %d: %s", c.Why, last.Status, c.Expect.Status, last.Error.Message)
	}
	stored := len(h.events())
	if c.Expect.StatusSome == 0 && stored != c.Expect.StoredEvents || stored != acknowledged {
		t.Errorf("%d events are stored and %d acknowledged, want %d", stored, acknowledged, c.Expect.StoredEvents)
	}
	if last.Ignored != c.Expect.Ignored || last.Rejected != c.Expect.Rejected || c.Expect.Duplicates != 0 && last.Duplicate != c.Expect.Duplicates {
		t.Errorf("verdicts %+v", last)
	}
	if got := last.Header.Get("Retry-After"); c.Expect.RetryAfter != (got != "") {
		t.Errorf("Retry-After is %q", got)
	}
	if c.Expect.StatusSome != 0 && !some {
		t.Errorf("no answer was %d", c.Expect.StatusSome)
	}
	if warned := strings.Contains(h.log.String(), "level=WARN"); warned != c.Expect.Warning {
		t.Errorf("warned: %v, want %v", warned, c.Expect.Warning)
	}
	if read := h.read.Load(); c.Expect.MaxBytesRead > 0 && read > c.Expect.MaxBytesRead {
		t.Errorf("%d bytes were read, want at most %d", read, c.Expect.MaxBytesRead)
	}
	if challenge := last.Header.Get("Www-Authenticate"); (last.Status == http.StatusUnauthorized) != (challenge != "") {
		t.Errorf("status %d with the challenge %q", last.Status, challenge)
	}
}

func (c bodyCase) request(t *testing.T, h *house, made source.Issued, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/ingest/dist", body)
	if err != nil {
		t.Fatal(err)
	}
	if c.Expect.Method != "" {
		r.Method = c.Expect.Method
	}
	if c.ContentType != nil {
		r.Header.Set("Content-Type", *c.ContentType)
	}
	for name, value := range c.Headers {
		r.Header.Set(name, value)
	}
	switch c.Auth {
	case "valid", "revoked":
		r.Header.Set("Authorization", "Bearer "+made.Token)
	case "query":
		r.URL.RawQuery = "token=" + made.Token
	case "cookie":
		r.AddCookie(&http.Cookie{Name: "dockbell", Value: made.Token})
	case "wrong":
		r.Header.Set("Authorization", "Bearer dks_wrong")
	case "none":
	default:
		t.Fatalf("no test sends the credentials %q", c.Auth)
	}
	return r
}

// bodies are what is sent, one request each.
func (c bodyCase) bodies(t *testing.T) []func() io.Reader {
	t.Helper()
	switch {
	case c.BodyB64 != nil:
		raw, err := base64.StdEncoding.DecodeString(*c.BodyB64)
		if err != nil {
			t.Fatal(err)
		}
		return whole(string(raw))
	case c.BodyJSON != nil:
		var list []json.RawMessage
		if json.Unmarshal(c.BodyJSON, &list) != nil {
			list = []json.RawMessage{c.BodyJSON}
		}
		var all []string
		for _, one := range list {
			all = append(all, string(one))
		}
		return whole(all...)
	}
	switch g := c.BodyGenerate; g.Kind {
	case "pad":
		body := `{"events":[` + push("e-1", "v1") + `],"pad":"`
		return whole(body + strings.Repeat("x", g.Bytes-len(body)-2) + `"}`)
	case "events":
		var all []string
		for i := range g.Count {
			all = append(all, push("e-"+strconv.Itoa(i), "v1"))
		}
		return whole(envelope(all...))
	case "chunked_endless":
		return []func() io.Reader{func() io.Reader { return &endless{} }}
	default:
		t.Fatalf("no test makes a body of the kind %q", g.Kind)
		return nil
	}
}

// whole are bodies that can be sent again.
func whole(texts ...string) (all []func() io.Reader) {
	for _, text := range texts {
		all = append(all, func() io.Reader { return strings.NewReader(text) })
	}
	return all
}

// endless is a body of unknown length that never ends, but for a test that forgets to stop.
type endless struct{ sent int }

func (e *endless) Read(p []byte) (int, error) {
	if e.sent == 0 {
		e.sent = copy(p, `{"events":[],"pad":"`)
		return e.sent, nil
	}
	if e.sent > 64<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	e.sent += len(p)
	return len(p), nil
}

const digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// push is a valid event of a push of team/app.
func push(id, tag string) string { return pushOf(id, "team/app", tag) }

func pushOf(id, repository, tag string) string {
	return fmt.Sprintf(`{"id":%q,"timestamp":"2026-11-25T03:00:00Z","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"size":524,"digest":%q,"length":524,"repository":%s,"tag":%s},"request":{"id":"r-1","addr":"10.0.0.9","host":"registry.test","method":"PUT","useragent":"t"},`+
		`"actor":{"name":"ci"},"source":{"addr":"reg:5000","instanceID":"x"}}`, id, digestA, quoted(repository), quoted(tag))
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func envelope(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

// TestRepositoryNames sends every name and tag of the case file in an event.
func TestRepositoryNames(t *testing.T) {
	var file struct {
		Cases []struct {
			ID, Repository, Tag, Why string
			Expect                   struct {
				Outcome string
				Status  int    `json:"ingest_status"`
				Verdict string `json:"ingest_verdict"`
			}
		}
	}
	readCases(t, "repo_names.json", &file)
	h := newHouse(t)
	made := h.source("dist", "distribution")
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			before := len(h.events())
			got := h.send(made, envelope(pushOf(c.ID, c.Repository, c.Tag)))
			status, verdict, stored := http.StatusAccepted, "accepted", 1
			if c.Expect.Outcome == "reject" {
				status, verdict, stored = c.Expect.Status, c.Expect.Verdict, 0
			}
			if got.Status != status || len(got.Events) != 1 || got.Events[0].Verdict != verdict || len(h.events())-before != stored {
				t.Errorf("%s: %q:%q is answered with %+v", c.Why, c.Repository, c.Tag, got)
			}
		})
	}
}
