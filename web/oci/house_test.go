package oci_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/blobs"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/oci"
)

const password = "correct horse battery"

// people are who may sign in here: name is password is role.
type people struct{}

func (people) Authenticate(_ context.Context, name, given string) (account.Principal, error) {
	roles := map[string]account.Role{"owner": account.Owner, "pusher": account.Contributor, "pusher2": account.Contributor, "puller": account.Reader}
	role, ok := roles[name]
	if !ok || given != password {
		return account.Principal{}, fault.New(fault.Unauthenticated, "That user name and password don’t match.")
	}
	return account.Principal{Kind: account.KindUser, ID: "id-" + name, Name: name, Role: role}, nil
}

func (people) Bearer(_ context.Context, token string) (account.Principal, error) {
	if p, ok := narrowed[token]; ok {
		p.Kind, p.ID, p.Name = account.KindToken, token, token
		return p, nil
	}
	switch token {
	case "dkb_ci":
		return account.Principal{Kind: account.KindToken, ID: "ci-id", Name: "ci", Role: account.Contributor}, nil
	case "dkb_second":
		return account.Principal{Kind: account.KindToken, ID: "second-id", Name: "second", Role: account.Owner, Registry: "secondregistry"}, nil
	}
	return account.Principal{}, fault.New(fault.Unauthenticated, "The token is not valid here.")
}

// house is the mounted door with everything behind it.
type house struct {
	t      testing.TB
	host   string // host:port
	data   *kept
	files  *blobs.Files
	bucket *blobs.Cloud // instead of them; nil: none
	dir    string
	door   *oci.Door
	log    logged
	mu     sync.Mutex
	clock  time.Time
}

// logged is what the house has written into its log.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds lines.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of them.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := emptyHouse(t)
	return h.on(storetest.OpenWith(t, store.Options{DSN: storetest.File(t), Now: h.now}))
}

// newHouseInBucket is newHouse with the layers in a part of the tests' bucket instead of the folder.
func newHouseInBucket(t *testing.T, part string) *house {
	t.Helper()
	url := os.Getenv("DOCKBELL_TEST_BUCKET")
	if url == "" {
		storetest.Without(t, "DOCKBELL_TEST_BUCKET names no bucket (make test sets it)")
	}
	bucket, err := blobs.OpenCloud(t.Context(), url+"&prefix="+part+"/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	h := emptyHouse(t)
	h.bucket = bucket
	return h.on(storetest.OpenWith(t, store.Options{DSN: storetest.File(t), Now: h.now}))
}

// eachHouse is newHouse on every database there is.
func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := emptyHouse(t)
		test(t, h.on(storetest.OpenWith(t, store.Options{DSN: dsn, Now: h.now})))
	})
}

