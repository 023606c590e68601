package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"dockbell/models/audit"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// ReplayKind is what a replay sends.
type ReplayKind string

// The kinds of replay.
const (
	Missed ReplayKind = "missed" // stored events that the webhook matches and has no delivery for
	Again  ReplayKind = "again"  // deliveries that it has, whatever became of them
)

// ReplayState is how far a replay is.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning ReplayState = "running"
	ReplayDone    ReplayState = "done"
	ReplayStopped ReplayState = "stopped" // the webhook was disabled meanwhile
)

// Range is the part of a history that a replay is about: the zero times are its beginning and now.
type Range struct{ From, To time.Time }

// Replay is the work of sending a range again, in steps that survive a restart.
type Replay struct {
	ID       string
	Registry registry.Name
	Webhook  webhook.Name
	HookID   string
	Kind     ReplayKind
	Position int64 // what is done ends here
	Until    int64 // what begins here is not in the range
	Total    int   // counted at the start
	Made     int
	State    ReplayState
	By       string
	Started  time.Time
	Changed  time.Time
}

// ReplayStore is what Replays need of the database.
type ReplayStore interface {
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
	// MissedEvents gives up to n events of a webhook's registry after a position and before another of which it has no delivery, with
	// the position of each.
	MissedEvents(ctx context.Context, w webhook.Webhook, after, until int64, n int) ([]event.Event, []int64, error)
	// CountSent counts the deliveries of a webhook in a range that Again sends.
	CountSent(ctx context.Context, webhookID string, after, until int64) (int, error)
	// AddReplay stores a new one; Conflict while one of the webhook runs.
	AddReplay(ctx context.Context, r Replay) error
	// LastReplay is the newest of a webhook; ok is false when there was none.
	LastReplay(ctx context.Context, webhookID string) (r Replay, ok bool, err error)
	// RunningReplays are those that have something to do, oldest first.
	RunningReplays(ctx context.Context) ([]Replay, error)
	// StepMissed stores the deliveries of one step and moves the replay on, if nobody else did meanwhile.
	StepMissed(ctx context.Context, r Replay, made []Delivery, next Replay) error
	// StepAgain makes the next n deliveries due again and gives the replay as it is then.
	StepAgain(ctx context.Context, r Replay, n int) (Replay, error)
}

// Replays send ranges again. Run does the work; any number of processes may run it for one database.
type Replays struct {
	Store  ReplayStore
	Outbox *Outbox
	NewID  func() string
	Log    *slog.Logger
	Kick   chan struct{} // holds one: a replay was started
}

// How a replay works.
const (
	replayStep  = 200              // events or deliveries of one step
	replayCount = 2000             // events that are read at once to be counted
	replayLook  = 30 * time.Second // for what other processes left
)

// bounds are a range as positions: IDs of deliveries and of stored events both begin with their time.
func (r Range) bounds(now time.Time) (after, until int64) {
	if r.To.IsZero() || r.To.After(now) {
		r.To = now
	}
	if !r.From.IsZero() {
		after = int64(FirstID(r.From)) - 1
	}
	return after, int64(FirstID(r.To))
}

// Count says how many deliveries a replay would make.
func (s *Replays) Count(ctx context.Context, hook webhook.Webhook, kind ReplayKind, in Range) (int, error) {
	after, until := in.bounds(s.Outbox.Now())
	if kind == Again {
		return s.Store.CountSent(ctx, hook.ID, after, until)
	}
	for total := 0; ; {
		events, positions, err := s.Store.MissedEvents(ctx, hook, after, until, replayCount)
		if err != nil {
			return total, err
		}
		for _, ev := range events {
			if hook.Matches(ev).Fires {
				total++
			}
		}
		if len(events) < replayCount {
			return total, nil
		}
		after = positions[len(positions)-1]
	}
}

// Last is the newest replay of a webhook; ok is false when there was none.
func (s *Replays) Last(ctx context.Context, hook webhook.Webhook) (r Replay, ok bool, err error) {
	return s.Store.LastReplay(ctx, hook.ID)
}

// Start begins to send a range again.
func (s *Replays) Start(ctx context.Context, hook webhook.Webhook, kind ReplayKind, in Range, by string) (Replay, error) {
	if hook.Status != webhook.Enabled {
		return Replay{}, fault.New(fault.Conflict, "The webhook %s is disabled. Enable it, then send again.", hook.Name)
	}
	if kind != Missed && kind != Again {
		return Replay{}, fault.In("kind", "Choose what is sent: what the webhook missed, or what it was sent before.")
	}
	total, err := s.Count(ctx, hook, kind, in)
	if err != nil {
		return Replay{}, err
	}
	now := s.Outbox.Now()
	r := Replay{
		ID: s.NewID(), Registry: hook.Registry, Webhook: hook.Name, HookID: hook.ID, Kind: kind, Total: total, State: ReplayRunning,
		By: by, Started: now, Changed: now,
	}
	r.Position, r.Until = in.bounds(now)
	changes := []audit.Change{{Field: "kind", To: string(kind)}}
	ctx = audit.Note(ctx, audit.Entry{Action: "webhook.replay", Registry: string(hook.Registry), Object: string(hook.Name), Changes: changes})
	if err := s.Store.AddReplay(ctx, r); err != nil {
		return Replay{}, err
	}
	select {
	case s.Kick <- struct{}{}:
	default:
	}
	return r, nil
}

// Run does what is to be done until ctx ends; what is left then goes on at the next start.
func (s *Replays) Run(ctx context.Context) {
	look := time.NewTicker(replayLook)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "a replay failed and is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.Kick:
		case <-look.C:
		}
	}
}

// Work takes the running replays in turn, step by step, until none is left.
func (s *Replays) Work(ctx context.Context) error {
	for ctx.Err() == nil {
		running, err := s.Store.RunningReplays(ctx)
		if err != nil || len(running) == 0 {
			return err
		}
		var errs []error
		for _, r := range running {
			errs = append(errs, s.step(ctx, r))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// step does a little of one replay, so that other work comes in between.
func (s *Replays) step(ctx context.Context, r Replay) error {
	hook, err := s.Store.Webhook(ctx, r.Registry, r.Webhook)
	if err != nil {
		return err
	}
	switch {
	case hook.Status != webhook.Enabled:
		next := r
		next.State = ReplayStopped
		err = s.Store.StepMissed(ctx, r, nil, next)
	case r.Kind == Again:
		_, err = s.Store.StepAgain(ctx, r, replayStep)
	default:
		err = s.stepMissed(ctx, r, hook)
	}
	if fault.Is(err, fault.Conflict) { // another process did this step
		return nil
	}
	s.Outbox.wake()
	s.Outbox.tell(Update{Registry: r.Registry, WebhookID: r.HookID})
	return err
}

func (s *Replays) stepMissed(ctx context.Context, r Replay, hook webhook.Webhook) error {
	events, positions, err := s.Store.MissedEvents(ctx, hook, r.Position, r.Until, replayStep)
	if err != nil {
		return err
	}
	next := r
	var made []Delivery
	for i, ev := range events {
		next.Position = positions[i]
		entry, err := s.Outbox.entry(ev, []webhook.Webhook{hook})
		if err != nil {
			return err
		}
		made = append(made, entry.Deliveries...)
	}
	next.Made += len(made)
	if len(events) < replayStep {
		next.State = ReplayDone
	}
	return s.Store.StepMissed(ctx, r, made, next)
}
