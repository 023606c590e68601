package azure

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// refusal is an answer whose status and code this door knows better than a fault can say.
type refusal struct {
	status       int
	code, target string
	message      string
	cause        error
}

// Error gives the message.
func (r *refusal) Error() string { return r.message }

// Unwrap gives the fault it was made from, so that the house finds its code.
func (r *refusal) Unwrap() error { return r.cause }

func refuse(status int, code, target, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &refusal{status: status, code: code, target: target, message: message, cause: fault.New(fault.Invalid, "%s", message)}
}

// answer is a status and a code of Azure's resource manager.
type answer struct {
	status int
	code   string
}

// answers are those of faults by code and field; the empty field stands for all others.
var answers = map[fault.Code]map[string]answer{
	fault.Invalid: {"": {http.StatusBadRequest, "InvalidParameter"}},
	fault.NotFound: {
		"":             {http.StatusNotFound, "ResourceNotFound"},
		"registry":     {http.StatusNotFound, "RegistryResourceNotFound"},
		"location":     {http.StatusNotFound, "RegistryResourceNotFound"},
		"group":        {http.StatusNotFound, "ResourceGroupNotFound"},
		"subscription": {http.StatusNotFound, "SubscriptionNotFound"},
	},
	fault.Conflict: {
		"":     {http.StatusConflict, "Conflict"},
		"name": {http.StatusConflict, "AlreadyInUse"},
	},
	fault.LimitReached: {
		"":      {http.StatusTooManyRequests, "TooManyRequests"},
		"quota": {http.StatusForbidden, "QuotaExceeded"},
	},
	fault.Unauthenticated: {"": {http.StatusUnauthorized, "InvalidAuthenticationToken"}},
	fault.Forbidden:       {"": {http.StatusForbidden, "AuthorizationFailed"}},
	fault.Gone:            {"": {http.StatusNotFound, "ResourceNotFound"}},
	fault.Unavailable:     {"": {http.StatusServiceUnavailable, "ServiceUnavailable"}},
}

// armError is the body of a refusal; one with several wrong fields lists them all in details.
type armError struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Target  string     `json:"target,omitempty"`
	Details []armError `json:"details,omitempty"`
}

// Fail answers with Azure's error body; what is our own mistake shows nothing but the request's id.
func (d *Door) Fail(c echo.Context, status int, err error) error {
	status, body := describe(status, err)
	h := c.Response().Header()
	if status >= http.StatusInternalServerError && body.Code == codeInternal {
		body.Message += " Quote the request id " + h.Get(echo.HeaderXRequestID) + "."
	}
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, d.challenge(c, body))
	}
	h.Set("x-ms-error-code", body.Code)
	if c.Request().Method == http.MethodHead {
		return c.NoContent(status)
	}
	return c.JSON(status, map[string]armError{"error": body})
}

// challenge says where tokens come from (RFC 6750, 3).
func (d *Door) challenge(c echo.Context, e armError) string {
	challenge := `Bearer authorization_uri="` + d.Base(c.Request()) + `/adfs"`
	if c.Request().Header.Get(echo.HeaderAuthorization) == "" {
		return challenge
	}
	return challenge + `, error="invalid_token", error_description="` + strings.Map(describing, e.Message) + `"`
}

// describing keeps to the signs that an error_description may have (RFC 6750, 3).
func describing(r rune) rune {
	switch {
	case r == '"' || r == '\\' || r == '’' || r == '“' || r == '”':
		return '\''
	case r < ' ' || r > '~':
		return '?'
	}
	return r
}

const codeInternal = "InternalServerError"

// describe finds the status and the body of a refusal.
func describe(status int, err error) (int, armError) {
	var known *refusal
	if errors.As(err, &known) {
		return known.status, armError{Code: known.code, Message: known.message, Target: known.target}
	}
	if all := fault.All(err); len(all) > 0 && all[0].Code != fault.Internal {
		return several(all)
	}
	switch status {
	case http.StatusNotFound:
		return status, armError{Code: "InvalidResourceType", Message: "The management API has no such address."}
	case http.StatusMethodNotAllowed:
		return status, armError{Code: "MethodNotAllowed", Message: "This address does not answer to that method."}
	case http.StatusRequestEntityTooLarge:
		return status, armError{Code: "RequestEntityTooLarge", Message: "The body is larger than 1 MiB."}
	}
	return http.StatusInternalServerError, armError{Code: codeInternal, Message: "Something went wrong on our side."}
}

// several makes one refusal of all faults: the first one's status and code, every wrong field in the details.
func several(all []*fault.Error) (int, armError) {
	status, first := one(all[0])
	if len(all) == 1 {
		return status, first
	}
	told := map[string]bool{}
	for _, f := range all {
		if f.Field != "" && told[f.Field] {
			continue // of the wrong type, and so missing too
		}
		told[f.Field] = true
		_, detail := one(f)
		first.Details = append(first.Details, detail)
	}
	return status, first
}

func one(f *fault.Error) (int, armError) {
	byField := answers[f.Code]
	a, ok := byField[f.Field]
	if !ok {
		a = byField[""]
	}
	if a.status == 0 {
		a = answer{http.StatusInternalServerError, codeInternal}
	}
	return a.status, armError{Code: a.code, Message: f.Message, Target: f.Field}
}
