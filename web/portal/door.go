package portal

import (
	"github.com/labstack/echo/v4"

	"dockbell/views"
	"dockbell/web/auth"
)

// doorRoutes are set-up, signing in and signing out: what people see before they are signed in.
func (p *Portal) doorRoutes() []auth.Route { return nil }

// door begins a page of somebody who is not signed in.
func (p *Portal) door(c echo.Context, title string) views.Door {
	return views.Door{Title: title, Theme: theme(c), Version: p.Version}
}
