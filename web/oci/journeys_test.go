package oci_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"dockbell/models/registry"
)

// client is a registry client of everyday use: it signs in with the token service by itself.
type client struct {
	h *house
	t *testing.T
}

func (c client) options() []remote.Option {
	auth := remote.WithAuth(&authn.Basic{Username: "pusher", Password: password})
	return []remote.Option{auth, remote.WithContext(c.t.Context())}
}

func (c client) crane() []crane.Option {
	return []crane.Option{crane.WithAuth(&authn.Basic{Username: "pusher", Password: password}), crane.WithContext(c.t.Context())}
}

func (c client) ref(s string) name.Reference {
	c.t.Helper()
	ref, err := name.ParseReference(c.h.host + "/" + s)
	if err != nil {
		c.t.Fatal(err)
	}
	return ref
}

func (c client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// raised fails the test unless exactly these events were raised by what was just done.
func (c client) raised(what string, want ...string) {
	c.t.Helper()
	if got := c.h.events(); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		c.t.Errorf("%s raised %q, want %q", what, got, want)
	}
}

func (c client) image() v1.Image {
	c.t.Helper()
	img, err := random.Image(512, 2)
	c.must(err)
	return img
}

// multiArch is an index of two images.
func (c client) multiArch() v1.ImageIndex {
	c.t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		platform := &v1.Platform{OS: "linux", Architecture: arch}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: c.image(), Descriptor: v1.Descriptor{Platform: platform}})
	}
	return index
}

// withSubject is an artifact that refers to an image, as cosign and oras attach make them.
func (c client) withSubject(of v1.Image) v1.Image {
	c.t.Helper()
	desc, err := partial.Descriptor(of)
	c.must(err)
	img := mutate.MediaType(mutate.ConfigMediaType(c.image(), "application/vnd.example.sbom"), types.OCIManifestSchema1)
	refers, ok := mutate.Subject(img, *desc).(v1.Image)
	if !ok {
		c.t.Fatal("no image")
	}
	return refers
}

// TestEventsOfClients: what each client action raises (one push = one call, whatever requests it is made of).
func TestEventsOfClients(t *testing.T) {
	h := newHouse(t)
	c := client{h, t}
	img := c.image()
	digest, err := img.Digest()
	c.must(err)

	c.must(remote.Write(c.ref("test/app:v1"), img, c.options()...))
	c.raised("push of a tag", "push test/app:v1")
	c.must(crane.Tag(h.host+"/test/app:v1", "stable", c.crane()...))
	c.raised("another tag", "push test/app:stable")
	c.must(crane.Copy(h.host+"/test/app:v1", h.host+"/test/app:stable", c.crane()...))
	c.raised("copy of an identical tag")
	c.must(crane.Copy(h.host+"/test/app:v1", h.host+"/test/app2:v1", c.crane()...))
	c.raised("copy across repositories", "push test/app2:v1")
	c.must(remote.Write(c.ref("test/app@"+digest.String()), img, c.options()...))
	c.raised("push by digest")

	index := c.multiArch()
	c.must(remote.WriteIndex(c.ref("test/multi:v1"), index, c.options()...))
	c.raised("multi-arch index", "push test/multi:v1")

	sbom := c.withSubject(img)
	sbomDigest, err := sbom.Digest()
	c.must(err)
	c.must(remote.Write(c.ref("test/app@"+sbomDigest.String()), sbom, c.options()...))
	c.raised("attached artifact")
	c.must(remote.Write(c.ref(fmt.Sprintf("test/app:sha256-%s", digest.Hex)), c.image(), c.options()...))
	c.raised("fallback tag")
	refs, err := remote.Referrers(c.ref("test/app@"+digest.String()).(name.Digest), c.options()...)
	c.must(err)
	list, err := refs.IndexManifest()
	if err != nil || len(list.Manifests) != 1 || list.Manifests[0].Digest != sbomDigest {
		t.Errorf("referrers %+v, %v", list, err)
	}

	pulled, err := remote.Image(c.ref("test/multi:v1"), append(c.options(), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "arm64"}))...)
	c.must(err)
	layers, err := pulled.Layers()
	if err != nil || len(layers) != 2 {
		t.Errorf("%d layers, %v", len(layers), err)
	}
	tags, err := crane.ListTags(h.host+"/test/app", c.crane()...)
	if err != nil || !slices.Equal(tags, []string{"sha256-" + digest.Hex, "stable", "v1"}) {
		t.Errorf("tags %q, %v", tags, err)
	}
	repos, err := crane.Catalog(h.host, c.crane()...)
	if err != nil || !slices.Equal(repos, []string{"test/app", "test/app2", "test/multi"}) {
		t.Errorf("catalog %q, %v", repos, err)
	}
	c.raised("reading")

	c.must(remote.Delete(c.ref("test/app:stable"), c.options()...))
	c.raised("delete of a tag")
	c.must(crane.Tag(h.host+"/test/app:v1", "v2", c.crane()...))
	c.raised("tag", "push test/app:v2")
	c.must(remote.Delete(c.ref("test/app@"+digest.String()), c.options()...))
	c.raised("delete by digest", "delete test/app carried v1,v2")
	indexDigest, err := index.Digest()
	c.must(err)
	c.must(remote.Delete(c.ref("test/multi@"+indexDigest.String()), c.options()...))
	c.raised("delete of an index", "delete test/multi carried v1")
	if err := remote.Delete(c.ref("test/app:nowhere"), c.options()...); err == nil {
		t.Error("an unknown tag was deleted")
	}
	c.raised("delete of an unknown tag")
}

// TestAnnounceUntagged is Azure's behaviour, by the registry's switch: one push for each manifest, then without a tag.
func TestAnnounceUntagged(t *testing.T) {
	h := newHouse(t)
	h.setPolicies(registry.Policies{AnnounceUntagged: true})
	c := client{h, t}
	c.must(remote.WriteIndex(c.ref("test/multi:v1"), c.multiArch(), c.options()...))
	c.raised("multi-arch index", "push test/multi", "push test/multi", "push test/multi:v1")
}

// TestAnonymousClient pulls where everybody may, and cannot push.
func TestAnonymousClient(t *testing.T) {
	h := newHouse(t)
	c := client{h, t}
	c.must(remote.Write(c.ref("test/app:v1"), c.image(), c.options()...))
	if _, err := remote.Image(c.ref("test/app:v1")); err == nil {
		t.Error("pulled without signing in")
	}
	h.setPolicies(registry.Policies{AnonymousPull: true})
	if _, err := remote.Image(c.ref("test/app:v1")); err != nil {
		t.Error(err)
	}
	if err := remote.Write(c.ref("test/app:v2"), c.image()); err == nil {
		t.Error("pushed without signing in")
	}
}
