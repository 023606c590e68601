package portal

import "dockbell/web/auth"

// settingsRoutes are users, tokens and allowed networks.
func (p *Portal) settingsRoutes() []auth.Route { return nil }
