package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"dockbell/models/cleanup"
	"dockbell/models/delivery"
)

// How often the server does what nobody asks for.
const (
	cleanEvery = time.Hour
	pullsEvery = 10 * time.Second
)

func (h *house) newCleaner(outbox *delivery.Outbox, log *slog.Logger) *cleanup.Cleaner {
	return &cleanup.Cleaner{Store: h.db, Blobs: h.blobs, Recorder: outbox, Grace: cleanup.Grace, Now: h.db.Now, NewID: newID, Log: log}
}

// doChores cleans up and writes the counts of pulls until stop is called, which waits for both.
func (h *house) doChores(ctx context.Context, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(cleanEvery)
		defer ticks.Stop()
		h.cleaner.Run(ctx, ticks.C)
	})
	running.Go(func() {
		ticks := time.NewTicker(pullsEvery)
		defer ticks.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ticks.C:
			}
			if err := h.db.FlushPulls(context.WithoutCancel(ctx)); err != nil { // also once more at the end
				log.Warn("pulls not counted yet", "error", err.Error())
			}
		}
	})
	return func() { cancel(); running.Wait() }
}
