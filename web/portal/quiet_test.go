package portal_test

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

// quiet is a database in which nothing was ever pushed or delivered.
type quiet struct{ *store.DB }

func (quiet) Health(context.Context, []string, time.Time) (map[string]delivery.Health, error) {
	return nil, nil
}
func (quiet) EventHours(context.Context, registry.Name, time.Time) ([]event.HourCount, error) {
	return nil, nil
}
func (quiet) Arrivals(context.Context, registry.Name, int) ([]event.Arrival, error) { return nil, nil }
func (quiet) Backlog(context.Context, registry.Name) (delivery.Backlog, error) {
	return delivery.Backlog{}, nil
}
func (quiet) Deliveries(context.Context, delivery.Filter) (delivery.Page, error) {
	return delivery.Page{}, nil
}
func (quiet) RepositoryStats(context.Context, registry.Name) (registry.Contents, error) {
	return registry.Contents{}, nil
}
func (quiet) Repositories(context.Context, registry.Name, string, int) ([]string, bool, error) {
	return nil, false, nil
}
func (quiet) Tags(context.Context, registry.Name, string, string, int) ([]string, bool, error) {
	return nil, false, missing("repository")
}
func (quiet) Manifest(context.Context, registry.Name, string, string) (artifact.Manifest, error) {
	return artifact.Manifest{}, missing("manifest")
}
func (quiet) Delivery(context.Context, registry.Name, delivery.ID) (delivery.Delivery, error) {
	return delivery.Delivery{}, missing("delivery")
}
func (quiet) Attempts(context.Context, delivery.ID) ([]delivery.Attempt, error) { return nil, nil }
func (quiet) Events(context.Context, event.Filter) (event.Page, error)          { return event.Page{}, nil }
func (quiet) Event(context.Context, registry.Name, event.ID) (event.Event, error) {
	return event.Event{}, missing("event")
}
func (quiet) Verdicts(context.Context, event.ID) ([]webhook.Verdict, error)        { return nil, nil }
func (quiet) Stakes(context.Context, []string) (map[string]delivery.Stakes, error) { return nil, nil }

func missing(field string) error {
	f := fault.New(fault.NotFound, "There is no such %s.", field)
	f.Field = field
	return f
}
