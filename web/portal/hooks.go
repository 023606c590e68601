package portal

import "dockbell/web/auth"

// Hooks is what the pages of webhooks, deliveries and events need.
type Hooks struct{}

// hookRoutes are the pages of webhooks, deliveries and events.
func (p *Portal) hookRoutes() []auth.Route { return nil }
