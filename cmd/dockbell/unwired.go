package main

import (
	"context"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/webhook"
)

// database is the store with what it does not keep yet: artifacts, events and deliveries are absent, and changing them is refused.
// It goes when the store keeps them.
type database struct{ *store.DB }

var notKept = fault.New(fault.Unavailable, "Events and deliveries are not kept yet.")

func absent(field string) error {
	return &fault.Error{Code: fault.NotFound, Field: field, Message: "There is no such " + field + "."}
}

func (database) Record(context.Context, *event.Change, func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	return event.Outcome{}, notKept
}

func (database) Requeue(context.Context, registry.Name, delivery.ID, time.Time) (delivery.Delivery, error) {
	return delivery.Delivery{}, notKept
}

func (database) Claim(context.Context, int, delivery.Caps, time.Duration) ([]delivery.Job, error) {
	return nil, nil
}
func (database) Finish(context.Context, []delivery.Done) error              { return nil }
func (database) NextDue(context.Context) (at time.Time, ok bool, err error) { return }
func (database) TakeOver(context.Context) error                             { return nil }

func (database) Health(context.Context, []string, time.Time) (map[string]delivery.Health, error) {
	return map[string]delivery.Health{}, nil
}

func (database) EventHours(context.Context, registry.Name, time.Time) ([]event.HourCount, error) {
	return nil, nil
}

func (database) Arrivals(context.Context, registry.Name, int) ([]event.Arrival, error) {
	return nil, nil
}

func (database) Backlog(context.Context, registry.Name) (delivery.Backlog, error) {
	return delivery.Backlog{}, nil
}

func (database) Deliveries(context.Context, delivery.Filter) (delivery.Page, error) {
	return delivery.Page{}, nil
}

func (database) Delivery(context.Context, registry.Name, delivery.ID) (delivery.Delivery, error) {
	return delivery.Delivery{}, absent("delivery")
}

func (database) Attempts(context.Context, delivery.ID) ([]delivery.Attempt, error) { return nil, nil }

func (database) Events(context.Context, event.Filter) (event.Page, error) { return event.Page{}, nil }

func (database) Event(context.Context, registry.Name, event.ID) (event.Event, error) {
	return event.Event{}, absent("event")
}

func (database) Verdicts(context.Context, event.ID) ([]webhook.Verdict, error) { return nil, nil }

func (database) Stakes(context.Context, []string) (map[string]delivery.Stakes, error) {
	return map[string]delivery.Stakes{}, nil
}

func (database) RepositoryStats(context.Context, registry.Name) (registry.Contents, error) {
	return registry.Contents{}, nil
}

func (database) Repositories(context.Context, registry.Name, string, int) (all []string, more bool, err error) {
	return
}

func (database) Tags(context.Context, registry.Name, string, string, int) (all []string, more bool, err error) {
	return nil, false, absent("repository")
}

func (database) Manifest(context.Context, registry.Name, string, string) (artifact.Manifest, error) {
	return artifact.Manifest{}, absent("manifest")
}

func (database) Referrers(context.Context, registry.Name, string, string, string) ([]artifact.Descriptor, error) {
	return nil, nil
}

func (database) BlobSize(context.Context, registry.Name, string, string) (int64, error) {
	return 0, absent("blob")
}
func (database) LinkBlob(context.Context, registry.Name, string, string, int64) error { return notKept }
func (database) UnlinkBlob(context.Context, registry.Name, string, string) error {
	return absent("blob")
}
