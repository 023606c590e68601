package portal

import "dockbell/web/auth"

// streamRoutes are the live updates of open pages (server-sent events).
func (p *Portal) streamRoutes() []auth.Route { return nil }
