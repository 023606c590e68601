package oci

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// The error codes of the OCI distribution specification, and TAG_INVALID and UNAVAILABLE of Docker's registry.
const (
	codeBlobUnknown         = "BLOB_UNKNOWN"
	codeBlobUploadInvalid   = "BLOB_UPLOAD_INVALID"
	codeBlobUploadUnknown   = "BLOB_UPLOAD_UNKNOWN"
	codeDigestInvalid       = "DIGEST_INVALID"
	codeManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
	codeManifestInvalid     = "MANIFEST_INVALID"
	codeManifestUnknown     = "MANIFEST_UNKNOWN"
	codeNameInvalid         = "NAME_INVALID"
	codeNameUnknown         = "NAME_UNKNOWN"
	codeSizeInvalid         = "SIZE_INVALID"
	codeTagInvalid          = "TAG_INVALID"
	codeUnauthorized        = "UNAUTHORIZED"
	codeDenied              = "DENIED"
	codeUnsupported         = "UNSUPPORTED"
	codeTooManyRequests     = "TOOMANYREQUESTS"
	codeUnavailable         = "UNAVAILABLE"
	codeUnknown             = "UNKNOWN"
)

// refusal is an answer whose status and code this door knows better than a fault can say.
type refusal struct {
	status  int
	code    string
	message string
	cause   error
}

// Error gives the message.
func (r *refusal) Error() string { return r.message }

// Unwrap gives the fault it was made from, so that the house finds its code.
func (r *refusal) Unwrap() error { return r.cause }

func refuse(status int, code, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &refusal{status: status, code: code, message: message, cause: fault.New(fault.Invalid, "%s", message)}
}

// answer is a status and a code of the OCI specification.
type answer struct {
	status int
	code   string
}

// answers are those of faults by code and field; the empty field stands for all others.
var answers = map[fault.Code]map[string]answer{
	fault.Invalid: {
		"":           {http.StatusBadRequest, codeUnsupported},
		"repository": {http.StatusBadRequest, codeNameInvalid},
		"tag":        {http.StatusBadRequest, codeTagInvalid},
		"digest":     {http.StatusBadRequest, codeDigestInvalid},
		"manifest":   {http.StatusBadRequest, codeManifestInvalid},
		"blob":       {http.StatusBadRequest, codeManifestBlobUnknown},
		"upload":     {http.StatusBadRequest, codeBlobUploadInvalid},
	},
	fault.NotFound: {
		"":         {http.StatusNotFound, codeNameUnknown},
		"blob":     {http.StatusNotFound, codeBlobUnknown},
		"upload":   {http.StatusNotFound, codeBlobUploadUnknown},
		"manifest": {http.StatusNotFound, codeManifestUnknown},
		"tag":      {http.StatusNotFound, codeManifestUnknown},
	},
	fault.Conflict: {
		"":       {http.StatusConflict, codeDenied},
		"blob":   {http.StatusConflict, codeDenied},
		"range":  {http.StatusRequestedRangeNotSatisfiable, codeBlobUploadInvalid},
		"upload": {http.StatusConflict, codeBlobUploadInvalid},
	},
	fault.LimitReached: {
		"":         {http.StatusTooManyRequests, codeTooManyRequests},
		"manifest": {http.StatusRequestEntityTooLarge, codeSizeInvalid},
	},
	fault.Unavailable: {
		"":     {http.StatusServiceUnavailable, codeUnavailable},
		"disk": {http.StatusInsufficientStorage, codeUnavailable},
	},
	fault.Unauthenticated: {"": {http.StatusUnauthorized, codeUnauthorized}},
	fault.Forbidden: {
		"":     {http.StatusForbidden, codeDenied},
		"lock": {http.StatusMethodNotAllowed, codeDenied}, // as Azure; clients do not sign in again because of it
	},
	fault.Gone: {"": {http.StatusNotFound, codeNameUnknown}},
}

// ociError is one entry of an error list.
type ociError struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Detail  map[string]string `json:"detail,omitempty"`
}

// Fail answers with the error list of the OCI specification; what is our own mistake shows nothing but the request's id.
func (d *Door) Fail(c echo.Context, status int, err error) error {
	status, one := describe(status, err)
	if status >= http.StatusInternalServerError {
		one.Detail = map[string]string{"requestId": c.Response().Header().Get(echo.HeaderXRequestID)}
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, d.challenge(c))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if c.Request().Method == http.MethodHead {
		return c.NoContent(status)
	}
	return c.JSON(status, map[string][]ociError{"errors": {one}})
}

func describe(status int, err error) (int, ociError) {
	var known *refusal
	if errors.As(err, &known) {
		return known.status, ociError{Code: known.code, Message: known.message}
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Code != fault.Internal {
		byField := answers[f.Code]
		a, ok := byField[f.Field]
		if !ok {
			a = byField[""]
		}
		return a.status, ociError{Code: a.code, Message: f.Message}
	}
	switch status {
	case http.StatusNotFound:
		return status, ociError{Code: codeUnsupported, Message: "A registry has no such address."}
	case http.StatusMethodNotAllowed:
		return status, ociError{Code: codeUnsupported, Message: "This method is not supported here."}
	}
	return http.StatusInternalServerError, ociError{Code: codeUnknown, Message: "Something went wrong on our side."}
}
