package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/web/auth"
)

// maxBody is the largest request body of doors that name no other: forms and JSON.
const maxBody = 1 << 20

// policy lets a page use its own files and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// RequestID is the id of the request in the log and on error pages.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// requestID gives every request an id of our own; one sent by the client could be forged.
func requestID(newID func() string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderXRequestID, newID())
			return next(c)
		}
	}
}

// Served is one answered request as counters see it: by its route, which no client can make up.
type Served struct {
	Method, Route string
	Status        int
	Took          time.Duration
	Stream        bool // it lasted as long as somebody looked, which says nothing about our speed
}

// logged writes one line per request and tells the counters of it. The query is left out: it may hold secrets.
func logged(o Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := o.Now()
			if err := next(c); err != nil {
				c.Error(err) // writes the answer, so that its status is known here
			}
			took := o.Now().Sub(start)
			if level := levelOf(c.Request().URL.Path); o.Log.Enabled(c.Request().Context(), level) {
				o.Log.Log(c.Request().Context(), level, "request", lineOf(c, took)...)
			}
			if o.Served != nil {
				o.Served(servedBy(c, took))
			}
			return nil
		}
	}
}

func lineOf(c echo.Context, took time.Duration) []any {
	r, w := c.Request(), c.Response()
	line := []any{
		"request", RequestID(c), "method", r.Method, "path", pathOf(c), "status", w.Status,
		"bytes", w.Size, "ms", took.Milliseconds(), "addr", c.RealIP(), "agent", r.UserAgent(),
	}
	if p, ok := auth.PrincipalOf(r.Context()); ok {
		line = append(line, "who", p.Name)
	}
	return line
}

// pathOf is the path of a request for the log, without the token that the address of a source may end with.
func pathOf(c echo.Context) string {
	path := c.Request().URL.Path
	if within(path, "/ingest") {
		if parts := strings.SplitN(path, "/", 4); len(parts) > 3 { //nolint:mnd // "", ingest, the source and the token
			return strings.Join(parts[:3], "/") + "/***"
		}
	}
	return path
}

func servedBy(c echo.Context, took time.Duration) Served {
	s := Served{Method: c.Request().Method, Route: c.Path(), Status: c.Response().Status, Took: took}
	if s.Route == "" {
		s.Route = "none"
	}
	if !slices.Contains(methods, s.Method) {
		s.Method = "other"
	}
	s.Stream = strings.HasPrefix(c.Response().Header().Get(echo.HeaderContentType), "text/event-stream")
	return s
}

// levelOf keeps paths that are asked all the time out of the usual log.
func levelOf(path string) slog.Level {
	if path == "/healthz" || path == "/readyz" || path == "/metrics" || within(path, "/static") {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recovered turns a panic into a 500 whose cause only the log sees.
func recovered(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
					panic(p)
				}
				log.Error("panic", "request", RequestID(c), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = fault.New(fault.Internal, "Something went wrong on our side.")
			}()
			return next(c)
		}
	}
}

// methods are the ones any door uses; the rest (TRACE, CONNECT, PROPFIND, ...) is refused before routing.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func knownMethods(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !slices.Contains(methods, c.Request().Method) {
			return echo.ErrMethodNotAllowed
		}
		return next(c)
	}
}

// secured sets the headers that every answer carries. Pages are never stored by anybody; static files set their own.
func secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}

// limited refuses request bodies over most bytes; 0 is no limit.
func limited(most int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r := c.Request(); most > 0 {
				r.Body = http.MaxBytesReader(c.Response(), r.Body, most)
			}
			return next(c)
		}
	}
}
