package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// mountHealth adds what probes and Prometheus ask. Both health pages are open and say nothing but a word.
func mountHealth(e *echo.Echo, o Options) {
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(c echo.Context) error {
		if err := o.Ready(c.Request().Context()); err != nil {
			o.Log.Warn("not ready", "error", err.Error())
			return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
	if o.Metrics != nil {
		e.GET("/metrics", echo.WrapHandler(o.Metrics))
	}
}
