package portal

import (
	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// Hooks is what the pages of webhooks change things with.
type Hooks struct {
	Webhooks *webhook.Service
	Outbox   *delivery.Outbox
}

// hookRoutes are the list of webhooks, the form, one webhook's page and its commands.
func (p *Portal) hookRoutes() []auth.Route { return nil }
