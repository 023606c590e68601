package cleanup

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"dockbell/models/audit"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Store is what cleaning up needs of the database.
type Store interface {
	Candidates
	Registries(ctx context.Context) ([]registry.Registry, error)
	Rules(ctx context.Context, name registry.Name) (Rules, error)
	PutRules(ctx context.Context, name registry.Name, r Rules) error
	LearnParts(ctx context.Context) (more bool, err error)
	// DropLinks takes blobs out of repositories that wanted them last before this moment and need them for no manifest.
	DropLinks(ctx context.Context, before time.Time) (dropped int, more bool, err error)
	// Linked gives those of the digests that belong to a repository.
	Linked(ctx context.Context, digests []string) (map[string]bool, error)
}

// Blobs is the bytes; *blobs.Files keeps them.
type Blobs interface {
	Each(ctx context.Context, visit func(digests []string) error) error
	Lock(digest string) (unlock func())
	RemoveOld(ctx context.Context, digest string, before time.Time) (size int64, removed bool, err error)
	Abandoned(ctx context.Context, before time.Time) (ids []string, err error)
	Cancel(ctx context.Context, id string) error
}

// Recorder carries out a change and stores the events it raises; *delivery.Outbox does.
type Recorder interface {
	Record(ctx context.Context, c event.Change) (event.Outcome, error)
}

// The times that are given to clients before anything of theirs is taken away.
const (
	Grace   = 24 * time.Hour     // from a blob's upload to the manifest that needs it
	Waiting = 7 * 24 * time.Hour // of an upload that nobody goes on with
)

// Cleaner cleans up. It works beside pushes and pulls; one run at a time.
type Cleaner struct {
	Store    Store
	Blobs    Blobs
	Recorder Recorder
	Grace    time.Duration // 0: none, for tests alone
	Waiting  time.Duration
	Now      func() time.Time
	NewID    func() string // UUIDs of requests in events
	Log      *slog.Logger

	running sync.Mutex
}

// Report says what a collection took away.
type Report struct {
	Links   int // blobs taken out of a repository
	Blobs   int // bytes removed from the disk
	Bytes   int64
	Uploads int
}

// Collect removes blobs that no manifest needs, and uploads that nobody goes on with.
func (c *Cleaner) Collect(ctx context.Context) (Report, error) {
	c.running.Lock()
	defer c.running.Unlock()
	var r Report
	for more := true; more; { // until it is known what every manifest needs, nothing may go
		var err error
		if more, err = c.Store.LearnParts(ctx); err != nil {
			return r, err
		}
	}
	before := c.Now().Add(-c.Grace)
	for more := true; more; {
		n, again, err := c.Store.DropLinks(ctx, before)
		if err != nil {
			return r, err
		}
		r.Links, more = r.Links+n, again
	}
	err := c.Blobs.Each(ctx, func(digests []string) error { return c.sweep(ctx, digests, before, &r) })
	err = errors.Join(err, c.purge(ctx, &r))
	return r, err
}

// sweep removes the bytes of those digests that belong to no repository. Nobody links them while it looks and removes.
func (c *Cleaner) sweep(ctx context.Context, digests []string, before time.Time, r *Report) error {
	linked, err := c.Store.Linked(ctx, digests)
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if linked[digest] {
			continue
		}
		size, removed, err := c.removeUnlinked(ctx, digest, before)
		if err != nil {
			return err
		}
		if removed {
			r.Blobs++
			r.Bytes += size
		}
	}
	return nil
}

func (c *Cleaner) removeUnlinked(ctx context.Context, digest string, before time.Time) (int64, bool, error) {
	defer c.Blobs.Lock(digest)()
	linked, err := c.Store.Linked(ctx, []string{digest})
	if err != nil || linked[digest] {
		return 0, false, err
	}
	return c.Blobs.RemoveOld(ctx, digest, before)
}

