package web

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// statuses is the only table of fault codes and HTTP statuses.
var statuses = map[fault.Code]int{
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.LimitReached:    http.StatusTooManyRequests,
	fault.Gone:            http.StatusGone,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Internal:        http.StatusInternalServerError,
}

// StatusOf is the HTTP status of a refusal; what is not a fault is our own mistake, 500.
func StatusOf(err error) int {
	var h *echo.HTTPError
	if errors.As(err, &h) {
		return h.Code
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if s, ok := statuses[fault.CodeOf(err)]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// refuse answers an error in the shape of the door the path belongs to.
func (doors Doors) refuse(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		status := StatusOf(err)
		if status >= 500 {
			log.Error("request failed", "request", RequestID(c), "path", pathOf(c), "error", err.Error())
		}
		if c.Response().Committed {
			return
		}
		var f *fault.Error
		if errors.As(err, &f) && f.Wait > 0 {
			seconds := math.Ceil(f.Wait.Seconds())
			c.Response().Header().Set("Retry-After", strconv.FormatFloat(seconds, 'f', 0, 64))
		}
		if d := doors.at(c.Request().URL.Path); d != nil {
			if failed := d.Fail(c, status, err); failed != nil {
				log.Error("refusal failed", "request", RequestID(c), "error", failed.Error())
			}
			return
		}
		_ = c.String(status, http.StatusText(status)) // the client is gone if this fails
	}
}
