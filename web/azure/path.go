package azure

import (
	"net/url"

	"github.com/labstack/echo/v4"
)

// param is a part of the address as it was meant: Echo hands parameters on percent-encoded when the path holds escapes.
func param(c echo.Context, name string) string {
	text := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return text
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
