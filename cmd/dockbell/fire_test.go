package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dockbell/models/artifact"
	"dockbell/models/registry"
	"dockbell/models/store"
)

// scene is one repository in which something happens, and what the test knows of its manifests.
type scene struct {
	t     *testing.T
	c     *pusher
	base  string
	repo  string
	facts map[string]fact // by digest
}

// put pushes a manifest with its blobs and remembers what it is.
func (s scene) put(reference, manifest string, blobs ...string) {
	s.t.Helper()
	if err := s.c.pushBlobs(s.base, s.repo, blobs...); err != nil {
		s.t.Fatal(err)
	}
	of := fact{mediaType: artifact.OCIManifest, digest: digestOf(manifest), size: len(manifest)}
	if strings.Contains(manifest, artifact.OCIIndex) {
		of.mediaType = artifact.OCIIndex
	}
	if strings.Contains(manifest, artifact.HelmConfig) {
		of.chart = [2]string{"gateway", "2.3.0"}
	}
	s.facts[of.digest] = of
	s.c.putManifest(s.base, s.repo, reference, manifest).wants(http.StatusCreated)
}

// image pushes the same image under each reference.
func (s scene) image(references ...string) {
	s.t.Helper()
	for _, r := range references {
		s.put(r, imageOf("layer"), emptyConfig, "layer")
	}
}

const chartConfig = `{"name":"gateway","version":"2.3.0","apiVersion":"v2"}`

var chartManifest = manifestOf(artifact.HelmConfig, chartConfig, "a packed chart", "")

// chart pushes a chart under each reference.
func (s scene) chart(references ...string) {
	s.t.Helper()
	for _, r := range references {
		s.put(r, chartManifest, chartConfig, "a packed chart")
	}
}

func (s scene) ask(method, path string, want int) {
	s.t.Helper()
	status, err := s.c.send(method, s.base+"/v2/"+s.repo+path, "", "application/octet-stream")
	if err != nil || status != want {
		s.t.Fatalf("%s %s: %d, %v, want %d", method, path, status, err, want)
	}
}

func (s scene) remove(reference string) {
	s.t.Helper()
	s.ask(http.MethodDelete, "/manifests/"+reference, http.StatusAccepted)
}

// attached refers to the image of the scene.
func attached() string {
	return manifestOf("application/vnd.oci.empty.v1+json", emptyConfig, "an SBOM", `,"subject":`+descriptorOf(artifact.OCIManifest, imageOf("layer")))
}

