package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Fail shows a refusal as a page, or to htmx as a message.
func (p *Portal) Fail(c echo.Context, status int, err error) error {
	return c.String(status, http.StatusText(status))
}
