package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"dockbell/models/registry"
)

// registriesFor is how long the registries are remembered. This process forgets them with every change of its own; the time is for
// those that a command makes in the data folder beside it.
const registriesFor = time.Second

// registryCache remembers all registries, because every request of a client of the built-in registry asks which one it means. With
// PostgreSQL, where other processes change their policies, they are read anew.
type registryCache struct {
	mu   sync.Mutex
	all  []registry.Registry
	read time.Time
	turn int // counts the changes
}

// get gives what is remembered and young enough, and the turn that put wants to see unchanged.
func (c *registryCache) get(now time.Time) (all []registry.Registry, turn int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := now.Sub(c.read)
	return c.all, c.turn, !c.read.IsZero() && age >= 0 && age < registriesFor
}

func (c *registryCache) put(all []registry.Registry, turn int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == turn {
		c.all, c.read = all, now
	}
}

// forget is called after the commit of a change.
func (c *registryCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = time.Time{}
	c.turn++
}

// Registries gives every registry by name. A registry that another process has made or changed beside this one may be told a
// second late.
func (db *DB) Registries(ctx context.Context) ([]registry.Registry, error) {
	if db.postgres {
		return db.readRegistries(ctx)
	}
	now := db.now()
	all, turn, known := db.registries.get(now)
	if known {
		return slices.Clone(all), nil
	}
	all, err := db.readRegistries(ctx)
	if err != nil {
		return nil, err
	}
	db.registries.put(all, turn, now)
	return slices.Clone(all), nil
}
