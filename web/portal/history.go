package portal

import (
	"context"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// History is what the pages of deliveries and events read.
type History interface {
	Deliveries(ctx context.Context, f delivery.Filter) (delivery.Page, error)
	Delivery(ctx context.Context, name registry.Name, id delivery.ID) (delivery.Delivery, error)
	Attempts(ctx context.Context, id delivery.ID) ([]delivery.Attempt, error) // oldest first
	Events(ctx context.Context, f event.Filter) (event.Page, error)
	Event(ctx context.Context, name registry.Name, id event.ID) (event.Event, error)
	Verdicts(ctx context.Context, id event.ID) ([]webhook.Verdict, error)
	Stakes(ctx context.Context, webhookIDs []string) (map[string]delivery.Stakes, error)
}

// historyRoutes are the pages of deliveries, attempts and events.
func (p *Portal) historyRoutes() []auth.Route { return nil }
