package delivery

import (
	"context"
	"errors"
	"math"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// ControlStore is what Controls need of the database.
type ControlStore interface {
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
	// WaitingFor counts what waits for a webhook and was made before a moment; Superseded and Drop work on the same.
	WaitingFor(ctx context.Context, webhookID string, before ID) (Waiting, error)
	// Superseded gives what waits while a newer delivery of the same tag waits too.
	Superseded(ctx context.Context, webhookID string, before ID) ([]ID, error)
	// Drop cancels what waits: these, or for nil some of all; 0 says that nothing is left.
	Drop(ctx context.Context, webhookID string, before ID, ids []ID) (n int, err error)
	// EndPause lets a webhook that is paused since then send again: what waits now at the given rate, 0 is all at once.
	EndPause(ctx context.Context, w webhook.Webhook, drain Rate, by string) error
}

// Controls hold back, let go and drop what waits for a webhook.
type Controls struct {
	Store ControlStore
	Now   func() time.Time
	Wake  func() // tells the dispatcher that there is work
	Feed  *Feed
}

// Waiting is what waits for a webhook, in numbers; pings are not among it.
type Waiting struct {
	All    int
	Newest int // the newest of every tag; of what has no tag, of every digest
}

// Waiting counts what waits for a webhook.
func (s *Controls) Waiting(ctx context.Context, hook webhook.Webhook) (Waiting, error) {
	return s.Store.WaitingFor(ctx, hook.ID, math.MaxInt64)
}

// Choice is the answer to what becomes of the deliveries that a pause kept.
type Choice string

// The choices of a resume.
const (
	SendAll    Choice = "all"    // in the order in which they were made
	SendNewest Choice = "newest" // the newest of every tag; the older ones are cancelled
	SendNone   Choice = "none"   // all are cancelled
)

// ParseChoice reads a choice; faults are at field "send".
func ParseChoice(word string) (Choice, error) {
	switch c := Choice(word); c {
	case SendAll, SendNewest, SendNone:
		return c, nil
	}
	return "", fault.In("send", "Choose what is sent of what waits: all, newest or none.")
}

// Resume says how a pause ends.
type Resume struct {
	Send  Choice
	Drain Rate // of what waited; 0 is as fast as the webhook takes it
	By    string
}

// Resume ends the pause of a webhook and says what became of what had waited. What is stored while it works is sent in any case.
func (s *Controls) Resume(ctx context.Context, reg registry.Name, name webhook.Name, how Resume) (sent, dropped int, err error) {
	_, wrongChoice := ParseChoice(string(how.Send))
	if err := errors.Join(wrongChoice, webhook.CheckRate(int(how.Drain))); err != nil {
		return 0, 0, err
	}
	hook, err := s.Store.Webhook(ctx, reg, name)
	if err != nil {
		return 0, 0, err
	}
	if !hook.IsPaused() {
		return 0, 0, fault.New(fault.Conflict, "The webhook %s is not paused.", hook.Name)
	}
	before := FirstID(s.Now().Truncate(time.Millisecond))
	switch how.Send {
	case SendNewest:
		dropped, err = s.dropSuperseded(ctx, hook, before)
	case SendNone:
		dropped, err = s.drop(ctx, hook, before)
	}
	if err != nil {
		return 0, dropped, err
	}
	left, err := s.Store.WaitingFor(ctx, hook.ID, before)
	if err != nil {
		return 0, dropped, err
	}
	changes := []audit.Change{{Field: "paused", From: "yes", To: "no"}, {Field: "sent", To: string(how.Send)}}
	ctx = audit.Note(ctx, audit.Entry{Action: "webhook.resume", Registry: string(hook.Registry), Object: string(hook.Name), Changes: changes})
	if err := s.Store.EndPause(ctx, hook, how.Drain, how.By); err != nil {
		return 0, dropped, err
	}
	s.news(hook)
	return left.All, dropped, nil
}

// dropSuperseded cancels step by step, so that other writes come in between.
func (s *Controls) dropSuperseded(ctx context.Context, hook webhook.Webhook, before ID) (dropped int, err error) {
	ids, err := s.Store.Superseded(ctx, hook.ID, before)
	for err == nil && len(ids) > 0 {
		step := ids[:min(len(ids), dropStep)]
		ids = ids[len(step):]
		var n int
		n, err = s.Store.Drop(ctx, hook.ID, before, step)
		dropped += n
	}
	return dropped, err
}

// dropStep is how many deliveries one transaction cancels.
const dropStep = 500

func (s *Controls) drop(ctx context.Context, hook webhook.Webhook, before ID) (dropped int, err error) {
	for {
		n, err := s.Store.Drop(ctx, hook.ID, before, nil)
		dropped += n
		if err != nil || n == 0 {
			return dropped, err
		}
	}
}

// news wakes the dispatcher and whoever watches the webhook.
func (s *Controls) news(hook webhook.Webhook) {
	if s.Feed != nil {
		s.Feed.Publish(Update{Registry: hook.Registry, WebhookID: hook.ID})
	}
	if s.Wake != nil {
		s.Wake()
	}
}
