package views

import (
	"time"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/cleanup"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// contentSamples are a list of repositories with everything it can show, and an image's page with hostile data.
func contentSamples(reg registry.Registry, w webhook.Webhook) (Repositories, Manifest) {
	digest := anEvent().Target.Digest
	platforms := []artifact.Descriptor{{Architecture: "amd64", OS: "linux", Digest: digest}, {Architecture: "arm", Variant: "v7", OS: "linux"}, {Architecture: "unknown", OS: "unknown", Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}}
	locks := artifact.Locks{NoDelete: true, NoWrite: true, NoRead: true, NoList: true}
	open := artifact.RepositoryInfo{Name: "web/checkout", Kind: artifact.Image, Tags: 58, Manifests: 60, Held: 2, Bytes: 17 << 30, Pulls: 1200, Locks: locks, Updated: now}
	contents := Repositories{
		Registry: reg, Held: registry.Contents{Repositories: 38, Tags: 1184, Bytes: 412 << 30}, Query: nasty, Open: &open, MayDelete: true, Now: now,
		Rows:  []artifact.RepositoryInfo{open, {Name: "charts/web", Kind: artifact.Chart, Tags: 1}},
		Hooks: []webhook.Webhook{w, w, w, w}, More: "?after=web", First: "?", Older: "?before=b", Newest: "?",
		Tags: []TagRow{
			TagRowOf(artifact.TagInfo{Name: "2.4.0", Digest: digest, Quarantine: artifact.Quarantined, Locks: locks, Updated: now}, artifact.Manifest{Digest: digest, Kind: artifact.Index, Children: platforms}, 214<<20),
			{TagInfo: artifact.TagInfo{Name: "x", Quarantine: artifact.Failed}}, {TagInfo: artifact.TagInfo{Name: "y", Quarantine: artifact.Passed}}, {TagInfo: artifact.TagInfo{Name: "z"}},
		},
	}
	subject := artifact.Descriptor{Digest: digest}
	m := Manifest{
		Registry: reg, Repository: "web/checkout", Tags: []string{"2.4.0", "latest"}, MayPush: true, MayDelete: true, MayRule: true, Now: now,
		Stored: artifact.Stored{
			Manifest: artifact.Manifest{
				Digest: digest, Kind: artifact.Image, MediaType: artifact.OCIManifest, ArtifactType: nasty, Subject: &subject, Config: &subject,
				Layers: []artifact.Descriptor{{Digest: digest, MediaType: nasty, Size: 5, Foreign: true, Annotations: map[string]string{"org.opencontainers.image.title": nasty}}}, Annotations: map[string]string{nasty: nasty},
			},
			Tag: "2.4.0", Quarantine: artifact.Quarantined, Details: nasty, Locks: locks, TagLocks: locks, Created: now, Updated: now,
		},
		Referrers: []Referrer{{Descriptor: artifact.Descriptor{Digest: digest, ArtifactType: "application/vnd.dev.cosign.x", Held: true}, Referrers: []Referrer{{Descriptor: artifact.Descriptor{ArtifactType: nasty}}}}},
		Config: artifact.Config{
			OS: nasty, Architecture: nasty, Variant: nasty, Created: now, Author: nasty, User: nasty, WorkingDir: nasty, Entrypoint: []string{nasty}, Cmd: []string{nasty}, Env: []string{nasty},
			Ports: []string{nasty}, Volumes: []string{nasty}, Labels: map[string]string{nasty: nasty}, StopSignal: nasty,
			History: []artifact.HistoryStep{{Created: now, CreatedBy: nasty, Comment: nasty, Empty: true}, {Created: time.Time{}}},
		},
		Deliveries: []delivery.Delivery{aDelivery()},
	}
	return contents, m
}

// aChart is the page of an index that was rejected, with a chart's card: every part that an image's page has not.
func aChart(reg registry.Registry) Manifest {
	m := Manifest{Registry: reg, Repository: "charts/web", MayRule: true, MayPush: true, Now: now}
	m.Manifest = artifact.Manifest{Digest: anEvent().Target.Digest, Kind: artifact.Chart}
	m.Quarantine = artifact.Passed
	m.Chart = artifact.ParseChartFile([]byte(`{"name":"<b>","version":"1","description":"<b>","keywords":["<b>"],"maintainers":[{"name":"<b>","email":"<b>"}],"dependencies":[{"name":"<b>","version":"1","repository":"<b>"}]}`))
	return m
}

func aRetention(reg registry.Registry) Retention {
	return Retention{
		Registry: reg, Rules: cleanup.Rules{KeepTags: 5}, Draft: cleanup.Draft{KeepTags: nasty, UntaggedDays: nasty, Keep: nasty}, Tried: true, MayWrite: true, Free: 1 << 40, Now: now,
		Errors: map[string]string{"keepTags": nasty, "untaggedDays": nasty, "keep": nasty},
		Plan: []cleanup.Removal{
			{Registry: reg.Name, Repository: "web/cart", Digest: anEvent().Target.Digest, Tags: []string{"a", "b"}, Manifest: true, Pushed: now, Why: nasty}, {Repository: "web/cart", Tags: []string{"c"}}, {Repository: "x"},
		},
	}
}

func anAccess(reg registry.Registry) Access {
	reg.AdminUser, reg.Policies.AnonymousPull = true, true
	tok := account.Token{Name: nasty, Role: account.Owner, Narrow: account.Narrowing{Rights: []account.Permission{account.Pull}, Repositories: []string{nasty}}}
	return Access{
		Registry: reg, Who: account.Principal{Name: nasty, Role: account.Owner}, Users: []account.User{{Name: nasty, Role: account.Reader}}, Tokens: []account.Token{tok},
		Keys: &registry.AccessKeys{nasty, nasty}, Admin: true, Now: now,
	}
}
