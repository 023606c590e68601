package auth

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// SameSite refuses requests that change something and come from a page of another site. It goes by what the browser
// says of itself (Sec-Fetch-Site, Origin), so that forms need no tokens; programs that send neither have no cookies either.
func SameSite(next echo.HandlerFunc) echo.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return fault.New(fault.Forbidden, "This request came from another site, so it was not carried out.").Because(err)
		}
		return next(c)
	}
}
