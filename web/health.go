package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/static"
	"dockbell/web/auth"
)

// probes is the door of what load balancers and Prometheus ask, and whoever writes a client for the management API.
type probes struct{ o Options }

// Prefixes are its addresses.
func (p probes) Prefixes() []string {
	return []string{"/healthz", "/readyz", "/metrics", "/openapi.yaml"}
}

// Routes are open and say nothing but a word; the figures are for a Bearer.
func (p probes) Routes() []auth.Route {
	routes := []auth.Route{
		{Method: http.MethodGet, Path: "/healthz", Public: true, Handler: p.alive},
		{Method: http.MethodHead, Path: "/healthz", Public: true, Handler: p.alive},
		{Method: http.MethodGet, Path: "/readyz", Public: true, Handler: p.ready},
		{Method: http.MethodHead, Path: "/readyz", Public: true, Handler: p.ready},
		{Method: http.MethodGet, Path: "/openapi.yaml", Public: true, Handler: p.contract},
	}
	if p.o.Metrics != nil {
		routes = append(routes, auth.Route{Method: http.MethodGet, Path: "/metrics", Permission: account.Read, Handler: echo.WrapHandler(p.o.Metrics)})
	}
	return routes
}

// Before goes by the Authorization header alone.
func (p probes) Before() []echo.MiddlewareFunc {
	if p.o.Metrics == nil {
		return nil
	}
	return []echo.MiddlewareFunc{p.forMetrics}
}

// forMetrics leaves the open pages open whatever a probe sends along.
func (p probes) forMetrics(next echo.HandlerFunc) echo.HandlerFunc {
	proven := p.o.Credentials.Load(next)
	return func(c echo.Context) error {
		if c.Path() == "/metrics" {
			return proven(c)
		}
		return next(c)
	}
}

// Fail answers in a word.
func (p probes) Fail(c echo.Context, status int, _ error) error {
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	return c.String(status, http.StatusText(status)+"\n")
}

func (p probes) alive(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

func (p probes) contract(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", static.OpenAPI)
}

func (p probes) ready(c echo.Context) error {
	if err := p.o.Ready(c.Request().Context()); err != nil {
		p.o.Log.Warn("not ready", "error", err.Error())
		return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