// fireRules are decision 3 of PRODUCT.md and the table A3 of REGISTRY.md: what is done to the repository of a scene, under which
// switches of its registry, and exactly what it rings. Before that happens, and rings nothing that counts.
var fireRules = []struct {
	name     string
	policies registry.Policies
	before   func(scene)
	happens  func(scene)
	rings    []string
}{
	{"a push by tag", registry.Policies{}, nil, func(s scene) { s.image("v1") }, pushed1("v1")},
	{"the same push again", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) { s.image("v1") }, pushed1("v1")},
	{"another tag of it", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) { s.image("stable") }, pushed1("stable")},
	{"a push by digest", registry.Policies{}, nil, func(s scene) { s.image(digestOf(imageOf("layer"))) }, nil},
	{
		"a push by digest, announced", registry.Policies{AnnounceUntagged: true}, nil,
		func(s scene) { s.image(digestOf(imageOf("layer"))) }, rings("all: push", "all: quarantine", "plain: push"),
	},
	{
		"a multi-arch index", registry.Policies{}, nil, func(s scene) {
			one, two := imageOf("amd64"), imageOf("arm64")
			s.put(digestOf(one), one, emptyConfig, "amd64")
			s.put(digestOf(two), two, emptyConfig, "arm64")
			s.put("v1", indexOf(one, two))
		}, pushed1("v1"),
	},
	{"a referrer", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) { s.put(digestOf(attached()), attached(), emptyConfig, "an SBOM") }, nil},
	{"a referrer with a tag", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) { s.put("sbom", attached(), emptyConfig, "an SBOM") }, nil},
	{
		"a fallback tag", registry.Policies{}, func(s scene) { s.image("v1") },
		func(s scene) { s.put(strings.Replace(digestOf("x"), ":", "-", 1), indexOf(imageOf("layer"))) }, nil,
	},
	{
		"blobs, pulls and lists", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) {
			if err := s.c.pushBlobs(s.base, s.repo, "a lonely blob"); err != nil {
				s.t.Fatal(err)
			}
			s.ask(http.MethodPost, "/blobs/uploads/?mount="+digestOf("layer")+"&from="+s.repo, http.StatusCreated)
			for _, path := range []string{"/manifests/v1", "/manifests/" + digestOf(imageOf("layer")), "/blobs/" + digestOf("layer"), "/tags/list"} {
				s.ask(http.MethodGet, path, http.StatusOK)
				if !strings.HasPrefix(path, "/tags") {
					s.ask(http.MethodHead, path, http.StatusOK)
				}
			}
			s.ask(http.MethodDelete, "/blobs/"+digestOf("a lonely blob"), http.StatusAccepted)
		}, nil,
	},
	{
		"what is refused", registry.Policies{}, func(s scene) { s.image("v1") }, func(s scene) {
			s.c.putManifest(s.base, s.repo, "v2", imageOf("never pushed")).wants(http.StatusBadRequest)
			s.c.putManifest(s.base, s.repo, digestOf("x"), imageOf("layer")).wants(http.StatusBadRequest)
			s.ask(http.MethodDelete, "/manifests/v2", http.StatusNotFound)
			s.ask(http.MethodDelete, "/manifests/"+digestOf("x"), http.StatusNotFound)
		}, nil,
	},
	{"a deleted tag", registry.Policies{}, func(s scene) { s.image("v1", "v2") }, func(s scene) { s.remove("v1") }, nil},
	{
		"a deleted tag, announced", registry.Policies{AnnounceUntag: true}, func(s scene) { s.image("v1", "v2") },
		func(s scene) { s.remove("v1") }, rings("all: delete:v1", "plain: delete:v1"),
	},
	{
		"a deleted manifest with two tags", registry.Policies{}, func(s scene) { s.image("v1", "v2") },
		func(s scene) { s.remove(digestOf(imageOf("layer"))) }, rings("all: delete", "plain: delete"),
	},
	{
		"a deleted manifest without a tag", registry.Policies{}, func(s scene) { s.image(digestOf(imageOf("layer"))) },
		func(s scene) { s.remove(digestOf(imageOf("layer"))) }, rings("all: delete", "plain: delete"),
	},
	{
		"a deleted index", registry.Policies{}, func(s scene) {
			s.image(digestOf(imageOf("layer")))
			s.put("v1", indexOf(imageOf("layer")))
		}, func(s scene) { s.remove(digestOf(indexOf(imageOf("layer")))) }, rings("all: delete", "plain: delete"),
	},
	{
		"a chart, by digest and by tag", registry.Policies{}, nil,
		func(s scene) { s.chart(digestOf(chartManifest), "2.3.0") }, rings("all: chart_push:2.3.0", "charts: chart_push:2.3.0", "plain: push:2.3.0"),
	},
	{
		"a deleted chart with two tags", registry.Policies{}, func(s scene) { s.chart("latest", "2.3.0") },
		func(s scene) { s.remove(digestOf(chartManifest)) }, rings("all: chart_delete:2.3.0", "charts: chart_delete:2.3.0", "plain: delete"),
	},
	{"an image under quarantine", registry.Policies{Quarantine: true}, nil, func(s scene) { s.image("v1") }, rings("all: quarantine:v1")},
	{
		"known content under quarantine", registry.Policies{Quarantine: true}, func(s scene) { s.image("v1") },
		func(s scene) { s.image("v2") }, pushed1("v2"),
	},
	{"a chart under quarantine", registry.Policies{Quarantine: true}, nil, func(s scene) { s.chart(digestOf(chartManifest), "2.3.0") }, rings("all: quarantine:2.3.0")},
	{
		"a deletion of what is held", registry.Policies{Quarantine: true}, nil, func(s scene) {
			s.image("v1")
			s.remove(digestOf(imageOf("layer")))
		}, rings("all: delete", "all: quarantine:v1", "plain: delete"),
	},
	{
		"under quarantine, with both switches", registry.Policies{Quarantine: true, AnnounceUntagged: true, AnnounceUntag: true}, nil, func(s scene) {
			s.image(digestOf(imageOf("layer")), "v1")
			s.remove("v1")
		}, rings("all: delete:v1", "all: quarantine", "all: quarantine:v1", "plain: delete:v1"),
	},
	{
		"a multi-arch index, announced", registry.Policies{AnnounceUntagged: true}, nil, func(s scene) {
			one := imageOf("amd64")
			s.put(digestOf(one), one, emptyConfig, "amd64")
			s.put("v1", indexOf(one))
		}, rings("all: push", "all: push:v1", "all: quarantine", "all: quarantine:v1", "plain: push", "plain: push:v1"),
	},
	{
		"a referrer, announced", registry.Policies{AnnounceUntagged: true}, func(s scene) { s.image("v1") },
		func(s scene) { s.put(digestOf(attached()), attached(), emptyConfig, "an SBOM") }, rings("all: push", "all: quarantine", "plain: push"),
	},
	{
		"a chart by digest and by tag, announced", registry.Policies{AnnounceUntagged: true}, nil, func(s scene) { s.chart(digestOf(chartManifest), "2.3.0") },
		rings("all: chart_push", "all: chart_push:2.3.0", "charts: chart_push", "charts: chart_push:2.3.0", "plain: push", "plain: push:2.3.0"),
	},
	{
		"a deleted manifest with two tags, untags announced", registry.Policies{AnnounceUntag: true}, func(s scene) { s.image("v1", "v2") },
		func(s scene) { s.remove(digestOf(imageOf("layer"))) }, rings("all: delete", "plain: delete"),
	},
	{
		"a deleted repository", registry.Policies{}, func(s scene) {
			s.image("v1", "v2")
			s.put("multi", indexOf(imageOf("layer")))
		}, func(s scene) {
			status, err := s.c.send(http.MethodDelete, s.base+"/acr/v1/"+s.repo, "", "")
			if err != nil || status != http.StatusAccepted {
				s.t.Fatalf("the repository is answered %d, %v", status, err)
			}
		}, rings("all: delete", "all: delete", "plain: delete", "plain: delete"),
	},
}

