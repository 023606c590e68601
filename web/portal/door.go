package portal

import "dockbell/web/auth"

// doorRoutes are set-up, signing in and signing out: what people see before they are signed in.
func (p *Portal) doorRoutes() []auth.Route { return nil }
