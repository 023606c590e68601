package oci_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

func TestManifestByTagAndDigest(t *testing.T) {
	h := newHouse(t)
	digest := h.pushImage("team/app", "v1", "layer")
	for _, reference := range []string{"v1", digest} {
		got := h.do("GET", "/v2/team/app/manifests/"+reference, "", as("puller")).wants(t, 200, `"schemaVersion":2`)
		if got.Header.Get("Docker-Content-Digest") != digest || got.Header.Get("Content-Type") != artifact.OCIManifest {
			t.Errorf("headers %v", got.Header)
		}
		if artifact.DigestOf([]byte(got.body), "") != digest {
			t.Error("other bytes came back")
		}
		if head := h.do("HEAD", "/v2/team/app/manifests/"+reference, ""); int(head.ContentLength) != len(got.body) {
			t.Errorf("HEAD says %d bytes, GET gave %d", head.ContentLength, len(got.body))
		}
	}
	h.do("GET", "/v2/team/app/manifests/v2", "").wants(t, 404, "MANIFEST_UNKNOWN")
	h.do("DELETE", "/v2/team/app/manifests/v2", "").wants(t, 404, "MANIFEST_UNKNOWN")
	h.do("GET", "/v2/team/app/manifests/v1", "", as("pusher"), host("secondregistry.example.com")).wants(t, 404, "MANIFEST_UNKNOWN")
	body := manifestOf(imageConfig, "{}", "layer", `,"x":1`)
	sum := artifact.DigestOf([]byte(body), artifact.SHA512)
	if put := h.putManifest("team/app", sum, body).wants(t, 201, ""); put.Header.Get("Location") != "/v2/team/app/manifests/"+sum {
		t.Errorf("Location %q", put.Header.Get("Location"))
	}
	h.do("GET", "/v2/team/app/manifests/"+sum, "").wants(t, 200, `"x":1`)
}

func TestWhatIsTold(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	entries := h.data.stored()
	if len(entries) != 2 || entries[0].Event.Action != event.Quarantine || entries[1].Event.Action != event.Push {
		t.Fatalf("%d events", len(entries))
	}
	ev := entries[1].Event
	if ev.Actor != "pusher" || ev.Location != "local" || ev.Registry != "mycontainerregistry" || ev.Source != "builtin" {
		t.Errorf("event %+v", ev)
	}
	if r := ev.Request; len(r.ID) != 36 || r.Addr != "127.0.0.1" || r.Host != h.host || r.Method != "PUT" || !strings.HasPrefix(r.UserAgent, "Go-http-client") {
		t.Errorf("request %+v", r)
	}
	h.do("DELETE", "/v2/team/app/manifests/v1", "", as("pusher"), header("User-Agent", "bad \xff agent")).wants(t, 202, "")
	h.setPolicies(registry.Policies{AnnounceUntag: true})
	h.pushImage("team/app", "v1", "layer")
	h.events()
	h.do("DELETE", "/v2/team/app/manifests/v1", "").wants(t, 202, "")
	if got := h.events(); !slices.Equal(got, []string{"delete team/app:v1"}) {
		t.Errorf("announced untag: %q", got)
	}
}

func TestChartsAreTold(t *testing.T) {
	h := newHouse(t)
	config := `{"name":"mychart","version":"0.1.0"}`
	h.pushBlob("charts/mychart", config)
	h.pushBlob("charts/mychart", "chart")
	body := manifestOf(artifact.HelmConfig, config, "chart", "")
	digest := artifact.DigestOf([]byte(body), "")
	h.putManifest("charts/mychart", digest, body).wants(t, 201, "") // as helm does: by digest, then by tag
	h.putManifest("charts/mychart", "0.1.0", body).wants(t, 201, "")
	told := h.data.stored()
	if len(told) != 1 {
		t.Fatalf("%d events", len(told))
	}
	target, info := told[0].Event.Target, told[0].Event.Target.Chart
	if told[0].Event.Action != event.ChartPush || target.Repository != "charts/mychart" || target.Tag != "0.1.0" || info.Name != "mychart" || info.Version != "0.1.0" {
		t.Errorf("%s of %+v", told[0].Event.Action, target)
	}
	h.do("DELETE", "/v2/charts/mychart/manifests/"+digest, "").wants(t, 202, "")
	if got := h.events(); !slices.Equal(got, []string{"chart_delete charts/mychart:0.1.0 carried 0.1.0"}) {
		t.Errorf("%q", got)
	}
	h.putManifest("charts/mychart", "x", manifestOf(artifact.HelmConfig, "not there", "chart", "")).wants(t, 400, "MANIFEST_BLOB_UNKNOWN")
	h.pushBlob("charts/mychart", "no json")
	h.putManifest("charts/mychart", "x", manifestOf(artifact.HelmConfig, "no json", "chart", "")).wants(t, 400, "config blob is refused")
	huge := `{"name":"` + strings.Repeat("x", artifact.MaxChartConfig) + `"}`
	h.pushBlob("charts/mychart", huge)
	h.putManifest("charts/mychart", "x", manifestOf(artifact.HelmConfig, huge, "chart", "")).wants(t, 400, "more than 1024 KiB")
}

