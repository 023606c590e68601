// Package portal is the door for people: the pages, as plain HTML that htmx makes quicker.
package portal

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/web/auth"
)

// Portal answers for every page. Its fields are set where the house is wired; Hooks holds what the webhook pages need.
type Portal struct {
	Hooks
	Log *slog.Logger
	Now func() time.Time
}

// Routes is the portal's table of contents: every page with the permission it needs.
func (p *Portal) Routes() []auth.Route {
	return slices.Concat(
		p.hookRoutes(),
	)
}

// Prefixes say that the portal answers for whatever no other door claims.
func (p *Portal) Prefixes() []string { return []string{"/"} }

// Before finds out who makes the request and refuses what another site sent.
func (p *Portal) Before() []echo.MiddlewareFunc { return nil }

// Fail shows a refusal as a page, or to htmx as a message.
func (p *Portal) Fail(c echo.Context, status int, err error) error {
	return c.String(status, http.StatusText(status))
}
