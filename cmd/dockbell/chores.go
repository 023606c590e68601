package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"dockbell/models/cleanup"
	"dockbell/models/delivery"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/webhook"
	"dockbell/views"
)

// How often the server does what nobody asks for.
const (
	cleanEvery  = time.Hour
	forgetEvery = time.Hour
	lookEvery   = 5 * time.Second // at the clock
	countEvery  = 10 * time.Second
)

// linkedEvery, linkedGrace and linkedWaiting are the times of cleaning up in a program that a test has linked with others than
// the usual ones, so that it cleans up all the time; linkedLease is how long a delivery in flight belongs to a process that
// ended without a word. Nobody can set them: with a short grace pushes are refused, with a short lease calls are repeated.
var linkedEvery, linkedGrace, linkedWaiting, linkedLease string

func linked(text string, usual time.Duration) time.Duration {
	if d, err := time.ParseDuration(text); err == nil {
		return d
	}
	return usual
}

func (h *house) newCleaner(outbox *delivery.Outbox, log *slog.Logger) *cleanup.Cleaner {
	return &cleanup.Cleaner{
		Store: h.db, Blobs: h.blobs, Recorder: outbox, Now: h.db.Now, NewID: newID, Log: log,
		Grace: linked(linkedGrace, cleanup.Grace), Waiting: linked(linkedWaiting, cleanup.Waiting),
	}
}

// newTeller passes notices on: to the chosen webhook of the same registry, by mail, and to open pages.
func (h *house) newTeller(outbox *delivery.Outbox, post notice.Post, log *slog.Logger) *notice.Teller {
	return &notice.Teller{
		Store: h.db, Post: post, Sent: h.metrics.mailed, Now: h.db.Now, Log: log,
		Hand: func(ctx context.Context, n notice.Notice, to webhook.Webhook) error {
			return outbox.Notify(ctx, n, to, h.noticeLink(n))
		},
		News: func(n notice.Notice) {
			outbox.Feed.Publish(delivery.Update{Registry: n.Registry, WebhookID: n.WebhookID, Notice: true})
		},
	}
}

// newPost is the mail server of the settings; nil when they name none.
func (h *house) newPost(cfg Config) (notice.Post, error) {
	s, err := cfg.mailServer()
	if s == nil || err != nil {
		return nil, err
	}
	s.Page, s.Choice = h.noticeLink, func(n notice.Notice) string { return h.site.public + views.NoticesPath(n.Registry) }
	return s, nil
}

// noticeLink is the page of the webhook that a notice is about.
func (h *house) noticeLink(n notice.Notice) string {
	return h.site.public + views.WebhookPath(n.Registry, n.Webhook)
}

// newPolicy says for how long history is kept: what the settings say, else what the portal stored.
func (h *house) newPolicy(cfg Config) *keeping.Policy {
	fixed := keeping.Periods{}
	for kind, text := range map[keeping.Kind]Days{
		keeping.History: cfg.KeepHistory, keeping.Counters: cfg.KeepCounters, keeping.Audit: cfg.KeepAudit, keeping.Inbox: cfg.KeepInbox,
	} {
		if days, err := keeping.ParseDays(kind, string(text)); err == nil { // empty: not fixed; anything else was checked when it was read
			fixed[kind] = days
		}
	}
	return &keeping.Policy{Fixed: fixed, Settings: h.db}
}

func (h *house) newKeeper(policy *keeping.Policy, log *slog.Logger) *keeping.Keeper {
	return &keeping.Keeper{Store: h.db, Periods: policy.Periods, Now: h.db.Now, Stepped: h.metrics.forgot, Log: log}
}

// doChores cleans up, forgets what is old, writes counts, looks at the clock and speaks with other processes until stop is called, which waits for
// all of them.
func (h *house) doChores(ctx context.Context, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(linked(linkedEvery, cleanEvery))
		defer ticks.Stop()
		h.cleaner.Run(ctx, ticks.C)
	})
	running.Go(func() {
		ticks := time.NewTicker(forgetEvery)
		defer ticks.Stop()
		h.keeper.Run(ctx, ticks.C)
	})
	running.Go(func() {
		ticks := time.NewTicker(countEvery)
		defer ticks.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ticks.C:
			}
			whole := context.WithoutCancel(ctx) // also once more at the end
			if err := errors.Join(h.db.FlushPulls(whole), h.db.FlushSources(whole)); err != nil {
				log.Warn("counts not written yet", "error", err.Error())
			}
		}
	})
	running.Go(func() { newCollector(h.db.Rest).run(ctx) })
	running.Go(func() { h.replays.Run(ctx) })
	running.Go(func() { h.teller.Run(ctx) })
	running.Go(func() { h.watchClock(ctx, log) })
	running.Go(func() { h.beat(ctx, log) })
	running.Go(func() { h.countRecoveries(ctx, log) })
	if h.relay != nil {
		running.Go(func() { h.relay.Run(ctx) })
	}
	return func() { cancel(); running.Wait() }
}

// watchClock looks at this machine's clock until ctx ends.
func (h *house) watchClock(ctx context.Context, log *slog.Logger) {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		moved, err := h.db.KeepTime(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("the clock is not looked at yet", "error", err.Error())
		}
		if moved {
			h.dispatcher.Wake()
		}
	}
}

// Large recoveries are counted so often, and more seldom where that takes long.
const (
	recountEvery = time.Second
	recountMost  = time.Minute
	recountRest  = 50 // times as long as counting took
)

// countRecoveries counts how far large recoveries are until ctx ends. Several servers do so in turn.
func (h *house) countRecoveries(ctx context.Context, log *slog.Logger) {
	for pause := recountEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		if err := h.db.CountRecoveries(ctx, h.db.Now().Add(-pause)); err != nil && ctx.Err() == nil {
			log.Warn("recoveries are not counted yet", "error", err.Error())
		}
		pause = min(max(recountRest*time.Since(began), recountEvery), recountMost)
	}
}