func TestBadManifests(t *testing.T) {
	h := newHouse(t)
	h.pushBlob("team/app", "{}")
	for name, c := range map[string]struct {
		reference, body, contentType string
		status                       int
		text                         string
	}{
		"not JSON":           {"v1", "{", artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"no type":            {"v1", "{}", "", 400, "MANIFEST_INVALID"},
		"another type":       {"v1", manifestOf(imageConfig, "{}", "{}", ""), artifact.OCIIndex, 400, "Content-Type header says"},
		"schema 1":           {"v1", `{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+json", 400, "schema 1 is not accepted"},
		"wrong digest":       {"sha256:" + strings.Repeat("0", 64), manifestOf(imageConfig, "{}", "{}", ""), artifact.OCIManifest, 400, "DIGEST_INVALID"},
		"bad digest":         {"sha256:zz", "{}", artifact.OCIManifest, 400, "DIGEST_INVALID"},
		"bad tag":            {"-v1", "{}", artifact.OCIManifest, 400, "TAG_INVALID"},
		"missing layer":      {"v1", manifestOf(imageConfig, "{}", "no such layer", ""), artifact.OCIManifest, 400, "MANIFEST_BLOB_UNKNOWN"},
		"missing child":      {"v1", `{"schemaVersion":2,"manifests":[` + descriptorOf(artifact.OCIManifest, "x") + `]}`, artifact.OCIIndex, 400, "MANIFEST_BLOB_UNKNOWN"},
		"too large":          {"v1", strings.Repeat(" ", artifact.MaxManifest+1), artifact.OCIManifest, 413, "SIZE_INVALID"},
		"just not too large": {"v1", strings.Repeat(" ", artifact.MaxManifest), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			h.do("PUT", "/v2/team/app/manifests/"+c.reference, c.body, as("pusher"), header("Content-Type", c.contentType)).wants(t, c.status, c.text)
		})
	}
	if got := h.events(); len(got) != 0 {
		t.Errorf("refused manifests raised %q", got)
	}
	foreign := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[{"mediaType":"a/b","digest":"sha256:%064d","size":5,"urls":["https://example.com"]}]}`,
		artifact.OCIManifest, descriptorOf(imageConfig, "{}"), 0)
	h.putManifest("team/app", "v1", foreign).wants(t, 201, "")
}

// TestNothingIsSaidBeforeTheCommit: while the database refuses there is no 201 and no trace.
func TestNothingIsSaidBeforeTheCommit(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	h.events()
	for want, err := range map[int]error{
		503: fault.New(fault.Unavailable, "The database is busy."), 500: fmt.Errorf("secret path /data/x"),
	} {
		h.data.refuses(err)
		got := h.putManifest("team/app", "v2", manifestOf(imageConfig, "{}", "layer", "")).wants(t, want, "requestId")
		if strings.Contains(got.body, "secret") {
			t.Errorf("the answer tells what is for the log: %s", got.body)
		}
	}
	h.do("GET", "/v2/team/app/manifests/v2", "").wants(t, 404, "MANIFEST_UNKNOWN")
	if got := h.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestOneTagTwoClients(t *testing.T) {
	h := newHouse(t)
	h.pushBlob("team/app", "{}")
	var wait sync.WaitGroup
	for i := range 8 {
		layer := fmt.Sprintf("layer %d", i)
		h.pushBlob("team/app", layer)
		wait.Go(func() { h.putManifest("team/app", "v1", manifestOf(imageConfig, "{}", layer, "")).wants(t, 201, "") })
	}
	wait.Wait()
	if got := h.events(); len(got) != 8 {
		t.Errorf("%d events for 8 pushes: %q", len(got), got)
	}
	h.do("GET", "/v2/team/app/manifests/v1", "").wants(t, 200, "schemaVersion")
}

type index struct {
	SchemaVersion int
	MediaType     string
	Manifests     []struct {
		Digest, ArtifactType string
		Annotations          map[string]string
	}
}

func TestReferrers(t *testing.T) {
	h := newHouse(t)
	subject := h.pushImage("team/app", "v1", "layer")
	h.events()
	path := "/v2/team/app/referrers/" + subject
	h.do("GET", path, "", as("puller")).wants(t, 200, `"manifests":[]`)
	for i, kind := range []string{"a/sbom", "a/sig", "a/sbom"} {
		h.pass(time.Second)
		body := manifestOf("application/vnd.oci.empty.v1+json", "{}", "layer",
			fmt.Sprintf(`,"artifactType":%q,"annotations":{"n":"%d"},"subject":{"mediaType":%q,"digest":%q,"size":1}`, kind, i, artifact.OCIManifest, subject))
		put := h.putManifest("team/app", artifact.DigestOf([]byte(body), ""), body).wants(t, 201, "")
		if put.Header.Get("OCI-Subject") != subject {
			t.Errorf("OCI-Subject %q", put.Header.Get("OCI-Subject"))
		}
	}
	list := func(query string) (index, answered) {
		t.Helper()
		got := h.do("GET", path+query, "", as("puller")).wants(t, 200, "")
		var i index
		if err := json.Unmarshal([]byte(got.body), &i); err != nil || i.MediaType != artifact.OCIIndex || i.SchemaVersion != 2 {
			t.Errorf("%s: %v", got.body, err)
		}
		return i, got
	}
	all, got := list("")
	if len(all.Manifests) != 3 || all.Manifests[1].ArtifactType != "a/sig" || all.Manifests[2].Annotations["n"] != "2" || got.Header.Get("OCI-Filters-Applied") != "" {
		t.Errorf("all: %+v %v", all, got.Header)
	}
	if got.Header.Get("Content-Type") != artifact.OCIIndex {
		t.Errorf("Content-Type %q", got.Header.Get("Content-Type"))
	}
	some, got := list("?artifactType=a/sbom")
	if len(some.Manifests) != 2 || got.Header.Get("OCI-Filters-Applied") != "artifactType" {
		t.Errorf("filtered: %+v %v", some, got.Header)
	}
	var seen []string
	for query := "?n=1&artifactType=a/sbom"; query != ""; {
		one, got := list(query)
		for _, m := range one.Manifests {
			seen = append(seen, m.Digest)
		}
		query = nextQuery(got)
	}
	if len(seen) != 2 || seen[0] != some.Manifests[0].Digest || seen[1] != some.Manifests[1].Digest {
		t.Errorf("paged: %q", seen)
	}
	h.do("GET", "/v2/team/nowhere/referrers/"+subject, "", as("puller")).wants(t, 200, `"manifests":[]`)
	h.do("GET", "/v2/team/app/referrers/sha256:x", "", as("puller")).wants(t, 400, "DIGEST_INVALID")
	if got := h.events(); len(got) != 0 {
		t.Errorf("referrers raised %q", got)
	}
}

// nextQuery is the query of the Link header; "" on the last page.
func nextQuery(a answered) string {
	link := a.Header.Get("Link")
	_, rest, _ := strings.Cut(link, "?")
	query, _, ok := strings.Cut(rest, ">")
	if !ok {
		return ""
	}
	return "?" + query
}

func TestLists(t *testing.T) {
	h := newHouse(t)
	h.do("GET", "/v2/team/app/tags/list", "").wants(t, 404, "NAME_UNKNOWN")
	h.do("GET", "/v2/_catalog", "").wants(t, 200, `{"repositories":[]}`)
	for _, tag := range []string{"c", "a", "b"} {
		h.pushImage("team/app", tag, "layer")
	}
	h.pushImage("team/zzz", "v1", "layer")
	h.do("GET", "/v2/team/app/tags/list", "").wants(t, 200, `{"name":"team/app","tags":["a","b","c"]}`)
	h.do("GET", "/v2/team/app/tags/list?n=0", "").wants(t, 200, `"tags":[]`)
	h.do("GET", "/v2/team/app/tags/list?last=a", "").wants(t, 200, `"tags":["b","c"]`)
	h.do("GET", "/v2/team/app/tags/list?n=-1", "").wants(t, 400, "UNSUPPORTED")
	h.do("GET", "/v2/team/app/tags/list?n=many", "").wants(t, 400, "UNSUPPORTED")
	h.do("GET", "/v2/team/app/tags/list?last=%00", "").wants(t, 400, "UNSUPPORTED")
	var tags []string
	for query, pages := "?n=2", 0; query != ""; pages++ {
		got := h.do("GET", "/v2/team/app/tags/list"+query, "").wants(t, 200, "")
		var page struct{ Tags []string }
		if err := json.Unmarshal([]byte(got.body), &page); err != nil || len(page.Tags) > 2 || pages > 2 {
			t.Fatalf("%s, %v", got.body, err)
		}
		tags, query = append(tags, page.Tags...), nextQuery(got)
	}
	if !slices.Equal(tags, []string{"a", "b", "c"}) {
		t.Errorf("paged tags %q", tags)
	}
	first := h.do("GET", "/v2/_catalog?n=1", "").wants(t, 200, `{"repositories":["team/app"]}`)
	h.do("GET", "/v2/_catalog"+nextQuery(first), "").wants(t, 200, `{"repositories":["team/zzz"]}`)
}
