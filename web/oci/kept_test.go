package oci_test

import (
	"context"
	"sync"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/store"
)

// kept is a real database, and what it has stored since somebody last asked.
type kept struct {
	*store.DB
	mu      sync.Mutex
	entries []delivery.Entry
	refuse  error // what Record answers, when a test wants it to fail
}

// Record is the database's own, overheard.
func (k *kept) Record(ctx context.Context, c *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	k.mu.Lock()
	refuse := k.refuse
	k.mu.Unlock()
	if refuse != nil {
		return event.Outcome{}, refuse
	}
	var made []delivery.Entry
	done, err := k.DB.Record(ctx, c, func(out event.Outcome) ([]delivery.Entry, error) {
		var err error
		made, err = entries(out)
		return made, err
	})
	if err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.entries = append(k.entries, made...)
	}
	return done, err
}

// stored gives what was stored since the last call.
func (k *kept) stored() []delivery.Entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	entries := k.entries
	k.entries = nil
	return entries
}

// refuses has the database answer with an error from now on; nil ends it.
func (k *kept) refuses(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuse = err
}
