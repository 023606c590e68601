// Package web puts the doors into one house: it mounts their routes, guards them and answers what none of them knows.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/static"
	"dockbell/web/auth"
)

// Door is one way in: the portal, the built-in registry, the inbox, an API.
type Door interface {
	Prefixes() []string                               // paths it answers for; "/" is everything no other door claims
	Routes() []auth.Route                             // its table of contents
	Before() []echo.MiddlewareFunc                    // runs before each of its routes: who makes the request
	Fail(c echo.Context, status int, err error) error // a refusal in its own shape; also for addresses it does not know
}

// Doors are all of them; the order does not matter, the longest prefix wins.
type Doors []Door

// Unlimited is a Door whose request bodies may be larger than the usual 1 MiB.
type Unlimited interface {
	MaxBody() int64 // in bytes; 0 is no limit
}

// Options are what the house needs besides its doors.
type Options struct {
	Log            *slog.Logger
	TrustedProxies []netip.Prefix              // whose X-Forwarded-* headers are believed; empty: nobody's
	Ready          func(context.Context) error // nil error: the database answers
	Metrics        http.Handler                // nil: no /metrics
	Credentials    auth.Credentials            // who may read /metrics
	Served         func(Served)                // hears of every request that was answered; nil: nobody counts
	NewID          func() string               // request ids
	Now            func() time.Time
}

// New builds the handler of every listener.
func New(o Options, doors Doors) *echo.Echo {
	doors = append(slices.Clip(doors), probes{o})
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(o.TrustedProxies)
	e.SchemeExtractor = clientScheme(o.TrustedProxies)
	e.HTTPErrorHandler = doors.refuse(o.Log)
	e.Pre(requestID(o.NewID), logged(o), recovered(o.Log), secured, knownMethods, folded(doors))
	e.Any(static.Prefix+"*", echo.WrapHandler(static.Handler()))
	for _, d := range doors {
		mount(e, d)
	}
	return e
}

func mount(e *echo.Echo, d Door) {
	limit := int64(maxBody)
	if u, ok := d.(Unlimited); ok {
		limit = u.MaxBody()
	}
	for _, r := range d.Routes() {
		guard := []echo.MiddlewareFunc{limited(limit)}
		if r.Stream {
			guard = append(guard, rolling)
		}
		guard = append(guard, d.Before()...)
		e.Add(r.Method, r.Path, r.Handler, append(guard, auth.Require(r))...)
	}
}

// at gives the door that answers for a path: the one with the longest prefix of it.
func (doors Doors) at(path string) Door {
	var best Door
	longest := -1
	for _, d := range doors {
		for _, p := range d.Prefixes() {
			if within(path, p) && len(p) > longest {
				best, longest = d, len(p)
			}
		}
	}
	return best
}

// within reports whether path is prefix or lies under it.
func within(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// Server is a listener's HTTP server with the limits that keep slow and flooding clients away.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      90 * time.Second, // a ping waits for its answer up to 60 s
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
}