func emptyHouse(t testing.TB) *house {
	t.Helper()
	return &house{t: t, dir: t.TempDir(), clock: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
}

// on opens the door on a database, with three registries in it.
func (h *house) on(db *store.DB) *house {
	t := h.t
	t.Helper()
	h.data = &kept{DB: db}
	for _, r := range []registry.Registry{
		{Name: "secondregistry", Kind: registry.BuiltIn, Home: "eastus", Created: h.clock.Add(time.Second)},
		{Name: "outside", Kind: registry.External, Home: "eastus", Created: h.clock.Add(-time.Hour)},
		{Name: "mycontainerregistry", Kind: registry.BuiltIn, Home: "local", Created: h.clock},
	} {
		r.ID, r.Tier, r.LoginServer = uuid.NewString(), registry.Premium, string(r.Name)+".example.com"
		if err := db.AddRegistry(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	files, err := blobs.OpenFiles(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	h.files = files
	outbox := &delivery.Outbox{Store: h.data, Now: h.now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(h.now).Next}
	h.door = &oci.Door{
		Metadata: h.data, Blobs: files, Recorder: outbox, Credentials: auth.Credentials{Prover: people{}, Limits: &auth.Limits{Now: h.now}},
		Key: []byte(strings.Repeat("k", 32)), Now: h.now, NewID: uuid.NewString,
	}
	if h.bucket != nil {
		h.door.Blobs = h.bucket
	}
	server := httptest.NewServer(web.New(web.Options{
		Log: slog.New(slog.NewTextHandler(&h.log, nil)), Ready: func(context.Context) error { return nil }, NewID: uuid.NewString, Now: time.Now,
	}, web.Doors{h.door}))
	t.Cleanup(server.Close)
	h.host = strings.TrimPrefix(server.URL, "http://")
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) setPolicies(p registry.Policies) {
	h.t.Helper()
	all, err := h.data.Registries(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range all {
		r.Policies = p
		if err := h.data.UpdateRegistry(h.t.Context(), r); err != nil {
			h.t.Fatal(err)
		}
	}
}

// events gives what was raised since the last call, one line each; the quarantine that goes with each push is left out.
func (h *house) events() []string {
	lines := []string{}
	for _, line := range h.allEvents() {
		if !strings.HasPrefix(line, "quarantine ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// allEvents is events with every quarantine.
func (h *house) allEvents() []string {
	lines := []string{}
	for _, e := range h.data.stored() {
		ev := e.Event
		line := fmt.Sprintf("%s %s", ev.Action, ev.Target.Repository)
		if ev.Target.Tag != "" {
			line += ":" + ev.Target.Tag
		}
		if len(ev.CarriedTags) > 0 {
			line += " carried " + strings.Join(ev.CarriedTags, ",")
		}
		lines = append(lines, line)
	}
	return lines
}

// answered is an answer, read to its end.
type answered struct {
	*http.Response
	body string
}

// option changes a request before it is sent.
type option func(*http.Request)

func as(name string) option { return func(r *http.Request) { r.SetBasicAuth(name, password) } }

func header(key, value string) option { return func(r *http.Request) { r.Header.Set(key, value) } }

func host(name string) option { return func(r *http.Request) { r.Host = name } }

func bearer(token string) option { return header("Authorization", "Bearer "+token) }

// do sends a request as the pusher unless an option says otherwise.
func (h *house) do(method, path, body string, options ...option) answered {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.host, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	r.URL.Path, r.URL.RawQuery = "", query
	r.URL.Opaque = path // sent as it is written
	if len(options) == 0 {
		options = []option{as("pusher")}
	}
	for _, o := range options {
		o(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answered{res, string(text)}
}

// wants fails the test unless the answer has this status and, when it is not empty, holds this text.
func (a answered) wants(t testing.TB, status int, text string) answered {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, text) {
		t.Errorf("%s %s: %d %s, want %d with %q", a.Request.Method, a.Request.URL.Opaque, a.StatusCode, a.body, status, text)
	}
	return a
}

// pushBlob stores content at once and gives its digest.
func (h *house) pushBlob(repo, content string) string {
	h.t.Helper()
	digest := artifact.DigestOf([]byte(content), "")
	h.do("POST", "/v2/"+repo+"/blobs/uploads/?digest="+digest, content).wants(h.t, 201, "")
	return digest
}

func descriptorOf(mediaType, content string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, artifact.DigestOf([]byte(content), ""), len(content))
}

// manifestOf is a manifest with one config and one layer; more is added at its end.
func manifestOf(configType, config, layer, more string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]%s}`, artifact.OCIManifest,
		descriptorOf(configType, config), descriptorOf("application/vnd.oci.image.layer.v1.tar", layer), more)
}

const imageConfig = "application/vnd.oci.image.config.v1+json"

// pushImage stores a small image with its blobs and gives its digest.
func (h *house) pushImage(repo, reference, layer string) string {
	h.t.Helper()
	h.pushBlob(repo, "{}")
	h.pushBlob(repo, layer)
	return h.putManifest(repo, reference, manifestOf(imageConfig, "{}", layer, "")).wants(h.t, 201, "").Header.Get("Docker-Content-Digest")
}

func (h *house) putManifest(repo, reference, body string) answered {
	h.t.Helper()
	return h.do("PUT", "/v2/"+repo+"/manifests/"+reference, body, as("pusher"), header("Content-Type", artifact.OCIManifest))
}
