// Package auth says who makes a request and whether they may: sessions, tokens, permissions, cross-site protection.
package auth

import (
	"context"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Route is one line of a door's table of contents.
type Route struct {
	Method     string
	Path       string // in Echo's spelling; ":registry" names the registry the permission is needed in
	Permission account.Permission
	Public     bool // no sign-in needed; the handler decides alone
	Stream     bool // server-sent events and blobs: a deadline that moves with every byte instead of fixed ones
	Handler    echo.HandlerFunc
}

type contextKey int

const (
	principalKey contextKey = iota
	registryKey
)

// WithPrincipal returns a context that carries who makes the request.
func WithPrincipal(ctx context.Context, p account.Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// PrincipalOf gives who makes the request; false when nobody is signed in.
func PrincipalOf(ctx context.Context) (account.Principal, bool) {
	p, ok := ctx.Value(principalKey).(account.Principal)
	return p, ok
}

// WithRegistry tells Require which registry a request is about where the path does not: /v2/ goes by the Host header.
func WithRegistry(ctx context.Context, name registry.Name) context.Context {
	return context.WithValue(ctx, registryKey, name)
}

// Require refuses a request whose principal lacks the route's permission. A route that names none is closed to everybody.
func Require(r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			attributed(c)
			if r.Public {
				return next(c)
			}
			p, ok := PrincipalOf(c.Request().Context())
			if !ok {
				return fault.New(fault.Unauthenticated, "Sign in first.")
			}
			if !p.May(r.Permission, registryOf(c)) {
				return fault.New(fault.Forbidden, "Your role (%s) does not allow this. Ask an owner of this Dockbell.", p.Role)
			}
			return next(c)
		}
	}
}

func registryOf(c echo.Context) registry.Name {
	if name, ok := c.Request().Context().Value(registryKey).(registry.Name); ok {
		return name
	}
	return registry.Name(c.Param("registry"))
}
