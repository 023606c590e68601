package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
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
	"dockbell/models/webhook"
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

// TestTwoWritersOnOneTag holds that pushes and deletions of one tag at once leave a tag that leads to a manifest, or none.
func TestTwoWritersOnOneTag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		images := []artifact.Manifest{imageOf(t, "one"), imageOf(t, "two")}
		for _, m := range images {
			linkParts(t, db, "api", m)
		}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 15 {
					c := putOf("api", "latest", images[(i+n)%2])
					switch i {
					case 6:
						c.Kind, c.Tag = event.DeleteManifest, ""
					case 7:
						c.Kind = event.DeleteTag
					}
					if _, err := db.Record(t.Context(), &c, nothing); err != nil && !fault.Is(err, fault.NotFound) {
						t.Errorf("%s: %v", c.Kind, err)
					}
				}
			})
		}
		all.Wait()
		change(t, db, putOf("api", "latest", images[1]))
		if got, err := db.Manifest(t.Context(), "acmereg", "api", "latest"); err != nil || got.Digest != images[1].Digest {
			t.Errorf("latest is %s (%v), want the last push", got.Digest, err)
		}
		var lost int64
		err := db.Read(t.Context()).Raw("select count(*) from tags where not exists (select 1 from manifests where manifests.digest = tags.digest)").Scan(&lost).Error
		if err != nil || lost != 0 {
			t.Errorf("%d tags lead nowhere (%v)", lost, err)
		}
	})
}

// TestADeletedRegistryLeavesNothing fills every table, deletes the registry and looks into all of them.
func TestADeletedRegistryLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rows := func() map[string]int64 {
			t.Helper()
			counts := map[string]int64{}
			for _, table := range []string{
				"repositories", "manifests", "tags", "blob_links", "events", "images", "event_hours", "bodies", "deliveries", "attempts",
				"webhook_hours", "webhooks", "webhook_states",
			} {
				var n int64
				if err := db.Read(t.Context()).Table(table).Count(&n).Error; err != nil {
					t.Fatal(err)
				}
				counts[table] = n
			}
			return counts
		}
		fill := func(name registry.Name) {
			t.Helper()
			addRegistry(t, db, acme(name, registry.Premium))
			q := queueOf(t, db, name, 1)
			m := imageOf(t, string(name))
			for _, blob := range append([]artifact.Descriptor{*m.Config}, m.Layers...) {
				if err := db.LinkBlob(t.Context(), name, "api", blob.Digest, blob.Size); err != nil {
					t.Fatal(err)
				}
			}
			c := putOf("api", "v1", m)
			c.Registry = name
			if _, err := db.Record(t.Context(), &c, func(event.Outcome) ([]delivery.Entry, error) { return q.entries(2), nil }); err != nil {
				t.Fatal(err)
			}
			q.finish(q.claim(16, 16), 200)
		}
		fill("other1")
		before := rows()
		for table, n := range before {
			if n == 0 {
				t.Fatalf("the test leaves %s empty", table)
			}
		}
		fill("acmereg")
		if err := db.DeleteRegistry(t.Context(), "AcmeReg"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, rows()); d != "" {
			t.Errorf("rows after a registry came and went:\n%s", d)
		}
		if err := db.DeleteRegistry(t.Context(), "acmereg"); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

// foreign is text that neither PostgreSQL nor a page can take as it is.
const foreign = "a\x00b\xffc"

// mended is what is stored of it.
const mended = "a\uFFFDb\uFFFDc"

// TestForeignTextIsMendedAndFindsNothing gives bad text to every way in; nothing may fail inside, and lookups find nothing.
func TestForeignTextIsMendedAndFindsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		hook := q.hooks[0]
		ev := event.Event{
			ID: "ev1", Registry: "acmereg", Location: foreign, Action: event.Push, Time: noon, Actor: foreign, Source: foreign, CarriedTags: []string{foreign},
			Target:  event.Target{MediaType: foreign, Digest: foreign, Repository: foreign, Tag: foreign, Kind: foreign, Chart: artifact.ChartInfo{Name: foreign, Version: foreign}},
			Request: event.Request{ID: foreign, Addr: foreign, Host: foreign, Method: foreign, UserAgent: foreign},
		}
		del := delivery.Delivery{
			ID: q.id(), EventID: ev.ID, Registry: "acmereg", WebhookID: hook.ID, Webhook: hook.Name, Action: event.Push,
			Image: delivery.Image{Repository: foreign, Tag: foreign, Digest: foreign}, Body: []byte(foreign), State: delivery.Pending, Next: noon, Created: noon,
		}
		q.record(delivery.Entry{Event: ev, Verdicts: []webhook.Verdict{{WebhookID: hook.ID, Webhook: hook.Name, Fires: true, Reason: foreign}}, Deliveries: []delivery.Delivery{del}})
		stored, err := db.Event(t.Context(), "acmereg", "ev1")
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]string{
			"location": string(stored.Location), "actor": stored.Actor, "source": stored.Source, "carried tag": stored.CarriedTags[0], "media type": stored.Target.MediaType,
			"digest": stored.Target.Digest, "repository": stored.Target.Repository, "tag": stored.Target.Tag, "kind": string(stored.Target.Kind),
			"chart": stored.Target.Chart.Name, "chart version": stored.Target.Chart.Version, "request": stored.Request.ID, "address": stored.Request.Addr,
			"host": stored.Request.Host, "method": stored.Request.Method, "user agent": stored.Request.UserAgent,
		} {
			if got != mended {
				t.Errorf("the %s is stored as %q, want %q", name, got, mended)
			}
		}
		jobs := q.claim(1, 16)
		if string(jobs[0].Delivery.Body) != foreign {
			t.Errorf("the body changed to %q", jobs[0].Delivery.Body)
		}
		a := q.attempt(jobs[0], 500)
		a.RemoteAddr, a.RequestURI, a.StatusText, a.Proto, a.Sentence, a.ResponseBody = foreign, foreign, foreign, foreign, foreign, []byte(foreign)
		a.RequestHeaders, a.ResponseHeaders = []delivery.Header{{Name: foreign, Value: foreign}}, []delivery.Header{{Name: foreign, Value: foreign}}
		done := delivery.Next(jobs[0], a, q.clock.now(), nil)
		done.Disable = foreign
		if err := db.Finish(t.Context(), []delivery.Done{done}); err != nil {
			t.Fatal(err)
		}
		attempts, err := db.Attempts(t.Context(), del.ID)
		if err != nil || len(attempts) != 1 {
			t.Fatalf("%d attempts (%v)", len(attempts), err)
		}
		for name, got := range map[string]string{
			"address": attempts[0].RemoteAddr, "URI": attempts[0].RequestURI, "status text": attempts[0].StatusText, "protocol": attempts[0].Proto,
			"sentence": attempts[0].Sentence, "header": attempts[0].ResponseHeaders[0].Value, "header name": attempts[0].RequestHeaders[0].Name,
		} {
			if got != mended {
				t.Errorf("the attempt's %s is stored as %q, want %q", name, got, mended)
			}
		}
		if string(attempts[0].ResponseBody) != foreign {
			t.Errorf("the response body changed to %q", attempts[0].ResponseBody)
		}
		lookups(t, db)
	})
}

