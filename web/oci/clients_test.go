package oci_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dockbell/models/registry"
	"dockbell/web/webtest"
)

// step is one command line of a real client, what it must print and the events it must raise.
type step struct {
	command string
	prints  string
	raises  []string
}

// events in the words of house.events; a step without any raises nothing.
func raises(lines ...string) []string { return lines }

// clientSteps are what people do, in their clients' own words. H is the registry, U and P are a contributor's.
var clientSteps = []step{
	{"crane auth login H -u U -p P --insecure", "", nil},
	{"skopeo login --tls-verify=false -u U -p P H", "Login Succeeded", nil},
	{"oras login --plain-http -u U -p P H", "Login Succeeded", nil},
	{"helm registry login H --plain-http -u U -p P", "Login Succeeded", nil},

	{"crane append --insecure -f l1.tar -t H/test/app:v1", "", raises("push test/app:v1")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/test/app:v2", "", raises("push test/app:v2")},
	{"crane tag --insecure H/test/app:v1 stable", "", raises("push test/app:stable")},
	{"crane copy --insecure H/test/app:v1 H/test/app2:v1", "", raises("push test/app2:v1")},
	{"crane copy --insecure H/test/app:v1 H/test/app2:v1", "", nil},
	{"crane append --insecure --oci-empty-base -f l1.tar -t H/stage/amd:x", "", raises("push stage/amd:x")},
	{"crane mutate --insecure H/stage/amd:x --set-platform linux/amd64 -t H/stage/amd:x", "", raises("push stage/amd:x")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/stage/arm:x", "", raises("push stage/arm:x")},
	{"crane mutate --insecure H/stage/arm:x --set-platform linux/arm64 -t H/stage/arm:x", "", raises("push stage/arm:x")},
	{"crane index append --insecure -m H/stage/amd:x -m H/stage/arm:x -t H/test/multi:v1", "", raises("push test/multi:v1")},

	{"skopeo copy --insecure-policy --all --src-tls-verify=false docker://H/test/multi:v1 oci:layout:v1", "", nil},
	{"skopeo copy --insecure-policy --all --dest-tls-verify=false oci:layout:v1 docker://H/test/skmulti:v1", "", raises("push test/skmulti:v1")},
	{"skopeo copy --insecure-policy --format v2s2 --override-arch amd64 --dest-tls-verify=false oci:layout:v1 docker://H/test/skv2:v1", "", raises("push test/skv2:v1")},
	{"skopeo inspect --tls-verify=false docker://H/test/skv2:v1", `"Architecture": "amd64"`, nil},
	{"skopeo list-tags --tls-verify=false docker://H/test/app", `"stable"`, nil},

	{"oras push --plain-http H/test/art:v1 sbom.json:application/json --artifact-type application/vnd.example.thing", "", raises("push test/art:v1")},
	{"oras attach --plain-http H/test/app:v2 sbom.json:application/spdx+json --artifact-type application/spdx+json", "", nil},
	{"oras discover --plain-http H/test/app:v2", "application/spdx+json", nil},
	{"oras pull --plain-http H/test/art:v1 -o out", "", nil},
	{"oras cp -r --from-plain-http --to-plain-http H/test/app:v2 H/test/appcp:v2", "", raises("push test/appcp:v2")},
	{"oras discover --plain-http H/test/appcp:v2", "application/spdx+json", nil},

	{"helm create mychart", "", nil},
	{"helm package mychart", "", nil},
	{"helm push mychart-0.1.0.tgz oci://H/charts --plain-http", "Digest: sha256:", raises("chart_push charts/mychart:0.1.0")},
	{"helm show chart oci://H/charts/mychart --version 0.1.0 --plain-http", "name: mychart", nil},
	{"helm pull oci://H/charts/mychart --version 0.1.0 --plain-http -d out", "Pulled", nil},

	{"crane catalog --insecure H", "charts/mychart", nil},
	{"crane ls --insecure H/test/app", "stable", nil},
	{"crane validate --insecure --remote H/test/app:v2", "PASS", nil},

	{"crane delete --insecure H/test/app:stable", "", nil},
	{"crane delete --insecure H/test/app@DIGEST(H/test/app:v1)", "", raises("delete test/app carried v1")},
	{"skopeo delete --tls-verify=false docker://H/test/skv2:v1", "", raises("delete test/skv2 carried v1")},
	{"oras manifest delete --plain-http -f H/test/art@DIGEST(H/test/art:v1)", "", raises("delete test/art carried v1")},
	{"crane delete --insecure H/test/multi@DIGEST(H/test/multi:v1)", "", raises("delete test/multi carried v1")},
	{"crane delete --insecure H/charts/mychart@DIGEST(H/charts/mychart:0.1.0)", "", raises("chart_delete charts/mychart:0.1.0 carried 0.1.0")},
	{"skopeo logout H", "", nil},
}

// TestRealClients runs crane, skopeo, oras and helm as their users do.
func TestRealClients(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		c := h.clients()
		h.walk(c, clientSteps, h.events)
		got, err := os.ReadFile(filepath.Join(c.Dir, "out", "sbom.json"))
		if err != nil || string(got) != `{"spdxVersion":"SPDX-2.3"}` {
			t.Errorf("oras pulled %q, %v", got, err)
		}
		if _, err := os.Stat(filepath.Join(c.Dir, "out", "mychart-0.1.0.tgz")); err != nil {
			t.Error(err)
		}
	})
}

