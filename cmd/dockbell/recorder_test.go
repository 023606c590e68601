package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dockbell/models/store"
)

// posted is one POST as its receiver saw it.
type posted struct {
	hook, method string
	header       http.Header
	length       int64
	chunked      bool
	body         string
}

// recorder is the receivers of a test: an address for each webhook, whose calls it writes down and answers with 200.
type recorder struct {
	t   testing.TB
	url string

	mu    sync.Mutex
	calls []posted
	total int
}

func newRecorder(t testing.TB) *recorder {
	r := &recorder{t: t}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("%s was sent half a body: %v", req.URL.Path, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.total++
		r.calls = append(r.calls, posted{
			strings.TrimPrefix(req.URL.Path, "/"), req.Method, req.Header, req.ContentLength, len(req.TransferEncoding) > 0, string(body),
		})
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// at is the service URI of a webhook.
func (r *recorder) at(hook string) string { return r.url + "/" + hook }

// take waits until as many calls came as are wanted and gives all that came since the last take.
func (r *recorder) take(want int) []posted {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		r.mu.Lock()
		if len(r.calls) >= want || time.Now().After(deadline) {
			came := r.calls
			r.calls = nil
			r.mu.Unlock()
			return came
		}
		r.mu.Unlock()
	}
}

// whenIdle waits until nothing is left to send and gives all calls since the last take: what a push rings is stored before its
// 201, and a receiver writes a call down before it answers.
func (r *recorder) whenIdle(db *store.DB) []posted {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		due, err := db.NextDue(r.t.Context())
		if err != nil || time.Now().After(deadline) {
			r.t.Fatalf("something is still to be sent: %+v, %v", due, err)
		}
		if due.At.IsZero() {
			return r.take(0)
		}
	}
}

// everything counts the calls of the whole test.
func (r *recorder) everything() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// told is what a payload says, for comparing it with what happened.
type told struct {
	ID, Timestamp, Action string
	Target                *struct{ MediaType, Digest, Repository, Tag string }
	Request               *struct{ ID, UserAgent string }
}

func (c posted) told(t testing.TB) told {
	t.Helper()
	var said told
	if err := json.Unmarshal([]byte(c.body), &said); err != nil {
		t.Fatalf("%s was sent %q: %v", c.hook, c.body, err)
	}
	return said
}

// fact is what a test knows of a manifest by itself.
type fact struct {
	tag, mediaType, digest string
	size                   int
	chart                  [2]string // name and version, of a chart
}

// asker is what the client's request said of itself; of the User-Agent a part in lower case.
type asker struct{ host, agent string }

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$`)
)

// azureBody writes the payload of ACR.md section 3.2 anew from what the test knows: only the ids, the time and the client's
// User-Agent are taken from the call, each after its form was checked.
func azureBody(said told, repository string, of fact, by asker) (body, fault string) {
	if !uuidForm.MatchString(said.ID) {
		return "", "the event id is no UUID"
	}
	at, err := time.Parse("2006-01-02T15:04:05.0000000Z", said.Timestamp)
	if since := time.Since(at); !timeForm.MatchString(said.Timestamp) || err != nil || since < 0 || since > time.Hour {
		return "", "the timestamp is not the time it happened, in UTC with seven digits"
	}
	head := fmt.Sprintf(`{"id":"%s","timestamp":"%s","action":"%s"`, said.ID, said.Timestamp, said.Action)
	tag := ""
	if of.tag != "" {
		tag = fmt.Sprintf(`,"tag":"%s"`, of.tag)
	}
	request := func(method string, agent bool) string {
		if said.Request == nil || !uuidForm.MatchString(said.Request.ID) {
			return "a request without an id"
		}
		text := fmt.Sprintf(`,"request":{"id":"%s","host":"%s","method":"%s"`, said.Request.ID, by.host, method)
		if agent {
			if !strings.Contains(strings.ToLower(said.Request.UserAgent), by.agent) {
				return "a request by " + said.Request.UserAgent
			}
			text += `,"useragent":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(said.Request.UserAgent) + `"`
		}
		return text + "}}"
	}
	switch said.Action {
	case "push":
		return head + fmt.Sprintf(`,"target":{"mediaType":"%s","size":%d,"digest":"%s","length":%d,"repository":"%s"%s}`,
			of.mediaType, of.size, of.digest, of.size, repository, tag) + request("PUT", true), ""
	case "quarantine":
		return head + fmt.Sprintf(`,"target":{"size":%d,"digest":"%s","length":%d,"repository":"%s"%s}`,
			of.size, of.digest, of.size, repository, tag) + request("PUT", false), ""
	case "delete":
		return head + fmt.Sprintf(`,"target":{"mediaType":"%s","digest":"%s","repository":"%s"%s}`,
			of.mediaType, of.digest, repository, tag) + request("DELETE", true), ""
	case "chart_push", "chart_delete":
		return head + fmt.Sprintf(`,"target":{"mediaType":"application/vnd.acr.helm.chart","size":%d,"digest":"%s","repository":"%s"%s,"name":"%s","version":"%s"}}`,
			of.size, of.digest, repository, tag, of.chart[0], of.chart[1]), ""
	case "ping":
		return head + "}", ""
	}
	return "", "an action of that name does not exist"
}

// wantsAzure compares a call with Azure's: method, headers and nothing besides, and the body to the byte.
func (c posted) wantsAzure(t testing.TB, repository string, of fact, by asker) {
	t.Helper()
	want, fault := azureBody(c.told(t), repository, of, by)
	if fault != "" || c.body != want {
		t.Errorf("%s was sent a wrong payload: %s\ngot  %s\nwant %s", c.hook, fault, c.body, want)
	}
	if c.method != http.MethodPost || c.length != int64(len(c.body)) || c.chunked {
		t.Errorf("%s: %s with a length of %d (chunked: %v) for %d bytes", c.hook, c.method, c.length, c.chunked, len(c.body))
	}
	names := slices.Sorted(maps.Keys(c.header))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "Content-Length" })
	if got := strings.Join(names, " "); got != "Content-Type User-Agent" {
		t.Errorf("%s was sent the headers %s", c.hook, got)
	}
	if got := c.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("%s: Content-Type %q", c.hook, got)
	}
	if got := c.header.Get("User-Agent"); got != "AzureContainerRegistry/1.0 dockbell/"+version {
		t.Errorf("%s: User-Agent %q", c.hook, got)
	}
}
