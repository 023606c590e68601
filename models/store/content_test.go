package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// blobOf is a descriptor of a blob with this content.
func blobOf(mediaType, content string) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": artifact.DigestOf([]byte(content), ""), "size": len(content)}
}

// manifestOf parses a manifest made of these fields.
func manifestOf(t testing.TB, mediaType string, fields map[string]any) artifact.Manifest {
	t.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	m, err := artifact.ParseManifest(raw, mediaType, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// imageOf is an image whose config and layer have this content.
func imageOf(t testing.TB, content string) artifact.Manifest {
	t.Helper()
	return manifestOf(t, artifact.OCIManifest, map[string]any{
		"config": blobOf("application/vnd.oci.image.config.v1+json", content+" config"),
		"layers": []any{blobOf("application/vnd.oci.image.layer.v1.tar", content+" layer")},
	})
}

// indexOf is an index of manifests.
func indexOf(t testing.TB, children ...artifact.Manifest) artifact.Manifest {
	t.Helper()
	list := make([]any, 0, len(children))
	for _, c := range children {
		list = append(list, map[string]any{"mediaType": c.MediaType, "digest": c.Digest, "size": c.Size()})
	}
	return manifestOf(t, artifact.OCIIndex, map[string]any{"manifests": list})
}

// linkParts makes a manifest's blobs part of a repository.
func linkParts(t testing.TB, db *store.DB, repository string, m artifact.Manifest) {
	t.Helper()
	for _, blob := range append([]artifact.Descriptor{*m.Config}, m.Layers...) {
		if err := db.LinkBlob(t.Context(), "acmereg", repository, blob.Digest, blob.Size); err != nil {
			t.Fatal(err)
		}
	}
}

// nothing raises no entry.
func nothing(event.Outcome) ([]delivery.Entry, error) { return nil, nil }

// put is the change that stores a manifest.
func putOf(repository, tag string, m artifact.Manifest) event.Change {
	return event.Change{Kind: event.PutManifest, Registry: "acmereg", Repository: repository, Tag: tag, Digest: m.Digest, Manifest: m, Time: noon}
}

// change carries out what the test needs to be done.
func change(t testing.TB, db *store.DB, c event.Change) event.Outcome {
	t.Helper()
	if c.Time.IsZero() {
		c.Time = noon
	}
	c.Registry = "acmereg"
	out, err := db.Record(t.Context(), &c, nothing)
	if err != nil {
		t.Fatalf("%s of %s:%s%s: %v", c.Kind, c.Repository, c.Tag, c.Digest, err)
	}
	return out
}

// refusedChange wants a refusal with this code at this field.
func refusedChange(t *testing.T, db *store.DB, c event.Change, code fault.Code, field string) {
	t.Helper()
	c.Registry, c.Time = "acmereg", noon
	_, err := db.Record(t.Context(), &c, nothing)
	if !fault.Is(err, code) || fault.All(err)[0].Field != field {
		t.Errorf("%s of %s:%s%s: %v, want %s at %s", c.Kind, c.Repository, c.Tag, c.Digest, err, code, field)
	}
}

// tagsOf gives all tags of a repository.
func tagsOf(t *testing.T, db *store.DB, repository string) []string {
	t.Helper()
	tags, more, err := db.Tags(t.Context(), "acmereg", repository, "", 1000)
	if err != nil || more {
		t.Fatalf("tags of %s: %v, more %v", repository, err, more)
	}
	return tags
}

func TestAManifestIsThereByTagAndByDigest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		m := imageOf(t, "one")
		linkParts(t, db, "team/api", m)
		out := change(t, db, putOf("team/api", "v1", m))
		want := []event.Affected{{Repository: "team/api", Digest: m.Digest, MediaType: m.MediaType, Size: m.Size(), Kind: artifact.Image, Tag: "v1"}}
		if d := cmp.Diff(want, out.Affected); d != "" {
			t.Errorf("outcome of the push:\n%s", d)
		}
		for _, reference := range []string{"v1", m.Digest} {
			got, err := db.Manifest(t.Context(), "ACMEREG", "team/api", reference)
			if d := cmp.Diff(m, got); err != nil || d != "" {
				t.Errorf("read by %s: %v\n%s", reference, err, d)
			}
		}
		for _, missing := range [][2]string{{"team/api", "v2"}, {"team/api", "V1"}, {"team", "v1"}, {"team/api", artifact.DigestOf([]byte("x"), "")}} {
			if _, err := db.Manifest(t.Context(), "acmereg", missing[0], missing[1]); !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "manifest" {
				t.Errorf("%v: %v, want not found at manifest", missing, err)
			}
		}
		size, err := db.BlobSize(t.Context(), "acmereg", "team/api", m.Layers[0].Digest)
		if err != nil || size != m.Layers[0].Size {
			t.Errorf("the layer has %d bytes (%v), want %d", size, err, m.Layers[0].Size)
		}
		if _, err := db.BlobSize(t.Context(), "acmereg", "team/other", m.Layers[0].Digest); !fault.Is(err, fault.NotFound) {
			t.Errorf("another repository gives the blob out: %v", err)
		}
	})
}

func TestATagMovesAndTheOldManifestStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		first, second := imageOf(t, "one"), imageOf(t, "two")
		linkParts(t, db, "api", first)
		linkParts(t, db, "api", second)
		change(t, db, putOf("api", "latest", first))
		change(t, db, putOf("api", "latest", second))
		change(t, db, putOf("api", "latest", second)) // the same again changes nothing
		change(t, db, putOf("api", "v2", second))
		if got, err := db.Manifest(t.Context(), "acmereg", "api", "latest"); err != nil || got.Digest != second.Digest {
			t.Errorf("latest is %s (%v), want the second push", got.Digest, err)
		}
		if _, err := db.Manifest(t.Context(), "acmereg", "api", first.Digest); err != nil {
			t.Errorf("the first manifest by digest: %v", err)
		}
		if d := cmp.Diff([]string{"latest", "v2"}, tagsOf(t, db, "api")); d != "" {
			t.Error(d)
		}
		var manifests int64
		if err := db.Read(t.Context()).Table("manifests").Count(&manifests).Error; err != nil || manifests != 2 {
			t.Errorf("%d manifests (%v), want 2: the same digest is the same manifest", manifests, err)
		}
	})
}

func TestAManifestWithoutItsPartsIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		m := imageOf(t, "one")
		refusedChange(t, db, putOf("api", "v1", m), fault.Invalid, "blob")
		linkParts(t, db, "other", m) // elsewhere is not here
		refusedChange(t, db, putOf("api", "v1", m), fault.Invalid, "blob")
		refusedChange(t, db, putOf("api", "v1", indexOf(t, m)), fault.Invalid, "manifest")
		if names, _, err := db.Repositories(t.Context(), "acmereg", "", 10); err != nil || len(names) != 0 {
			t.Errorf("refused pushes left the repositories %v (%v)", names, err)
		}
		linkParts(t, db, "api", m)
		change(t, db, putOf("api", "", m)) // the control: with its parts it is taken
		change(t, db, putOf("api", "v1", indexOf(t, m)))
		if err := db.UnlinkBlob(t.Context(), "acmereg", "api", m.Layers[0].Digest); !fault.Is(err, fault.Conflict) {
			t.Errorf("a blob that a manifest needs was unlinked: %v", err)
		}
		change(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: m.Digest})
		if err := db.UnlinkBlob(t.Context(), "acmereg", "api", m.Layers[0].Digest); err != nil {
			t.Fatal(err)
		}
		refusedChange(t, db, putOf("api", "v1", m), fault.Invalid, "blob")
		if err := db.UnlinkBlob(t.Context(), "acmereg", "api", m.Layers[0].Digest); !fault.Is(err, fault.NotFound) {
			t.Errorf("unlinked twice: %v", err)
		}
	})
}

