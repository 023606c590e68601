package auth

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
)

// Prover proves what an Authorization header claims; *account.Service does.
type Prover interface {
	Authenticate(ctx context.Context, name, password string) (account.Principal, error)
	Bearer(ctx context.Context, token string) (account.Principal, error)
}

// Credentials finds out who sends a request by its Authorization header. Cookies count for nothing here.
type Credentials struct {
	Prover Prover
	Limits *Limits
}

// Load is the middleware: a request without the header goes on as nobody's, one with a wrong header is refused.
func (cr Credentials) Load(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, ok, err := cr.Identify(c)
		if err != nil {
			return err
		}
		if ok {
			r := c.Request()
			c.SetRequest(r.WithContext(WithPrincipal(r.Context(), p)))
		}
		return next(c)
	}
}

// Identify gives who the Authorization header proves; false without the header.
func (cr Credentials) Identify(c echo.Context) (account.Principal, bool, error) {
	r := c.Request()
	if name, password, ok := r.BasicAuth(); ok {
		p, err := cr.basic(r.Context(), c.RealIP(), name, password)
		return p, err == nil, err
	}
	scheme, token, ok := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	switch {
	case scheme == "":
		return account.Principal{}, false, nil
	case ok && strings.EqualFold(scheme, "Bearer"):
		p, err := cr.Prover.Bearer(r.Context(), strings.TrimSpace(token))
		return p, err == nil, err
	}
	return account.Principal{}, false, fault.New(fault.Unauthenticated, "Sign in with Basic or Bearer.")
}

// Prove checks a name and a password, or a client id and a secret, that came otherwise than in a header: by the same limits.
func (cr Credentials) Prove(c echo.Context, name, password string) (account.Principal, error) {
	return cr.basic(c.Request().Context(), c.RealIP(), name, password)
}

func (cr Credentials) basic(ctx context.Context, addr, name, password string) (account.Principal, error) {
	if err := cr.Limits.Check(addr, name); err != nil {
		return account.Principal{}, err
	}
	p, err := cr.Prover.Authenticate(ctx, name, password)
	switch {
	case err == nil:
		cr.Limits.Succeeded(addr, name)
	case fault.Is(err, fault.Unauthenticated):
		cr.Limits.Failed(addr, name)
	}
	return p, err
}
