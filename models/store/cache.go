package store

import (
	"maps"
	"slices"
	"sync"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// hookCache remembers the webhooks of registries, opened, because every push asks for them. Whoever changes a registry's
// webhooks calls forget after the commit; what was read before it is then not remembered.
type hookCache struct {
	mu    sync.Mutex
	hooks map[string][]webhook.Webhook // by registry key
	turns map[string]int64             // counts the changes of a registry
	all   int64                        // counts them of every registry
}

func newHookCache() *hookCache {
	return &hookCache{hooks: map[string][]webhook.Webhook{}, turns: map[string]int64{}}
}

// get gives copies of what is remembered, and the turn that put wants to see unchanged.
func (c *hookCache) get(name registry.Name) (hooks []webhook.Webhook, turn int64, known bool) {
	c.mu.Lock()
	hooks, known = c.hooks[name.Key()]
	turn = c.turns[name.Key()]
	c.mu.Unlock()
	return copies(hooks), turn, known // what is remembered never changes, so it is copied outside the lock
}

// put remembers webhooks that were read after get gave this turn.
func (c *hookCache) put(name registry.Name, turn int64, hooks []webhook.Webhook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns[name.Key()] == turn {
		c.hooks[name.Key()] = copies(hooks)
	}
}

// forget drops what is remembered of these registries.
func (c *hookCache) forget(names ...registry.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.hooks, name.Key())
		c.turns[name.Key()]++
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
