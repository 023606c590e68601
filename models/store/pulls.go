package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"gorm.io/gorm"

	"dockbell/models/registry"
)

// pulled is one manifest that clients fetch.
type pulled struct{ registryKey, repository, digest string }

// pulls counts in memory what FlushPulls writes: a pull must not cost a commit.
type pulls struct {
	mu     sync.Mutex
	counts map[pulled]int64
}

// CountPull counts that somebody has fetched a manifest.
func (db *DB) CountPull(name registry.Name, repository, digest string) {
	db.pulls.mu.Lock()
	defer db.pulls.mu.Unlock()
	if db.pulls.counts == nil {
		db.pulls.counts = map[pulled]int64{}
	}
	db.pulls.counts[pulled{name.Key(), repository, digest}]++
}

// manyPulls is how many counts one transaction adds.
const manyPulls = 500

// FlushPulls writes what was counted since the last time. What cannot be written is kept for the next.
func (db *DB) FlushPulls(ctx context.Context) error {
	db.pulls.mu.Lock()
	counts := db.pulls.counts
	db.pulls.counts = nil
	db.pulls.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b pulled) int { // one order, so that two processes cannot wait for each other
		return cmp.Or(cmp.Compare(a.registryKey, b.registryKey), cmp.Compare(a.repository, b.repository), cmp.Compare(a.digest, b.digest))
	})
	for len(keys) > 0 {
		n := min(len(keys), manyPulls)
		if err := db.addPulls(ctx, keys[:n], counts); err != nil {
			db.keepPulls(keys, counts)
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// addPulls adds counts to manifests that are still there.
func (db *DB) addPulls(ctx context.Context, keys []pulled, counts map[pulled]int64) error {
	now := micros(db.now())
	return db.write(ctx, func(tx *gorm.DB) error {
		for _, k := range keys {
			err := tx.Exec(`insert into pulls (registry_key, repository, digest, pulls, last)
				select registry_key, repository, digest, cast(? as bigint), cast(? as bigint) from manifests where registry_key = ? and repository = ? and digest = ?
				on conflict (registry_key, repository, digest) do update set pulls = pulls.pulls + excluded.pulls, last = excluded.last`,
				counts[k], now, k.registryKey, k.repository, k.digest).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (db *DB) keepPulls(keys []pulled, counts map[pulled]int64) {
	for _, k := range keys {
		db.pulls.mu.Lock()
		if db.pulls.counts == nil {
			db.pulls.counts = map[pulled]int64{}
		}
		db.pulls.counts[k] += counts[k]
		db.pulls.mu.Unlock()
	}
}
