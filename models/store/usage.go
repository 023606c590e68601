package store

import (
	"context"
	"sync"
	"time"

	"dockbell/models/registry"
)

// dear is how long summing a registry up may take until its sum is remembered, and for how many times that long it then is.
const (
	dear       = 5 * time.Millisecond
	rememberBy = 100
)

// usage remembers how much large registries hold, so that not every page sums them up.
type usage struct {
	mu   sync.Mutex
	sums map[string]sum // by registry key
}

type sum struct {
	held  registry.Contents
	until time.Time
}

// RepositoryStats says how much a registry holds: a blob that several repositories share counts once. What takes long to
// sum up may be some seconds old.
func (db *DB) RepositoryStats(ctx context.Context, name registry.Name) (registry.Contents, error) {
	began := time.Now()
	db.usage.mu.Lock()
	known := db.usage.sums[name.Key()]
	db.usage.mu.Unlock()
	if began.Before(known.until) {
		return known.held, nil
	}
	held, err := db.sumUp(ctx, name)
	if took := time.Since(began); err == nil && took > dear {
		db.usage.mu.Lock()
		defer db.usage.mu.Unlock()
		db.usage.sums[name.Key()] = sum{held, began.Add(took * rememberBy)}
	}
	return held, err
}

func (db *DB) sumUp(ctx context.Context, name registry.Name) (registry.Contents, error) {
	var held struct{ Repositories, Tags, Blobs, Manifests int64 }
	err := db.read(ctx).Raw(`select
		(select count(*) from repositories where registry_key = ?) as repositories,
		(select count(*) from tags where registry_key = ?) as tags,
		(select coalesce(sum(size), 0) from (select max(size) as size from blob_links where registry_key = ? group by digest) as shared) as blobs,
		(select coalesce(sum(size), 0) from (select max(size) as size from manifests where registry_key = ? group by digest) as shared) as manifests`,
		name.Key(), name.Key(), name.Key(), name.Key()).Scan(&held).Error
	return registry.Contents{Repositories: int(held.Repositories), Tags: int(held.Tags), Bytes: held.Blobs + held.Manifests}, translate(err)
}
