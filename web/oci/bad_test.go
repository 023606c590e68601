package oci_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"dockbell/models/artifact"
	"dockbell/models/event"
)

// longName is a repository's name of so many characters.
func longName(n int) string { return "a/" + strings.Repeat("b", n-2) }

// badRequests are what clients get wrong or try on purpose: each is answered with its code of the OCI specification.
func badRequests(h *house) map[string]struct {
	method, path, body, contentType string
	status                          int
	code                            string
} {
	digest := artifact.DigestOf([]byte("content"), "")
	wrong := artifact.DigestOf([]byte("other"), "")
	begin := func() string { return h.do("POST", "/v2/team/app/blobs/uploads/", "").Header.Get("Location") }
	image := manifestOf(imageConfig, "{}", "{}", "")
	const manifests = "/v2/team/app/manifests/"
	return map[string]struct {
		method, path, body, contentType string
		status                          int
		code                            string
	}{
		"wrong digest of a blob":             {"POST", "/v2/team/app/blobs/uploads/?digest=" + wrong, "content", "", 400, "DIGEST_INVALID"},
		"wrong digest at the end":            {"PUT", begin() + "?digest=" + wrong, "content", "", 400, "DIGEST_INVALID"},
		"an algorithm nobody knows":          {"POST", "/v2/team/app/blobs/uploads/?digest=md5:" + digest[7:39], "content", "", 400, "DIGEST_INVALID"},
		"no digest at the end":               {"PUT", begin(), "content", "", 400, "DIGEST_INVALID"},
		"an upload nobody began":             {"PATCH", "/v2/team/app/blobs/uploads/" + strings.Repeat("0", 64), "x", "", 404, "BLOB_UPLOAD_UNKNOWN"},
		"unknown media type":                 {"PUT", manifests + "v1", image, "text/html", 400, "MANIFEST_INVALID"},
		"a manifest of missing blobs":        {"PUT", manifests + "v1", manifestOf(imageConfig, "{}", "nowhere", ""), artifact.OCIManifest, 400, "MANIFEST_BLOB_UNKNOWN"},
		"an index of 10,000 missing ones":    {"PUT", manifests + "v1", manyChildren(10_000), artifact.OCIIndex, 400, "MANIFEST_BLOB_UNKNOWN"},
		"a manifest over 4 MiB":              {"PUT", manifests + "v1", strings.Repeat("x", artifact.MaxManifest+1), artifact.OCIManifest, 413, "SIZE_INVALID"},
		"deeply nested":                      {"PUT", manifests + "v1", manifestOf(imageConfig, "{}", "{}", `,"x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"nested without an end":              {"PUT", manifests + "v1", `{"x":` + strings.Repeat("[", 1_000_000), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"a key that stands twice":            {"PUT", manifests + "v1", manifestOf(imageConfig, "{}", "{}", `,"layers":[]`), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"one that stands twice, escaped":     {"PUT", manifests + "v1", manifestOf(imageConfig, "{}", "{}", `,"c\u006fnfig":{}`), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"text behind the manifest":           {"PUT", manifests + "v1", image + "{}", artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"no UTF-8":                           {"PUT", manifests + "v1", manifestOf(imageConfig, "{}", "{}", ",\"x\":\"\xff\""), artifact.OCIManifest, 400, "MANIFEST_INVALID"},
		"a name of 256 characters":           {"POST", "/v2/" + longName(256) + "/blobs/uploads/", "", "", 400, "NAME_INVALID"},
		"a tag of 129 characters":            {"PUT", manifests + strings.Repeat("t", 129), image, artifact.OCIManifest, 400, "TAG_INVALID"},
		"a name with capitals":               {"PUT", "/v2/Team/app/manifests/v1", image, artifact.OCIManifest, 400, "NAME_INVALID"},
		"a path upwards":                     {"PUT", "/v2/../../etc/manifests/v1", image, artifact.OCIManifest, 400, "NAME_INVALID"},
		"a path upwards in the middle":       {"POST", "/v2/team/../../etc/blobs/uploads/", "", "", 400, "NAME_INVALID"},
		"a path upwards, escaped":            {"POST", "/v2/team%2f..%2f..%2fetc/blobs/uploads/", "", "", 400, "NAME_INVALID"},
		"a path upwards as a digest":         {"GET", "/v2/team/app/blobs/sha256:..%2f..%2fdockbell.db", "", "", 400, "NAME_INVALID"},
		"a path upwards as a bare digest":    {"GET", "/v2/team/app/blobs/..", "", "", 400, "DIGEST_INVALID"},
		"a path upwards as an upload":        {"PATCH", "/v2/team/app/blobs/uploads/..", "x", "", 404, "BLOB_UPLOAD_UNKNOWN"},
		"a path upwards as an Azure path":    {"DELETE", "/acr/v1/..%2f..%2fetc", "", "", 400, "NAME_INVALID"},
		"a mount from a path upwards":        {"POST", "/v2/team/app/blobs/uploads/?mount=" + digest + "&from=../../etc", "", "", 400, "NAME_INVALID"},
		"a chunk that begins in the future":  {"PATCH", begin() + "#7-8", "xx", "", 416, "BLOB_UPLOAD_INVALID"},
		"a chunk that ends before its start": {"PATCH", begin() + "#8-7", "xx", "", 400, "BLOB_UPLOAD_INVALID"},
		"a chunk of another length":          {"PATCH", begin() + "#0-7", "xx", "", 400, "SIZE_INVALID"},
		"a chunk of no numbers":              {"PATCH", begin() + "#a-b", "xx", "", 400, "BLOB_UPLOAD_INVALID"},
		"a chunk of a huge number":           {"PATCH", begin() + "#0-99999999999999999999", "xx", "", 400, "BLOB_UPLOAD_INVALID"},
	}
}

// manyChildren is an index of so many manifests that are not there.
func manyChildren(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = descriptorOf(artifact.OCIManifest, fmt.Sprint("child ", i))
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, artifact.OCIIndex, strings.Join(list, ","))
}

// TestBadInput: each of them has its code and a line in the log, and nothing of it is left behind.
func TestBadInput(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.pushBlob("team/app", "{}")
		for name, c := range badRequests(h) {
			path, contentRange, _ := strings.Cut(c.path, "#")
			options := []option{as("pusher"), header("Content-Type", c.contentType)}
			if contentRange != "" {
				options = append(options, header("Content-Range", contentRange))
			}
			before := len(h.log.String())
			got := h.do(c.method, path, c.body, options...)
			if got.StatusCode != c.status || !strings.Contains(got.body, `{"errors":[{"code":"`+c.code+`","message":"`) {
				t.Errorf("%s: %d %.300s, want %d with %s", name, got.StatusCode, got.body, c.status, c.code)
			}
			if line := h.log.String()[before:]; !strings.Contains(line, fmt.Sprintf("method=%s", c.method)) || !strings.Contains(line, fmt.Sprintf("status=%d", c.status)) {
				t.Errorf("%s: the log says %q", name, line)
			}
			if c.method == "PATCH" && c.status != 404 {
				h.do("DELETE", path, "").wants(t, 204, "")
			}
		}
		if got := h.allEvents(); len(got) != 0 {
			t.Errorf("refusals raised %q", got)
		}
		if uploads, blobs := h.count(); uploads != 1 || blobs != 1 { // what was ended without a digest can go on
			t.Errorf("%d uploads and %d blobs are left", uploads, blobs)
		}
		h.do("GET", "/v2/_catalog", "").wants(t, 200, `{"repositories":[]}`)
	})
}

// TestNamesAtTheirLimits: as long as names may be they work everywhere.
func TestNamesAtTheirLimits(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		repo, tag := longName(artifact.MaxRepository), strings.Repeat("T", 128)
		digest := h.pushImage(repo, tag, "layer")
		h.do("GET", "/v2/"+repo+"/manifests/"+tag, "").wants(t, 200, "")
		h.do("GET", "/v2/"+repo+"/tags/list", "").wants(t, 200, tag)
		h.do("GET", "/acr/v1/"+repo+"/_tags/"+tag, "").wants(t, 200, digest)
		h.raised("the push", "quarantine "+repo+":"+tag, "push "+repo+":"+tag)
		h.do("DELETE", "/v2/"+repo+"/manifests/"+digest, "").wants(t, 202, "")
		h.raised("the deletion", "delete "+repo+" carried "+tag)
	})
}

// TestAnIndexOfThousands: an index may name ten thousand manifests; it goes as it came.
func TestAnIndexOfThousands(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var children []string
		for i := range 50 {
			children = append(children, h.pushImage("team/app", fmt.Sprint("child", i), fmt.Sprint("layer ", i)))
		}
		h.events()
		index := h.putIndex("team/app", "v1", slices.Repeat(children, 200)...)
		h.raised("an index of 10,000", "quarantine team/app:v1", "push team/app:v1")
		h.do("GET", "/v2/team/app/manifests/"+index, "").wants(t, 200, children[49])
		h.do("DELETE", "/v2/team/app/manifests/"+index, "").wants(t, 202, "")
		h.raised("its deletion", "delete team/app carried v1")
		h.do("GET", "/v2/team/app/manifests/"+children[0], "").wants(t, 200, "")
	})
}

// TestTheLastOfTwoWins: when clients push a tag at once each push is told, and the tag stays at the one told last.
func TestTheLastOfTwoWins(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.pushBlob("team/app", "{}")
		for round := range 20 {
			tag := fmt.Sprint("v", round)
			var both sync.WaitGroup
			for client := range 2 {
				body := manifestOf(imageConfig, "{}", "{}", fmt.Sprintf(`,"annotations":{"client":"%d","round":"%d"}`, client, round))
				both.Go(func() { h.putManifest("team/app", tag, body).wants(t, 201, "") })
			}
			both.Wait()
			told, err := h.data.Events(t.Context(), event.Filter{Registry: "mycontainerregistry", Action: event.Push, Limit: 2})
			if err != nil || len(told.Events) != 2 || told.Events[0].Target.Tag != tag || told.Events[1].Target.Tag != tag {
				t.Fatalf("%s: %+v, %v", tag, told.Events, err)
			}
			if got := h.do("HEAD", "/v2/team/app/manifests/"+tag, "").Header.Get("Docker-Content-Digest"); got != told.Events[0].Target.Digest {
				t.Errorf("%s is at %s, told last was %s", tag, got, told.Events[0].Target.Digest)
			}
		}
	})
}