func TestAManifestOfMoreBlobsThanAStatementTakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		var layers []any
		for i := range 1500 {
			layers = append(layers, blobOf("application/vnd.oci.image.layer.v1.tar", fmt.Sprint("layer", i)))
		}
		m := manifestOf(t, artifact.OCIManifest, map[string]any{"config": blobOf("application/vnd.oci.image.config.v1+json", "{}"), "layers": layers})
		err := db.Write(t.Context(), func(tx *gorm.DB) error {
			for _, blob := range append([]artifact.Descriptor{*m.Config}, m.Layers...) {
				if err := tx.Exec("insert into blob_links values ('acmereg', 'api', ?, ?, 0)", blob.Digest, blob.Size).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.UnlinkBlob(t.Context(), "acmereg", "api", m.Layers[1499].Digest); err != nil {
			t.Fatal(err)
		}
		refusedChange(t, db, putOf("api", "big", m), fault.Invalid, "blob")
		if err := db.LinkBlob(t.Context(), "acmereg", "api", m.Layers[1499].Digest, m.Layers[1499].Size); err != nil {
			t.Fatal(err)
		}
		change(t, db, putOf("api", "big", m))
	})
}

func TestWhatADeletionTakesAlong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		first, second := imageOf(t, "one"), imageOf(t, "two")
		for _, m := range []artifact.Manifest{first, second} {
			linkParts(t, db, "api", m)
			linkParts(t, db, "web", m)
			change(t, db, putOf("web", "keep", m))
		}
		for tag, m := range map[string]artifact.Manifest{"b": first, "a": first, "c": second} {
			change(t, db, putOf("api", tag, m))
		}

		refusedChange(t, db, event.Change{Kind: event.DeleteTag, Repository: "api", Tag: "nosuch"}, fault.NotFound, "manifest")
		refusedChange(t, db, event.Change{Kind: event.DeleteTag, Repository: "nosuch", Tag: "a"}, fault.NotFound, "manifest")
		out := change(t, db, event.Change{Kind: event.DeleteTag, Repository: "api", Tag: "b"})
		if a := out.Affected[0]; len(out.Affected) != 1 || a.Tag != "b" || a.Digest != first.Digest || len(a.Carried) != 0 {
			t.Errorf("deleting a tag: %+v", out.Affected)
		}
		if _, err := db.Manifest(t.Context(), "acmereg", "api", first.Digest); err != nil {
			t.Errorf("its manifest stays: %v", err)
		}
		change(t, db, putOf("api", "b", first))

		refusedChange(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: artifact.DigestOf([]byte("x"), "")}, fault.NotFound, "manifest")
		out = change(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: first.Digest})
		want := []event.Affected{{Repository: "api", Digest: first.Digest, MediaType: first.MediaType, Size: first.Size(), Kind: artifact.Image, Carried: []string{"a", "b"}}}
		if d := cmp.Diff(want, out.Affected); d != "" {
			t.Errorf("deleting a manifest:\n%s", d)
		}
		if d := cmp.Diff([]string{"c"}, tagsOf(t, db, "api")); d != "" {
			t.Error(d)
		}
		change(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: second.Digest})
		if _, _, err := db.Tags(t.Context(), "acmereg", "api", "", 10); !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "repository" {
			t.Errorf("a repository without manifests: %v, want not found", err)
		}

		refusedChange(t, db, event.Change{Kind: event.DeleteRepository, Repository: "api"}, fault.NotFound, "repository")
		change(t, db, putOf("api", "a", first))
		change(t, db, putOf("api", "b", second))
		out = change(t, db, event.Change{Kind: event.DeleteRepository, Repository: "api"})
		carried := map[string][]string{}
		for _, a := range out.Affected {
			carried[a.Digest] = a.Carried
		}
		if d := cmp.Diff(map[string][]string{first.Digest: {"a"}, second.Digest: {"b"}}, carried); d != "" {
			t.Errorf("deleting a repository:\n%s", d)
		}
		if _, err := db.BlobSize(t.Context(), "acmereg", "api", first.Layers[0].Digest); !fault.Is(err, fault.NotFound) {
			t.Errorf("its blobs: %v, want not found", err)
		}
		if names, _, err := db.Repositories(t.Context(), "acmereg", "", 10); err != nil || len(names) != 1 || names[0] != "web" {
			t.Errorf("repositories %v (%v), want web untouched", names, err)
		}
		if d := cmp.Diff([]string{"keep"}, tagsOf(t, db, "web")); d != "" {
			t.Error(d)
		}
	})
}

func TestTagsAndRepositoriesPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		m := imageOf(t, "one")
		linkParts(t, db, "api", m)
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprintf("v%02d", i))
		}
		for i := range want {
			change(t, db, putOf("api", want[len(want)-1-i], m)) // the order of pushes does not count
		}
		for _, n := range []int{1, 7, 24, 25, 26, 100} {
			var got []string
			for after, more := "", true; more; {
				var page []string
				var err error
				if page, more, err = db.Tags(t.Context(), "acmereg", "api", after, n); err != nil {
					t.Fatal(err)
				}
				if len(page) > n || more && len(page) < n {
					t.Fatalf("a page of %d has %d tags, more %v", n, len(page), more)
				}
				got = append(got, page...)
				after = got[len(got)-1]
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("in pages of %d:\n%s", n, d)
			}
		}
		for _, name := range []string{"z", "a/b", "a-b", "a"} {
			linkParts(t, db, name, m)
			change(t, db, putOf(name, "x", m))
		}
		page, more, err := db.Repositories(t.Context(), "acmereg", "a", 3)
		if d := cmp.Diff([]string{"a-b", "a/b", "api"}, page); err != nil || !more || d != "" {
			t.Errorf("three repositories behind a: more %v, %v\n%s", more, err, d)
		}
		if page, more, err := db.Repositories(t.Context(), "acmereg", "api", 3); err != nil || more || len(page) != 1 || page[0] != "z" {
			t.Errorf("behind api: %v, more %v, %v", page, more, err)
		}
	})
}

func TestReferrersOfAManifest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		subject := imageOf(t, "one")
		linkParts(t, db, "api", subject)
		referrer := func(artifactType, name string) artifact.Manifest {
			m := manifestOf(t, artifact.OCIManifest, map[string]any{
				"artifactType": artifactType, "config": blobOf("application/vnd.oci.empty.v1+json", "{}"), "layers": []any{blobOf("text/plain", name)},
				"subject": map[string]any{"mediaType": subject.MediaType, "digest": subject.Digest, "size": subject.Size()}, "annotations": map[string]string{"name": name},
			})
			linkParts(t, db, "api", m)
			return m
		}
		signature, sbom := referrer("application/signature", "first"), referrer("application/sbom", "second")
		put := putOf("api", "", signature)
		out := change(t, db, put) // before its subject, as the specification allows
		if !out.Affected[0].HasSubject {
			t.Error("the outcome does not say that it has a subject")
		}
		put = putOf("api", "", sbom)
		put.Time = noon.Add(1e9)
		change(t, db, put)
		change(t, db, putOf("api", "v1", subject))
		for artifactType, want := range map[string][]string{"": {"first", "second"}, "application/sbom": {"second"}, "application/none": nil} {
			list, err := db.Referrers(t.Context(), "acmereg", "api", subject.Digest, artifactType)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range list {
				got = append(got, d.Annotations["name"])
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("of the type %q:\n%s", artifactType, d)
			}
		}
		list, err := db.Referrers(t.Context(), "acmereg", "api", subject.Digest, "application/signature")
		want := []artifact.Descriptor{{
			MediaType: signature.MediaType, Digest: signature.Digest, Size: signature.Size(), ArtifactType: "application/signature",
			Annotations: map[string]string{"name": "first"},
		}}
		if d := cmp.Diff(want, list); err != nil || d != "" {
			t.Errorf("%v\n%s", err, d)
		}
		change(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: signature.Digest})
		if list, err := db.Referrers(t.Context(), "acmereg", "api", subject.Digest, ""); err != nil || len(list) != 1 {
			t.Errorf("after one was deleted: %v (%v)", list, err)
		}
	})
}

func TestStatsCountASharedBlobOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		m := imageOf(t, "one")
		for _, repository := range []string{"api", "web"} {
			linkParts(t, db, repository, m)
			linkParts(t, db, repository, m) // again changes nothing
			change(t, db, putOf(repository, "v1", m))
		}
		got, err := db.RepositoryStats(t.Context(), "AcmeReg")
		want := registry.Contents{Repositories: 2, Tags: 2, Bytes: m.Size() + m.Config.Size + m.Layers[0].Size}
		if err != nil || got != want {
			t.Errorf("%+v (%v), want %+v", got, err, want)
		}
	})
}
