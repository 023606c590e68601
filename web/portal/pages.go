package portal

import "dockbell/web/auth"

// pageRoutes are home, search, help, one's own account, and a registry's overview and repositories.
func (p *Portal) pageRoutes() []auth.Route { return nil }