func (h *house) clients() *webtest.Clients {
	h.t.Helper()
	c := webtest.NewClients(h.t, h.host, "pusher", password)
	c.WriteLayer("l1.tar", "one")
	c.WriteLayer("l2.tar", "two")
	c.Write("sbom.json", []byte(`{"spdxVersion":"SPDX-2.3"}`))
	return c
}

// walk goes step by step; "release H/repository:tag" is what a scanner does about an image.
func (h *house) walk(c *webtest.Clients, steps []step, raised func() []string) {
	h.t.Helper()
	for _, one := range steps {
		if image, ok := strings.CutPrefix(one.command, "release H/"); ok {
			h.release(image)
		} else if out := c.Run(one.command); !strings.Contains(out, one.prints) {
			h.t.Errorf("%s\nprints %q, want %q in it", one.command, out, one.prints)
		}
		if got := raised(); !slices.Equal(got, one.raises) && len(got)+len(one.raises) > 0 {
			h.t.Errorf("%s\nraises %q, want %q", one.command, got, one.raises)
		}
	}
}

func (h *house) release(image string) {
	h.t.Helper()
	repo, tag, _ := strings.Cut(image, ":")
	digest := h.do("HEAD", "/v2/"+repo+"/manifests/"+tag, "", as("owner")).Header.Get("Docker-Content-Digest")
	h.do("PATCH", "/acr/v1/"+repo+"/_manifests/"+digest, `{"quarantineState":"Passed"}`, as("owner")).wants(h.t, 200, "")
}

// signIns are the first steps of each script.
var signIns = clientSteps[:4]

