package certs

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/web/auth"
)

// Door hands out the CA's certificate, and answers the challenges of a public CA.
type Door struct {
	CA         []byte       // PEM; nil without a CA of our own
	Challenges http.Handler // nil without ACME
}

// DoorOf is the door of a source; nil stands for a house without HTTPS.
func DoorOf(s Source) Door {
	switch s := s.(type) {
	case *Own:
		return Door{CA: s.PEM()}
	case *ACME:
		return Door{Challenges: s.Challenges()}
	}
	return Door{}
}

// Prefixes are its addresses.
func (d Door) Prefixes() []string { return []string{"/ca.pem", "/.well-known/acme-challenge"} }

// Routes are open: a certificate is no secret.
func (d Door) Routes() []auth.Route {
	routes := []auth.Route{
		{Method: http.MethodGet, Path: "/ca.pem", Public: true, Handler: d.ca},
		{Method: http.MethodHead, Path: "/ca.pem", Public: true, Handler: d.ca},
	}
	if d.Challenges != nil {
		routes = append(routes, auth.Route{Method: http.MethodGet, Path: "/.well-known/acme-challenge/*", Public: true, Handler: echo.WrapHandler(d.Challenges)})
	}
	return routes
}

// Before needs to know nobody.
func (d Door) Before() []echo.MiddlewareFunc { return nil }

// Fail answers in a sentence.
func (d Door) Fail(c echo.Context, status int, err error) error {
	text := http.StatusText(status)
	for _, f := range fault.All(err) {
		text = f.Message
	}
	return c.String(status, text+"\n")
}

func (d Door) ca(c echo.Context) error {
	if d.CA == nil {
		return fault.New(fault.NotFound, "This Dockbell has no CA of its own: its certificate, if it serves HTTPS, comes from elsewhere.")
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="dockbell-ca.pem"`)
	return c.Blob(http.StatusOK, "application/x-pem-file", d.CA)
}
