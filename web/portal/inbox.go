package portal

import (
	"context"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// Inboxes is what the page of a registry's inboxes needs.
type Inboxes interface {
	AddInbox(ctx context.Context, box delivery.Inbox, most int) error // LimitReached when the registry has most already
	Inbox(ctx context.Context, token string) (delivery.Inbox, error)
	Inboxes(ctx context.Context, name registry.Name) ([]delivery.Inbox, error) // newest first
	SetInboxAnswer(ctx context.Context, token string, a delivery.Answer) error
	DeleteInbox(ctx context.Context, token string) error
	Received(ctx context.Context, token string, before int64, n int) ([]delivery.Received, error) // newest first; before 0 is from the newest
}

// inboxRoutes are the page that shows what came to a registry's inboxes and its commands.
func (p *Portal) inboxRoutes() []auth.Route { return nil }
