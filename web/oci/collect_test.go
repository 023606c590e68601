package oci_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/artifact"
	"dockbell/models/cleanup"
)

// cleaner cleans up the house's registries.
func (h *house) cleaner(grace time.Duration) *cleanup.Cleaner {
	return &cleanup.Cleaner{
		Store: h.data, Blobs: h.files, Recorder: h.door.Recorder, Grace: grace, Waiting: cleanup.Waiting, Now: h.now,
		NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler),
	}
}

// collect cleans up once, and gives what went.
func (h *house) collect(grace time.Duration) cleanup.Report {
	h.t.Helper()
	r, err := h.cleaner(grace).Collect(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// TestCollect: what manifests need stays for ever, the rest for the time of grace.
func TestCollect(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.mu.Lock()
		h.clock = time.Now() // the disk's clock
		h.mu.Unlock()
		index := h.putIndex("team/app", "v1", h.pushImage("team/app", "child", "layer"))
		h.pushImage("team/app", "v1.sha512", "shared")
		h.pushBlob("team/app", "nobody needs this")
		h.pushBlob("team/other", "shared") // no manifest there
		gone := h.pushImage("team/gone", "v1", "gone")
		h.do("DELETE", "/v2/team/gone/manifests/"+gone, "").wants(t, 202, "")
		upload := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "")
		h.do("PATCH", upload.Header.Get("Location"), "half").wants(t, 202, "")
		if r := h.collect(cleanup.Grace); r != (cleanup.Report{}) {
			t.Errorf("within the time of grace %+v went", r)
		}

		h.pass(cleanup.Grace + time.Hour)
		if r := h.collect(cleanup.Grace); r != (cleanup.Report{Links: 4, Blobs: 2, Bytes: int64(len("nobody needs this") + len("gone"))}) {
			t.Errorf("after the time of grace %+v went", r)
		}
		for _, content := range []string{"{}", "layer", "shared"} {
			h.do("GET", "/v2/team/app/blobs/"+artifact.DigestOf([]byte(content), ""), "").wants(t, 200, content)
		}
		h.do("GET", "/v2/team/other/blobs/"+artifact.DigestOf([]byte("shared"), ""), "").wants(t, 404, "BLOB_UNKNOWN")
		h.do("GET", "/v2/team/app/manifests/"+index, "").wants(t, 200, "")
		h.do("PATCH", upload.Header.Get("Location"), " more").wants(t, 202, "")

		h.pass(cleanup.Waiting)
		if r := h.collect(cleanup.Grace); r != (cleanup.Report{Uploads: 1}) {
			t.Errorf("a week later %+v went", r)
		}
		h.do("PATCH", upload.Header.Get("Location"), " more").wants(t, 404, "BLOB_UPLOAD_UNKNOWN")
	})
}

// TestWhoAsksForABlobKeepsIt: a client that was told that a layer is here need not upload it again, however old it is.
func TestWhoAsksForABlobKeepsIt(t *testing.T) {
	h := newHouse(t)
	digest := h.pushBlob("team/app", "layer")
	h.pushBlob("team/app", "{}")
	h.pass(30 * 24 * time.Hour)
	h.do("HEAD", "/v2/team/app/blobs/"+digest, "").wants(t, 200, "")
	h.do("HEAD", "/v2/team/app/blobs/"+artifact.DigestOf([]byte("{}"), ""), "", as("puller")).wants(t, 200, "") // who only pulls relies on nothing
	if r := h.collect(cleanup.Grace); r.Links != 1 {
		t.Errorf("%+v went", r)
	}
	h.do("HEAD", "/v2/team/app/blobs/"+digest, "").wants(t, 200, "")
	h.pass(cleanup.Grace + time.Hour)
	if r := h.collect(cleanup.Grace); r.Links != 1 {
		t.Errorf("%+v went", r)
	}
}

// TestNeededBlobsStay: nobody deletes a blob from under a manifest.
func TestNeededBlobsStay(t *testing.T) {
	h := newHouse(t)
	manifest := h.pushImage("team/app", "v1", "layer")
	blob := "/v2/team/app/blobs/" + artifact.DigestOf([]byte("layer"), "")
	h.do("DELETE", blob, "").wants(t, 409, "Delete the manifest first")
	h.do("GET", blob, "").wants(t, 200, "layer")
	h.do("DELETE", "/v2/team/app/manifests/"+manifest, "").wants(t, 202, "")
	h.do("DELETE", blob, "").wants(t, 202, "")
	h.do("GET", blob, "").wants(t, 404, "BLOB_UNKNOWN")
}

// pusher pushes images of few layers as clients do: it asks for each layer and uploads what is not there.
type pusher struct {
	h       *house
	name    string
	random  *rand.Rand
	refused *atomic.Int64
}

