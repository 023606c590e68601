package azure

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/web/auth"
)

// SignIn is the door where Azure's clients find out how to sign in and get their tokens: discovery, the token endpoint as an
// ADFS has it, and managed identities. Who comes here has no token yet, so its refusals are in OAuth's shape.
type SignIn struct {
	SignIns     *account.SignIns
	Credentials auth.Credentials
	Base        func(r *http.Request) string // as Door's
	Pages       func(r *http.Request) string // base of pages that people open; as Base, but without an unknown CA where that can be
}

// Prefixes are its addresses.
func (s *SignIn) Prefixes() []string { return []string{"/metadata", "/adfs", "/msi"} }

// AnyCase says that addresses are compared as Azure compares them; az leaves a slash before what it adds.
func (s *SignIn) AnyCase() {}

// Before needs to know nobody: these routes are for who has yet to prove it.
func (s *SignIn) Before() []echo.MiddlewareFunc { return nil }

// Routes is the door's table of contents.
func (s *SignIn) Routes() []auth.Route {
	routes := []auth.Route{
		{Method: http.MethodGet, Path: "/metadata/endpoints", Handler: s.endpoints},
		{Method: http.MethodGet, Path: "/adfs/.well-known/openid-configuration", Handler: s.configuration},
		{Method: http.MethodGet, Path: "/adfs/:tenant/.well-known/openid-configuration", Handler: s.tenantConfiguration},
		{Method: http.MethodGet, Path: "/adfs/oauth2/authorize", Handler: s.authorize},
		{Method: http.MethodPost, Path: "/adfs/oauth2/devicecode", Handler: s.deviceCode},
		{Method: http.MethodPost, Path: "/adfs/oauth2/token", Handler: s.token},
		{Method: http.MethodGet, Path: "/msi/token", Handler: s.identity},
		{Method: http.MethodPost, Path: "/msi/token", Handler: s.identity},
	}
	for i := range routes {
		routes[i].Public = true
	}
	return routes
}

// issuer is the authority that tokens come from.
func (s *SignIn) issuer(c echo.Context) string { return s.Base(c.Request()) + "/adfs" }

// asking is a request for tokens by a client.
func (s *SignIn) asking(c echo.Context, client string) account.Asking {
	return account.Asking{Asker: asker(c, client), Issuer: s.issuer(c), Audience: s.Base(c.Request()) + "/"}
}

// asker is the client of a request, as far as it says.
func asker(c echo.Context, client string) account.Asker {
	agent := c.Request().UserAgent()
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	return account.Asker{Client: client, Agent: agent, Addr: c.RealIP()}
}

// maxAgent is how much of a User-Agent is kept.
const maxAgent = 256

// form reads the fields of a POST; OAuth sends them in the body, never in the address.
func form(c echo.Context) (url.Values, error) {
	r := c.Request()
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, err
		}
		return nil, badRequest("invalid_request", "The form cannot be read.")
	}
	return r.PostForm, nil
}

// badRequest is a refusal of a request that no sign-in would make right.
func badRequest(name, format string, args ...any) error {
	return refuse(http.StatusBadRequest, name, "", format, args...)
}

// oauthError is the body of a refusal (RFC 6749, 5.2).
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Request     string `json:"trace_id,omitempty"`
}

// waitingStates are OAuth's words for a device code without an answer; clients expect them with 400 (RFC 8628, 3.5).
var waitingStates = map[string]bool{"authorization_pending": true, "slow_down": true, "expired_token": true, "access_denied": true}

// Fail answers in OAuth's shape. Refused credentials are 401: clients keep a 400 and give it again for a minute.
func (s *SignIn) Fail(c echo.Context, status int, err error) error {
	status, body := oauthOf(status, err)
	if status >= http.StatusInternalServerError {
		body.Request = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer authorization_uri="`+s.issuer(c)+`"`)
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(status)
	}
	return c.JSON(status, body)
}

func oauthOf(status int, err error) (int, oauthError) {
	var known *refusal
	if errors.As(err, &known) {
		return known.status, oauthError{Error: known.code, Description: known.message}
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.Internal {
		return oauthOfFault(status, f)
	}
	switch status {
	case http.StatusNotFound:
		return status, oauthError{Error: "not_found", Description: "There is no such address for signing in."}
	case http.StatusMethodNotAllowed:
		return status, oauthError{Error: "invalid_request", Description: "This address does not answer to that method."}
	case http.StatusRequestEntityTooLarge:
		return status, oauthError{Error: "invalid_request", Description: "The form is larger than 1 MiB."}
	}
	return http.StatusInternalServerError, oauthError{Error: "server_error", Description: "Something went wrong on our side."}
}

// oauthOfFault: the field of a fault of signing in is OAuth's name of the error.
func oauthOfFault(status int, f *fault.Error) (int, oauthError) {
	body := oauthError{Error: f.Field, Description: f.Message}
	switch {
	case f.Code == fault.LimitReached, f.Code == fault.Unavailable:
		body.Error = "temporarily_unavailable"
	case f.Code == fault.Invalid:
		status = http.StatusBadRequest
	case waitingStates[f.Field]:
		status = http.StatusBadRequest
	case body.Error == "":
		body.Error = "invalid_grant"
	}
	return status, body
}

// clientID is the client of a form.
func clientID(fields url.Values) (string, error) {
	id := strings.TrimSpace(fields.Get("client_id"))
	return id, account.CheckClient(id)
}