// foreignText reports PostgreSQL's way to find nothing by foreign text.
func foreignText(db *store.DB, err error) bool { return db.Postgres() && fault.Is(err, fault.Invalid) }

// lookups asks for foreign text wherever a text is asked for.
func lookups(t *testing.T, db *store.DB) {
	t.Helper()
	for name, look := range map[string]func() error{
		"manifest":     func() error { _, err := db.Manifest(t.Context(), "acmereg", foreign, foreign); return err },
		"by digest":    func() error { _, err := db.Manifest(t.Context(), "acmereg", "api", "sha256:"+foreign); return err },
		"tags":         func() error { _, _, err := db.Tags(t.Context(), "acmereg", foreign, "", 1); return err },
		"blob":         func() error { _, err := db.BlobSize(t.Context(), "acmereg", foreign, foreign); return err },
		"unlink":       func() error { return db.UnlinkBlob(t.Context(), "acmereg", foreign, foreign) },
		"registry":     func() error { _, err := db.Registry(t.Context(), foreign); return err },
		"webhook":      func() error { _, err := db.Webhook(t.Context(), "acmereg", foreign); return err },
		"its registry": func() error { _, err := db.Webhook(t.Context(), foreign, "hook0"); return err },
		"delivery":     func() error { _, err := db.Delivery(t.Context(), foreign, 1); return err },
		"event":        func() error { _, err := db.Event(t.Context(), "acmereg", foreign); return err },
		"requeue":      func() error { _, err := db.Requeue(t.Context(), foreign, 1, noon); return err },
		"delete a repo": func() error {
			_, err := db.Record(t.Context(), &event.Change{Kind: event.DeleteRepository, Registry: "acmereg", Repository: foreign}, nothing)
			return err
		},
		"delete a tag": func() error {
			_, err := db.Record(t.Context(), &event.Change{Kind: event.DeleteTag, Registry: "acmereg", Repository: "api", Tag: foreign}, nothing)
			return err
		},
	} {
		if err := look(); !fault.Is(err, fault.NotFound) && !foreignText(db, err) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	for name, look := range map[string]func() (int, error){
		"repositories": func() (int, error) {
			l, _, err := db.Repositories(t.Context(), "acmereg", foreign, 5)
			return len(l), err
		},
		"referrers": func() (int, error) {
			l, err := db.Referrers(t.Context(), "acmereg", foreign, foreign, foreign)
			return len(l), err
		},
		"verdicts": func() (int, error) { l, err := db.Verdicts(t.Context(), foreign); return len(l), err },
		"deliveries": func() (int, error) {
			p, err := db.Deliveries(t.Context(), delivery.Filter{Registry: foreign, WebhookID: foreign, EventID: foreign, Action: foreign, Class: foreign, Text: foreign})
			return len(p.Deliveries), err
		},
		"events": func() (int, error) {
			p, err := db.Events(t.Context(), event.Filter{Registry: foreign, Action: foreign, Text: foreign, Before: foreign, After: foreign})
			return len(p.Events), err
		},
		"health":  func() (int, error) { m, err := db.Health(t.Context(), []string{foreign}, noon); return len(m), err },
		"hours":   func() (int, error) { l, err := db.EventHours(t.Context(), foreign, noon); return len(l), err },
		"arrival": func() (int, error) { l, err := db.Arrivals(t.Context(), foreign, 5); return len(l), err },
		"backlog": func() (int, error) { b, err := db.Backlog(t.Context(), foreign); return b.Waiting, err },
		"stakes":  func() (int, error) { m, err := db.Stakes(t.Context(), []string{foreign}); return m[foreign].Past, err },
	} {
		if n, err := look(); n != 0 || err != nil && !foreignText(db, err) {
			t.Errorf("%s: %d rows, %v, want none", name, n, err)
		}
	}
	page, err := db.Deliveries(t.Context(), delivery.Filter{Text: strings.ToUpper(foreign)})
	if err != nil || len(page.Deliveries) != 1 {
		t.Errorf("the text as it came finds %d deliveries (%v), want the mended one", len(page.Deliveries), err)
	}
}