// pushed1 is what one push of an image under a tag rings.
func pushed1(tag string) []string {
	return rings("all: push:"+tag, "all: quarantine:"+tag, "plain: push:"+tag)
}

// TestFireRules does each thing once and compares every call that follows, and every call that must not, with Azure's contract.
func TestFireRules(t *testing.T) {
	const agent = `docker/27.3.1 go/go1.22.7 kernel/6.1 os/linux arch/amd64 UpstreamClient(Docker-Client/27.3.1 \(linux\)) "<&>"`
	eachHouse(t, func(t *testing.T, h *runningHouse, db func() *store.DB) {
		c := newPusher(t, readCredentials(t, h.command("token", "create", "--name", "ci", "--role", "contributor", "--database="+h.database())))
		c.agent = agent
		r, b, data := newRecorder(t), h.browser(), db()
		for name, actions := range map[string]string{
			"all": "push delete quarantine chart_push chart_delete", "plain": "push delete", "charts": "chart_push chart_delete",
		} {
			b.Send(hooksPath, hookForm(name+"bell", r.at(name), "actions", actions, "signed", "")).LeadsLike(hooksPath)
		}
		for i, rule := range fireRules {
			s := scene{t: t, c: c, base: h.url, repo: fmt.Sprintf("team/r%d", i), facts: map[string]fact{}}
			setPolicies(t, data, registry.Policies{})
			if rule.before != nil {
				rule.before(s)
				r.whenIdle(data)
			}
			setPolicies(t, data, rule.policies)
			rule.happens(s)
			s.wants(r.whenIdle(data), rule.name, rule.rings, asker{h.host(), strings.ToLower(agent)})
		}
	})
}

// wants compares what came with what a rule rings.
func (s scene) wants(calls []posted, rule string, want []string, by asker) {
	s.t.Helper()
	var got []string
	for _, c := range calls {
		said := c.told(s.t)
		if said.Target == nil {
			s.t.Fatalf("%s: %s was sent no target: %s", rule, c.hook, c.body)
		}
		of, known := s.facts[said.Target.Digest]
		if !known {
			s.t.Errorf("%s: %s was told of %s, which nobody pushed", rule, c.hook, said.Target.Digest)
		}
		line := c.hook + ": " + said.Action
		if of.tag = said.Target.Tag; of.tag != "" {
			line += ":" + of.tag
		}
		got = append(got, line)
		c.wantsAzure(s.t, s.repo, of, by)
	}
	if slices.Sort(got); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		s.t.Errorf("%s rings %q, want %q", rule, got, want)
	}
}

func setPolicies(t *testing.T, db *store.DB, p registry.Policies) {
	t.Helper()
	reg, err := db.Registry(t.Context(), houseRegistry)
	if err != nil {
		t.Fatal(err)
	}
	reg.Policies = p
	if err := db.UpdateRegistry(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
}
