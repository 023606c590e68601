package store

import (
	"maps"
	"slices"
	"sync"

	"dockbell/models/webhook"
)

// cache remembers what was read, by key. Whoever changes what a key stands for calls forget after the commit; what was read before it
// is then not remembered. The zero cache is ready.
type cache[V any] struct {
	mu    sync.Mutex
	kept  map[string]V
	turns map[string]int64 // counts the changes of a key
	all   int64            // counts them of every key
}

// get gives what is remembered, which nobody may change, and the turn that put wants to see unchanged.
func (c *cache[V]) get(key string) (v V, turn int64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, known = c.kept[key]
	return v, c.turns[key], known
}

// put remembers what was read after get gave this turn.
func (c *cache[V]) put(key string, turn int64, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns[key] != turn {
		return
	}
	if c.kept == nil {
		c.kept = map[string]V{}
	}
	c.kept[key] = v
}

// forget drops what is remembered of these keys.
func (c *cache[V]) forget(keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns == nil {
		c.turns = map[string]int64{}
	}
	for _, key := range keys {
		delete(c.kept, key)
		c.turns[key]++
		c.all++
	}
}

// Turn counts the changes of webhooks by this process: what was read of a webhook before the newest one may be out of date.
func (db *DB) Turn() int64 {
	db.hooks.mu.Lock()
	defer db.hooks.mu.Unlock()
	return db.hooks.all
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