// purge ends uploads that nobody has written to for long.
func (c *Cleaner) purge(ctx context.Context, r *Report) error {
	ids, err := c.Blobs.Abandoned(ctx, c.Now().Add(-c.Waiting))
	for _, id := range ids {
		if cancel := c.Blobs.Cancel(ctx, id); cancel != nil {
			err = errors.Join(err, cancel)
			continue
		}
		r.Uploads++
	}
	return err
}

// SetRules stores a registry's rules.
func (c *Cleaner) SetRules(ctx context.Context, name registry.Name, d Draft, by string) (Rules, error) {
	r, errs := d.Parse()
	if err := errors.Join(errs...); err != nil {
		return r, err
	}
	before, err := c.Store.Rules(ctx, name)
	if err != nil {
		return r, err
	}
	r.By, r.Updated = by, c.Now()
	return r, c.Store.PutRules(audit.Note(ctx, audit.Entry{
		Action: "retention.update", Registry: string(name), Object: "retention", Changes: audit.Differences(before.words(), r.words()),
	}), name, r)
}

// Preview says what a registry's rules, or those somebody thinks of, would delete now.
func (c *Cleaner) Preview(ctx context.Context, name registry.Name, r Rules) ([]Removal, error) {
	return Plan(ctx, c.Store, name, r, c.Now())
}

// Apply deletes what a registry's rules say; each deletion raises its event. What was locked, tagged anew or deleted
// meanwhile is left alone.
func (c *Cleaner) Apply(ctx context.Context, reg registry.Registry) (removed int, err error) {
	rules, err := c.Store.Rules(ctx, reg.Name)
	if err != nil || !rules.Any() {
		return 0, err
	}
	all, err := c.Preview(ctx, reg.Name, rules)
	if err != nil {
		return 0, err
	}
	return c.Remove(ctx, reg, all)
}

// Remove deletes what a plan has chosen, unless something has happened to it since.
func (c *Cleaner) Remove(ctx context.Context, reg registry.Registry, plan []Removal) (removed int, err error) {
	c.running.Lock()
	defer c.running.Unlock()
	for _, one := range plan {
		n, err := c.remove(ctx, reg, one)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (c *Cleaner) remove(ctx context.Context, reg registry.Registry, one Removal) (removed int, err error) {
	changes := []event.Change{{Kind: event.DeleteManifest, Digest: one.Digest, Tags: one.Tags}}
	if !one.Manifest {
		changes = changes[:0]
		for _, tag := range one.Tags {
			changes = append(changes, event.Change{Kind: event.DeleteTag, Tag: tag, Digest: one.Digest})
		}
	}
	for _, change := range changes {
		change.Registry, change.Location, change.Repository = reg.Name, reg.Home, one.Repository
		change.Request = event.Request{ID: c.NewID(), Host: reg.LoginServer, Method: "DELETE", UserAgent: "Dockbell-Retention"}
		change.Actor, change.Time, change.Unchanged = "retention", c.Now(), true
		_, err := c.Recorder.Record(ctx, change)
		switch {
		case err == nil:
			removed++
		case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Conflict):
			return removed, err
		}
	}
	return removed, nil
}

// Run cleans up at once and with every tick, until ctx ends.
func (c *Cleaner) Run(ctx context.Context, every <-chan time.Time) {
	for {
		c.once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-every:
		}
	}
}

func (c *Cleaner) once(ctx context.Context) {
	all, err := c.Store.Registries(ctx)
	if err != nil {
		c.Log.Error("clean-up failed", "error", err.Error())
		return
	}
	for _, reg := range all {
		if reg.Kind != registry.BuiltIn {
			continue
		}
		n, err := c.Apply(ctx, reg)
		if err != nil {
			c.Log.Error("retention failed", "registry", string(reg.Name), "error", err.Error())
		}
		if n > 0 {
			c.Log.Info("retention", "registry", string(reg.Name), "deleted", n)
		}
	}
	r, err := c.Collect(ctx)
	if err != nil && ctx.Err() == nil {
		c.Log.Error("collection failed", "error", err.Error())
	}
	if r != (Report{}) {
		c.Log.Info("collection", "links", r.Links, "blobs", r.Blobs, "bytes", r.Bytes, "uploads", r.Uploads)
	}
}
