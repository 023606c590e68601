package oci_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// memory is the database of these tests: what the real one does, without keeping anything.
type memory struct {
	mu         sync.Mutex
	registries []registry.Registry
	repos      map[string]*repository // by registry key and name
	entries    []delivery.Entry
	refuse     error // what Record answers, when a test wants it to fail
}

type repository struct {
	manifests map[string]artifact.Manifest
	charts    map[string]artifact.ChartInfo
	order     []string
	tags      map[string]string
	blobs     map[string]int64
}

func missing(field string) error {
	f := fault.New(fault.NotFound, "There is no such %s.", field)
	f.Field = field
	return f
}

func (m *memory) repo(name registry.Name, repo string, create bool) *repository {
	key := name.Key() + "/" + repo
	if m.repos[key] == nil && create {
		m.repos[key] = &repository{
			manifests: map[string]artifact.Manifest{}, charts: map[string]artifact.ChartInfo{}, tags: map[string]string{}, blobs: map[string]int64{},
		}
	}
	if m.repos[key] == nil {
		return &repository{}
	}
	return m.repos[key]
}

func (m *memory) Registries(context.Context) ([]registry.Registry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.registries), nil
}

func (m *memory) Registry(_ context.Context, name registry.Name) (registry.Registry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.registries {
		if r.Name.Is(name) {
			return r, nil
		}
	}
	return registry.Registry{}, missing("registry")
}

func (m *memory) Manifest(_ context.Context, name registry.Name, repo, reference string) (artifact.Manifest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.repo(name, repo, false)
	if digest, ok := r.tags[reference]; ok {
		reference = digest
	}
	found, ok := r.manifests[reference]
	if !ok {
		return found, missing("manifest")
	}
	return found, nil
}

func pageOf(all []string, after string, n int) ([]string, bool) {
	slices.Sort(all)
	all = slices.DeleteFunc(all, func(s string) bool { return s <= after })
	return all[:min(n, len(all))], len(all) > n
}

func (m *memory) Tags(_ context.Context, name registry.Name, repo, after string, n int) ([]string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.repo(name, repo, false)
	if len(r.order) == 0 {
		return nil, false, missing("repository")
	}
	tags, more := pageOf(slices.Collect(maps.Keys(r.tags)), after, n)
	return tags, more, nil
}

func (m *memory) Repositories(_ context.Context, name registry.Name, after string, n int) ([]string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for key, r := range m.repos {
		if repo, ok := cutPrefix(key, name.Key()+"/"); ok && len(r.manifests) > 0 {
			all = append(all, repo)
		}
	}
	repos, more := pageOf(all, after, n)
	return repos, more, nil
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return s, false
	}
	return s[len(prefix):], true
}

func (m *memory) Referrers(_ context.Context, name registry.Name, repo, digest, artifactType string) ([]artifact.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []artifact.Descriptor
	r := m.repo(name, repo, false)
	for _, d := range r.order {
		one, ok := r.manifests[d]
		if ok && one.Subject != nil && one.Subject.Digest == digest && (artifactType == "" || artifactType == one.ArtifactType) {
			all = append(all, artifact.Descriptor{
				MediaType: one.MediaType, Digest: one.Digest, Size: one.Size(), ArtifactType: one.ArtifactType, Annotations: one.Annotations,
			})
		}
	}
	return all, nil
}

func (m *memory) BlobSize(_ context.Context, name registry.Name, repo, digest string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	size, ok := m.repo(name, repo, false).blobs[digest]
	if !ok {
		return 0, missing("blob")
	}
	return size, nil
}

func (m *memory) LinkBlob(_ context.Context, name registry.Name, repo, digest string, size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.repo(name, repo, true).blobs[digest] = size
	return nil
}

func (m *memory) UnlinkBlob(_ context.Context, name registry.Name, repo, digest string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	blobs := m.repo(name, repo, false).blobs
	if _, ok := blobs[digest]; !ok {
		return missing("blob")
	}
	delete(blobs, digest)
	return nil
}

func (m *memory) Webhook(context.Context, registry.Name, webhook.Name) (webhook.Webhook, error) {
	return webhook.Webhook{}, missing("webhook")
}

func (m *memory) Subscribers(context.Context, registry.Name) ([]webhook.Webhook, error) {
	return nil, nil
}

func (m *memory) Requeue(context.Context, registry.Name, delivery.ID, time.Time) (delivery.Delivery, error) {
	return delivery.Delivery{}, missing("delivery")
}

// Record carries a change out and keeps the events that the outbox makes of it.
func (m *memory) Record(_ context.Context, c *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return event.Outcome{}, m.refuse
	}
	var done event.Outcome
	if c != nil {
		affected, err := m.apply(*c)
		if err != nil {
			return done, err
		}
		done.Affected = append(done.Affected, affected)
	}
	made, err := entries(done)
	m.entries = append(m.entries, made...)
	return done, err
}

func (m *memory) apply(c event.Change) (event.Affected, error) {
	r := m.repo(c.Registry, c.Repository, c.Kind == event.PutManifest)
	if c.Kind == event.PutManifest {
		return m.put(r, c)
	}
	digest := c.Digest
	if c.Kind == event.DeleteTag {
		digest = r.tags[c.Tag]
	}
	old, ok := r.manifests[digest]
	if !ok {
		return event.Affected{}, missing("manifest")
	}
	a := event.Affected{
		Repository: c.Repository, Digest: old.Digest, MediaType: old.MediaType, Size: old.Size(), Kind: old.Kind, Chart: r.charts[digest], Tag: c.Tag,
	}
	if c.Kind == event.DeleteTag {
		a.Carried = []string{c.Tag}
		delete(r.tags, c.Tag)
		return a, nil
	}
	for tag, d := range r.tags {
		if d == digest {
			a.Carried = append(a.Carried, tag)
			delete(r.tags, tag)
		}
	}
	slices.Sort(a.Carried)
	delete(r.manifests, digest)
	return a, nil
}

func (m *memory) put(r *repository, c event.Change) (event.Affected, error) {
	parts := slices.Clone(c.Manifest.Layers)
	if c.Manifest.Config != nil {
		parts = append(parts, *c.Manifest.Config)
	}
	for _, p := range parts {
		if _, ok := r.blobs[p.Digest]; !ok && !p.Foreign {
			return event.Affected{}, fault.In("blob", "The blob %s is not in this repository.", p.Digest)
		}
	}
	for _, p := range c.Manifest.Children {
		if _, ok := r.manifests[p.Digest]; !ok {
			return event.Affected{}, fault.In("manifest", "The manifest %s is not in this repository.", p.Digest)
		}
	}
	r.manifests[c.Digest], r.charts[c.Digest] = c.Manifest, c.Chart
	r.order = append(r.order, c.Digest)
	if c.Tag != "" {
		r.tags[c.Tag] = c.Digest
	}
	return event.Affected{
		Repository: c.Repository, Digest: c.Digest, MediaType: c.Manifest.MediaType, Size: c.Manifest.Size(), Kind: c.Manifest.Kind,
		Chart: c.Chart, HasSubject: c.Manifest.Subject != nil, Tag: c.Tag,
	}, nil
}
