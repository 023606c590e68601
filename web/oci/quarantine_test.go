package oci_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// indexOf is an index of manifests that are in the repository.
func indexOf(children ...string) string {
	var list []string
	for _, digest := range children {
		list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":7}`, artifact.OCIManifest, digest))
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, artifact.OCIIndex, strings.Join(list, ","))
}

func (h *house) putIndex(repo, reference string, children ...string) string {
	h.t.Helper()
	return h.do("PUT", "/v2/"+repo+"/manifests/"+reference, indexOf(children...), as("pusher"), header("Content-Type", artifact.OCIIndex)).
		wants(h.t, 201, "").Header.Get("Docker-Content-Digest")
}

// raised fails the test unless exactly these events were raised since the last call, every quarantine included.
func (h *house) raised(what string, want ...string) {
	h.t.Helper()
	if got := h.allEvents(); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		h.t.Errorf("%s raised %q, want %q", what, got, want)
	}
}

// TestQuarantine walks Azure's way of a held image: pushed, scanned by its digest, released with everything it is made of.
func TestQuarantine(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.setPolicies(registry.Policies{Quarantine: true})
		child := h.pushImage("team/app", "child", "layer")
		h.raised("push of a tag", "quarantine team/app:child")
		other := h.pushImage("team/app", artifact.DigestOf([]byte(manifestOf(imageConfig, "{}", "layer2", "")), ""), "layer2")
		h.raised("push by digest")
		index := h.putIndex("team/app", "v1", child, other)
		h.raised("push of an index", "quarantine team/app:v1")

		path := "/v2/team/app/manifests/"
		for _, c := range []struct {
			who, reference string
			status         int
		}{
			{"puller", "v1", 404}, {"puller", index, 403}, {"puller", child, 403}, {"puller", other, 403},
			{"pusher", "v1", 404}, {"pusher", index, 200}, {"pusher", child, 200},
			{"owner", "v1", 200}, {"owner", index, 200},
		} {
			h.do("GET", path+c.reference, "", as(c.who)).wants(t, c.status, "")
			h.do("HEAD", path+c.reference, "", as(c.who)).wants(t, c.status, "")
		}
		// The same through the token service, whatever the client asked a token for.
		token := tokenOf(t, h.do("GET", "/oauth2/token?scope=repository:team/app:pull", "", as("pusher"))).Token
		h.do("GET", path+index, "", bearer(token)).wants(t, 200, "")
		h.do("GET", path+"v1", "", bearer(token)).wants(t, 404, "MANIFEST_UNKNOWN")
		h.do("GET", "/v2/team/app/tags/list", "", as("puller")).wants(t, 200, `"tags":[]`)
		h.do("GET", "/v2/team/app/tags/list", "", as("pusher")).wants(t, 200, `"tags":["child","v1"]`)
		h.do("GET", "/v2/team/app/blobs/"+artifact.DigestOf([]byte("layer"), ""), "", as("puller")).wants(t, 200, "layer")

		azure := "/acr/v1/team/app/_manifests/" + index
		passed := `{"quarantineState":"Passed","quarantineDetails":"{\"scanner\":\"x\"}"}`
		h.do("PATCH", azure, passed, nobody).wants(t, 401, "")
		h.do("PATCH", azure, passed, as("puller")).wants(t, 403, "")
		h.do("PATCH", azure, passed, as("pusher")).wants(t, 403, "")
		h.do("PATCH", azure, `{"quarantineState":"Fine"}`, as("owner")).wants(t, 400, "Passed, Failed or Quarantined")
		h.do("PATCH", azure, `{"quarantineState":"Failed","quarantineDetails":"virus"}`, as("owner")).wants(t, 200, `"quarantineState":"Failed","quarantineDetails":"virus"`)
		h.do("GET", path+"v1", "", as("puller")).wants(t, 404, "")
		h.raised("refusals and a rejection")

		h.do("PATCH", azure, passed, as("owner")).wants(t, 200, `"quarantineState":"Passed"`)
		h.raised("release", "push team/app:v1", "push team/app:child")
		for _, reference := range []string{"v1", "child", index, child, other} {
			h.do("GET", path+reference, "", as("puller")).wants(t, 200, "")
		}
		h.do("PATCH", azure, passed, as("owner")).wants(t, 200, "")
		h.raised("a second release")
		h.putIndex("team/app", "v1", child, other)
		h.raised("a push of known content", "quarantine team/app:v1", "push team/app:v1")
		h.do("PATCH", azure, `{"quarantineState":"Quarantined"}`, as("owner")).wants(t, 200, "")
		h.setPolicies(registry.Policies{})
		h.do("GET", path+"v1", "", as("puller")).wants(t, 404, "")
		h.raised("taken back")
	})
}

