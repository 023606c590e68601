package store

import (
	"maps"
	"slices"
	"sync"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// cache remembers what was read, by key. Whoever changes what a key stands for calls forget after the commit; what was read before it
// is then not remembered. The zero cache is ready.
type cache[V any] struct {
	outward func(keys ...string) // hears of every forget, for whom this cache says nothing; may be nil

	mu      sync.Mutex
	kept    map[string]V
	changes int64 // of whatever key
}

// get gives what is remembered, which nobody may change, and the turn that put wants to see unchanged.
func (c *cache[V]) get(key string) (v V, turn int64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, known = c.kept[key]
	return v, c.changes, known
}

// put remembers what was read after get gave this turn.
func (c *cache[V]) put(key string, turn int64, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != turn {
		return
	}
	if c.kept == nil {
		c.kept = map[string]V{}
	}
	c.kept[key] = v
}

// forget drops what is remembered of these keys, and says so.
func (c *cache[V]) forget(keys ...string) {
	c.drop(keys...)
	if c.outward != nil && len(keys) > 0 {
		c.outward(keys...)
	}
}

// drop is forget without a word.
func (c *cache[V]) drop(keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.kept, key)
		c.changes++
	}
}

// dropAll drops what is remembered of every key.
func (c *cache[V]) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
	c.changes++
}

// OnWebhooks has hear called with the registries whose webhooks this process changed, after each commit. It is called before the
// first change.
func (db *DB) OnWebhooks(hear func(of ...registry.Name)) {
	db.hooks.outward = func(keys ...string) {
		names := make([]registry.Name, 0, len(keys))
		for _, key := range keys {
			names = append(names, registry.Name(key))
		}
		hear(names...)
	}
}

// Outdated is told that another process changed webhooks of these registries; of none: perhaps of any.
func (db *DB) Outdated(of ...registry.Name) {
	if len(of) == 0 {
		db.hooks.dropAll()
		return
	}
	for _, name := range of {
		db.hooks.drop(name.Key())
	}
}

// Turn counts the changes of webhooks that this process knows of: what was read of a webhook before the newest one may be out of date.
func (db *DB) Turn() int64 {
	db.hooks.mu.Lock()
	defer db.hooks.mu.Unlock()
	return db.hooks.changes
}

// copies gives webhooks that share nothing that can be changed.
func copies(hooks []webhook.Webhook) []webhook.Webhook {
	all := slices.Clone(hooks)
	for i := range all {
		w := &all[i]
		w.Headers, w.Actions, w.Tags = slices.Clone(w.Headers), slices.Clone(w.Actions), maps.Clone(w.Tags)
		w.SigningSecrets, w.Retry.Steps = slices.Clone(w.SigningSecrets), slices.Clone(w.Retry.Steps)
	}
	return all
}
