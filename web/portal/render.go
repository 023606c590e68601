package portal

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
)

// isFragment reports whether htmx asks, and so wants a part of the page instead of the whole.
func isFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// render answers with a component. Caches must not mix a fragment up with the page of the same address.
func render(c echo.Context, status int, body templ.Component) error {
	h := c.Response().Header()
	h.Set(echo.HeaderVary, "HX-Request")
	h.Set(echo.HeaderContentType, "text/html; charset=utf-8")
	c.Response().WriteHeader(status)
	return body.Render(c.Request().Context(), c.Response())
}

// show answers with the fragment when htmx asks for it, else with the whole page. A page without a fragment gives nil.
func show(c echo.Context, status int, page, fragment templ.Component) error {
	if fragment != nil && isFragment(c) {
		return render(c, status, fragment)
	}
	return render(c, status, page)
}

// seeOther ends a POST: a browser is sent on with 303, htmx told to open the page.
func seeOther(c echo.Context, path string) error {
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", path)
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// shell begins a page of somebody who is signed in: who, theme, time and the messages left by the last action.
func (p *Portal) shell(c echo.Context, title string, crumbs ...views.Crumb) views.Shell {
	return views.Shell{Title: title, Crumbs: crumbs, Now: p.Now()}
}

// registryShell begins a page inside a registry: as shell, with the registry's menu and at as its open entry (views.AtWebhooks, ...).
func (p *Portal) registryShell(c echo.Context, reg registry.Registry, at, title string, crumbs ...views.Crumb) (views.Shell, error) {
	s := p.shell(c, title, crumbs...)
	s.Current = at
	return s, nil
}

// toast leaves a message for the next page that is shown.
func (p *Portal) toast(c echo.Context, t ui.Toast) {}