// announcedSteps are those whose events the two switches change, as Azure has them: one push for each manifest.
var announcedSteps = []step{
	{"crane append --insecure --oci-empty-base -f l1.tar -t H/stage/amd:x", "", raises("push stage/amd:x")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/stage/arm:x", "", raises("push stage/arm:x")},
	{"crane index append --insecure -m H/stage/amd:x -m H/stage/arm:x -t H/test/multi:v1", "", raises("push test/multi", "push test/multi", "push test/multi:v1")},
	{"skopeo copy --insecure-policy --all --src-tls-verify=false docker://H/test/multi:v1 oci:layout:v1", "", nil},
	{
		"skopeo copy --insecure-policy --all --dest-tls-verify=false oci:layout:v1 docker://H/test/skmulti:v1", "",
		raises("push test/skmulti", "push test/skmulti", "push test/skmulti:v1"),
	},
	{"crane tag --insecure H/stage/amd:x stable", "", raises("push stage/amd:stable")},
	{"crane copy --insecure H/stage/amd:x H/stage/amd:stable", "", nil},
	{"oras attach --plain-http H/stage/amd:x sbom.json:application/spdx+json --artifact-type application/spdx+json", "", raises("push stage/amd")},
	{
		"oras cp -r --from-plain-http --to-plain-http H/stage/amd:x H/test/appcp:v2", "",
		raises("push test/appcp", "push test/appcp", "push test/appcp:v2"),
	},
	{"helm create mychart", "", nil},
	{"helm package mychart", "", nil},
	{"helm push mychart-0.1.0.tgz oci://H/charts --plain-http", "Digest: sha256:", raises("chart_push charts/mychart", "chart_push charts/mychart:0.1.0")},
	{"crane delete --insecure H/stage/amd:stable", "", raises("delete stage/amd:stable")},
	{"crane delete --insecure H/stage/amd@DIGEST(H/stage/amd:x)", "", raises("delete stage/amd carried x")},
	{"skopeo delete --tls-verify=false docker://H/test/skmulti:v1", "", raises("delete test/skmulti carried v1")},
	{"oras manifest delete --plain-http -f H/test/appcp@DIGEST(H/test/appcp:v2)", "", raises("delete test/appcp carried v2")},
	{"crane delete --insecure H/charts/mychart@DIGEST(H/charts/mychart:0.1.0)", "", raises("chart_delete charts/mychart:0.1.0 carried 0.1.0")},
}

// TestRealClientsAnnounced is the script with both switches on.
func TestRealClientsAnnounced(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{AnnounceUntagged: true, AnnounceUntag: true})
	h.walk(h.clients(), slices.Concat(signIns, announcedSteps), h.events)
}

// heldSteps are pushes that wait for their release, by clients that read by digest what they have just pushed.
var heldSteps = []step{
	{"crane append --insecure --oci-empty-base -f l1.tar -t H/stage/amd:x", "", raises("quarantine stage/amd:x")},
	{"release H/stage/amd:x", "", raises("push stage/amd:x")},
	{"crane tag --insecure H/stage/amd:x stable", "", raises("quarantine stage/amd:stable", "push stage/amd:stable")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/stage/arm:x", "", raises("quarantine stage/arm:x")},
	{"release H/stage/arm:x", "", raises("push stage/arm:x")},
	{"crane copy --insecure H/stage/amd:x H/test/copy:v1", "", raises("quarantine test/copy:v1")},
	{"crane index append --insecure -m H/stage/amd:x -m H/stage/arm:x -t H/test/multi:v1", "", raises("quarantine test/multi:v1")},
	{"release H/test/multi:v1", "", raises("push test/multi:v1")},
	{"skopeo copy --insecure-policy --all --src-tls-verify=false docker://H/test/multi:v1 oci:layout:v1", "", nil},
	{"skopeo copy --insecure-policy --all --dest-tls-verify=false oci:layout:v1 docker://H/test/skmulti:v1", "", raises("quarantine test/skmulti:v1")},
	{"release H/test/skmulti:v1", "", raises("push test/skmulti:v1")},
	{"skopeo inspect --override-arch amd64 --tls-verify=false docker://H/test/skmulti:v1", "sha256:", nil},
	{"oras push --plain-http H/test/art:v1 sbom.json:application/json --artifact-type application/vnd.example.thing", "", raises("quarantine test/art:v1")},
	{"oras attach --plain-http H/stage/arm:x sbom.json:application/spdx+json --artifact-type application/spdx+json", "", nil},
	{"helm create mychart", "", nil},
	{"helm package mychart", "", nil},
	{"helm push mychart-0.1.0.tgz oci://H/charts --plain-http", "Digest: sha256:", raises("quarantine charts/mychart:0.1.0")},
	{"release H/charts/mychart:0.1.0", "", raises("chart_push charts/mychart:0.1.0")},
	{"helm pull oci://H/charts/mychart --version 0.1.0 --plain-http", "Pulled", nil},
	{"crane delete --insecure H/test/art:v1", "", nil},
	{"crane delete --insecure H/test/multi@DIGEST(H/test/multi:v1)", "", raises("delete test/multi carried v1")},
}

// TestRealClientsUnderQuarantine is the script where everything new is held until it is released.
func TestRealClientsUnderQuarantine(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{Quarantine: true})
	h.walk(h.clients(), slices.Concat(signIns, heldSteps), h.allEvents)
}