// TestReferrersFollowTheirSubject: a signature is held as long as what it signs, and goes with it.
func TestReferrersFollowTheirSubject(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{Quarantine: true})
	image := h.pushImage("team/app", "v1", "layer")
	sign := func(n int) string {
		body := manifestOf("application/vnd.oci.empty.v1+json", "{}", "layer",
			fmt.Sprintf(`,"artifactType":"a/sig","annotations":{"n":"%d"},"subject":{"mediaType":%q,"digest":%q,"size":1}`, n, artifact.OCIManifest, image))
		return h.putManifest("team/app", artifact.DigestOf([]byte(body), ""), body).wants(t, 201, "").Header.Get("Docker-Content-Digest")
	}
	signature := sign(1)
	fallback := h.putIndex("team/app", strings.Replace(image, ":", "-", 1))
	list := "/v2/team/app/referrers/" + image
	h.do("GET", list, "", as("puller")).wants(t, 200, `"manifests":[]`)
	h.do("GET", list, "", as("pusher")).wants(t, 200, signature)
	h.do("GET", "/v2/team/app/manifests/"+signature, "", as("puller")).wants(t, 403, "in quarantine")
	h.raised("push", "quarantine team/app:v1")
	h.do("PATCH", "/acr/v1/team/app/_manifests/"+image, `{"quarantineState":"Passed"}`, as("owner")).wants(t, 200, "")
	h.raised("release", "push team/app:v1")
	h.do("GET", list, "", as("puller")).wants(t, 200, signature)
	h.do("GET", "/v2/team/app/manifests/"+fallback, "", as("puller")).wants(t, 200, "")
	h.do("GET", "/v2/team/app/manifests/"+sign(2), "", as("puller")).wants(t, 200, "")
	h.raised("a later signature")
}

// TestQuarantinedChart: helm pushes by digest, reads it back and pushes by tag; one chart push comes with the release.
func TestQuarantinedChart(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{Quarantine: true})
	config := `{"name":"mychart","version":"0.1.0"}`
	h.pushBlob("charts/mychart", config)
	h.pushBlob("charts/mychart", "chart")
	body := manifestOf(artifact.HelmConfig, config, "chart", "")
	digest := artifact.DigestOf([]byte(body), "")
	h.putManifest("charts/mychart", digest, body).wants(t, 201, "")
	h.do("HEAD", "/v2/charts/mychart/manifests/"+digest, "", as("pusher")).wants(t, 200, "")
	h.putManifest("charts/mychart", "0.1.0", body).wants(t, 201, "")
	h.raised("helm push", "quarantine charts/mychart:0.1.0")
	h.do("PATCH", "/acr/v1/charts/mychart/_manifests/"+digest, `{"quarantineState":"Passed"}`, as("owner")).wants(t, 200, "")
	h.raised("release", "chart_push charts/mychart:0.1.0")
}

// TestAnonymousSeesNoQuarantine: where everybody may pull, nobody sees what is held.
func TestAnonymousSeesNoQuarantine(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{Quarantine: true, AnonymousPull: true})
	digest := h.pushImage("team/app", "v1", "layer")
	h.do("GET", "/v2/team/app/manifests/v1", "", nobody).wants(t, http.StatusNotFound, "")
	h.do("GET", "/v2/team/app/manifests/"+digest, "", nobody).wants(t, http.StatusForbidden, "")
	h.do("GET", "/v2/team/app/tags/list", "", nobody).wants(t, 200, `"tags":[]`)
	h.do("GET", "/acr/v1/team/app/_tags", "", nobody).wants(t, 200, `"tags":[]`)
	h.do("GET", "/acr/v1/team/app/_manifests", "", nobody).wants(t, 200, `"manifests":[]`)
	var all struct {
		Tags []struct{ Name string }
	}
	got := h.do("GET", "/acr/v1/team/app/_tags", "", as("owner")).wants(t, 200, "")
	if err := json.Unmarshal([]byte(got.body), &all); err != nil || len(all.Tags) != 1 || all.Tags[0].Name != "v1" {
		t.Errorf("%s, %v", got.body, err)
	}
}
