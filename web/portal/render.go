package portal

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/views/ui"
)

// isFragment reports whether htmx asks, and so wants a part of the page instead of the whole. Going back in the
// browser's history wants the whole.
func isFragment(c echo.Context) bool {
	h := c.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-History-Restore-Request") != "true"
}

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

// done ends a POST that worked: the page it leads to shows the message.
func (p *Portal) done(c echo.Context, path string, t ui.Toast) error {
	p.toast(c, t)
	return seeOther(c, path)
}

// toastNow answers htmx with messages and nothing else: they appear on the page that is open, whose content stays.
// An answer that also changes the page joins its parts: templ.Join(part, ui.ToastNow(t)).
func toastNow(c echo.Context, status int, toasts ...ui.Toast) error {
	h := c.Response().Header()
	h.Set("HX-Reswap", "none")
	h.Set("HX-Push-Url", "false")
	return render(c, status, ui.ToastNow(toasts...))
}

// fieldErrors gives what a form shows at its fields (422): the first message of each field, and under "" what belongs
// to none. It is nil when err is no refusal of what was typed but a failure that the handler has to return.
func fieldErrors(err error) map[string]string {
	all := fault.All(err)
	if len(all) == 0 {
		return nil
	}
	said := map[string]string{}
	for _, f := range all {
		switch f.Code {
		case fault.Invalid, fault.Conflict, fault.LimitReached:
		default:
			return nil
		}
		if _, have := said[f.Field]; !have {
			said[f.Field] = f.Message
		}
	}
	return said
}