func (p pusher) push(i int) (manifest string, deleted bool) {
	h, repo := p.h, fmt.Sprintf("race/app%d", p.random.IntN(3))
	config, layer := fmt.Sprintf(`{"n":%d}`, p.random.IntN(5)), fmt.Sprintf("layer %d", p.random.IntN(5))
	body := manifestOf(imageConfig, config, layer, fmt.Sprintf(`,"annotations":{"by":"%s","n":"%d"}`, p.name, i))
	for {
		for _, content := range []string{config, layer} {
			digest := artifact.DigestOf([]byte(content), "")
			if h.do("HEAD", "/v2/"+repo+"/blobs/"+digest, "").StatusCode != http.StatusOK {
				p.upload(repo, digest, content)
			}
		}
		put := h.putManifest(repo, fmt.Sprintf("tag%d", p.random.IntN(20)), body)
		if put.StatusCode == http.StatusCreated {
			break
		}
		put.wants(h.t, 400, "MANIFEST_BLOB_UNKNOWN")
		p.refused.Add(1)
	}
	path := "/v2/" + repo + "/manifests/" + artifact.DigestOf([]byte(body), "")
	if p.random.IntN(3) > 0 {
		h.do("DELETE", path, "").wants(h.t, 202, "")
		return path, true
	}
	return path, false
}

// upload brings a blob in: at once, or mounted from another repository, and where it is not there as the upload that was
// opened instead.
func (p pusher) upload(repo, digest, content string) {
	h := p.h
	at := "/v2/" + repo + "/blobs/uploads/"
	if p.random.IntN(2) == 0 {
		h.do("POST", at+"?digest="+digest, content).wants(h.t, 201, "")
		return
	}
	mounted := h.do("POST", fmt.Sprintf("%s?mount=%s&from=race/app%d", at, digest, p.random.IntN(3)), "")
	if mounted.StatusCode != http.StatusCreated {
		h.do("PUT", mounted.wants(h.t, 202, "").Header.Get("Location")+"?digest="+digest, content).wants(h.t, 201, "")
	}
}

// TestPushesWhileCollecting: however often and without which grace is cleaned up, no accepted manifest lacks a blob; with the
// real time of grace no push is refused either. DOCKBELL_TEST_PUSHES makes it longer than usual.
func TestPushesWhileCollecting(t *testing.T) {
	each := 60
	if more := os.Getenv("DOCKBELL_TEST_PUSHES"); more != "" {
		if _, err := fmt.Sscan(more, &each); err != nil {
			t.Fatal(err)
		}
	}
	for name, grace := range map[string]time.Duration{"no grace": 0, "grace": cleanup.Grace} {
		t.Run(name, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) { pushAndCollect(t, h, grace, each) })
		})
	}
}

func pushAndCollect(t *testing.T, h *house, grace time.Duration, each int) {
	t.Helper()
	const pushers = 8
	var refused atomic.Int64
	var pushing, collecting sync.WaitGroup
	kept := make([][]string, pushers)
	for n := range pushers {
		pushing.Go(func() {
			p := pusher{h, fmt.Sprint(n), rand.New(rand.NewPCG(uint64(n), 7)), &refused}
			for i := range each {
				if manifest, deleted := p.push(i); !deleted {
					kept[n] = append(kept[n], manifest)
				}
			}
		})
	}
	done := make(chan struct{})
	runs := 0
	collecting.Go(func() {
		cleaner := h.cleaner(grace)
		if grace == 0 {
			cleaner.Now = func() time.Time { return time.Now().Add(time.Hour) } // also for what was written this very moment
			h.mu.Lock()
			h.clock = time.Now()
			h.mu.Unlock()
		}
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := cleaner.Collect(t.Context()); err != nil {
				t.Error(err)
				return
			}
			runs++
		}
	})
	pushing.Wait()
	close(done)
	collecting.Wait()
	if grace > 0 && refused.Load() > 0 {
		t.Errorf("%d pushes were refused within the time of grace", refused.Load())
	}
	n := 0
	for _, manifests := range kept {
		for _, path := range manifests {
			h.complete(path)
			n++
		}
	}
	t.Logf("%d pushes beside %d collections: %d refused and repeated, %d manifests complete", pushers*each, runs, refused.Load(), n)
}

// complete fails the test when a manifest, or a blob that it needs, cannot be pulled.
func (h *house) complete(path string) {
	h.t.Helper()
	got := h.do("GET", path, "").wants(h.t, 200, "")
	var m struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := json.Unmarshal([]byte(got.body), &m); err != nil {
		h.t.Fatal(err)
	}
	repo, _, _ := strings.Cut(path, "/manifests/")
	for _, digest := range []string{m.Config.Digest, m.Layers[0].Digest} {
		blob := h.do("GET", repo+"/blobs/"+digest, "").wants(h.t, 200, "")
		if artifact.DigestOf([]byte(blob.body), "") != digest {
			h.t.Errorf("%s: other bytes came back", digest)
		}
	}
}
