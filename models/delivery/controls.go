package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// ControlStore is what Controls need of the database.
type ControlStore interface {
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
	// WaitingFor counts what waits for a webhook; Superseded and Drop work on the same.
	WaitingFor(ctx context.Context, webhookID string, which Which) (Waiting, error)
	// Superseded gives what waits while a newer delivery of the same tag waits too.
	Superseded(ctx context.Context, webhookID string, which Which) ([]ID, error)
	// Drop cancels what waits: these, or for nil some of all; 0 says that nothing is left.
	Drop(ctx context.Context, webhookID string, which Which, ids []ID) (n int, err error)
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

// Which narrows what waits for a webhook; zero fields do not narrow.
type Which struct {
	Before     ID // made before it
	Repository string
	Retries    bool // only what waits for a retry
}

// Waiting counts what waits for a webhook.
func (s *Controls) Waiting(ctx context.Context, hook webhook.Webhook, which Which) (Waiting, error) {
	return s.Store.WaitingFor(ctx, hook.ID, which)
}

// Drop cancels what waits for a webhook and says how many that were. What comes meanwhile stays.
func (s *Controls) Drop(ctx context.Context, hook webhook.Webhook, which Which) (int, error) {
	which.Before = FirstID(s.Now().Truncate(time.Millisecond))
	changes := []audit.Change{{Field: "dropped", To: cmp.Or(which.Repository, "all that waited")}}
	noted := audit.Note(ctx, audit.Entry{Action: "webhook.drop", Registry: string(hook.Registry), Object: string(hook.Name), Changes: changes})
	n, err := s.Store.Drop(noted, hook.ID, which, nil)
	if err == nil && n > 0 {
		var more int
		more, err = s.drop(ctx, hook, which)
		n += more
	}
	s.news(hook)
	return n, err
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

// Preview says what a Resume would make of what waits.
func (s *Controls) Preview(ctx context.Context, hook webhook.Webhook, send Choice) (sent, dropped int, err error) {
	if _, err := ParseChoice(string(send)); err != nil {
		return 0, 0, err
	}
	if err := mayResume(hook); err != nil {
		return 0, 0, err
	}
	n, err := s.Waiting(ctx, hook, Which{})
	switch send {
	case SendNewest:
		return n.Newest, n.All - n.Newest, err
	case SendNone:
		return 0, n.All, err
	}
	return n.All, 0, err
}

func mayResume(hook webhook.Webhook) error {
	if !hook.IsPaused() {
		return fault.New(fault.Conflict, "The webhook %s is not paused.", hook.Name)
	}
	return nil
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
	if err := mayResume(hook); err != nil {
		return 0, 0, err
	}
	before := Which{Before: FirstID(s.Now().Truncate(time.Millisecond))}
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
func (s *Controls) dropSuperseded(ctx context.Context, hook webhook.Webhook, which Which) (dropped int, err error) {
	ids, err := s.Store.Superseded(ctx, hook.ID, which)
	for err == nil && len(ids) > 0 {
		step := ids[:min(len(ids), dropStep)]
		ids = ids[len(step):]
		var n int
		n, err = s.Store.Drop(ctx, hook.ID, which, step)
		dropped += n
	}
	return dropped, err
}

// dropStep is how many deliveries one transaction cancels.
const dropStep = 500

func (s *Controls) drop(ctx context.Context, hook webhook.Webhook, which Which) (dropped int, err error) {
	for {
		n, err := s.Store.Drop(ctx, hook.ID, which, nil)
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
