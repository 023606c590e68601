// Package ingest takes the events that other registries send, each kind in its own words, and answers only after they are stored.
package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/source"
	"dockbell/web/auth"
)

// Intake stores a body with what its events give rise to; *source.Intake does.
type Intake interface {
	Take(ctx context.Context, a source.Arrival, notices []source.Notice) (source.Arrival, error)
}

// Door is the door at /ingest/. Its fields are set where the house is wired.
type Door struct {
	Sources Sources
	Intake  Intake
	Room    Room
	Log     *slog.Logger
	Now     func() time.Time
	Took    func(source.Counts) // hears of every body that was stored; may be nil
	Refused func(Limit)         // hears of every body that a limit of its source refused; may be nil

	known  known
	limits limits
}

// Routes are the address of every source, with its token behind it where a sender cannot set a header.
func (d *Door) Routes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodPost, Path: "/ingest/:source", Public: true, Handler: d.receive},
		{Method: http.MethodPost, Path: "/ingest/:source/:secret", Public: true, Handler: d.receive},
		{Method: http.MethodOptions, Path: "/ingest/:source", Public: true, Handler: d.consent},
		{Method: http.MethodOptions, Path: "/ingest/:source/:secret", Public: true, Handler: d.consent},
	}
}

// Prefixes is the path under which sources lie.
func (d *Door) Prefixes() []string { return []string{"/ingest"} }

// Before runs nothing: sources sign in by their own tokens, and cookies count for nothing here.
func (d *Door) Before() []echo.MiddlewareFunc { return nil }

// MaxBody is the largest body of any kind.
func (d *Door) MaxBody() int64 { return source.MaxManifest }

// refusal is the answer to what is not taken.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Fail answers a refusal as JSON. A body that is none is 400 here: senders know no 422.
func (d *Door) Fail(c echo.Context, status int, err error) error {
	switch status {
	case http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case http.StatusUnauthorized:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="ingest"`)
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(status)
	}
	return c.JSON(status, map[string]refusal{"error": refusalOf(status, err)})
}

func refusalOf(status int, err error) refusal {
	var f *fault.Error
	var h *echo.HTTPError
	switch {
	case errors.As(err, &f):
		return refusal{string(f.Code), f.Message}
	case status == http.StatusRequestEntityTooLarge:
		return refusal{"too_large", "The body is larger than this kind of source may send."}
	case errors.As(err, &h):
		if text, ok := h.Message.(string); ok {
			return refusal{http.StatusText(status), text}
		}
	}
	return refusal{http.StatusText(status), "Something went wrong on our side."}
}

// consent answers the question whether events may be sent here (CloudEvents' web hooks, 4.1): they may, with the token.
func (d *Door) consent(c echo.Context) error {
	h := c.Response().Header()
	if origin := c.Request().Header.Get("WebHook-Request-Origin"); origin != "" {
		h.Set("WebHook-Allowed-Origin", "*")
		h.Set("WebHook-Allowed-Rate", "*")
	}
	h.Set(echo.HeaderAllow, "OPTIONS, POST")
	return c.NoContent(http.StatusOK)
}

// receive takes one body: who sends it, whether it may, what it says, and into the store.
func (d *Door) receive(c echo.Context) error {
	r := &request{Context: c, http: c.Request()}
	if err := d.prove(r); err != nil {
		return err
	}
	if err := mayCome(r.source, c.RealIP()); err != nil {
		return err
	}
	if err := r.read(); err != nil {
		return err
	}
	notices, shake, err := decode(r)
	if err != nil {
		return err
	}
	if shake != "" {
		return c.JSON(http.StatusOK, map[string]string{"validationResponse": shake})
	}
	if err := d.admit(r, len(notices)); err != nil {
		return err
	}
	a, err := d.take(r, notices)
	if err != nil {
		return err
	}
	if d.Took != nil {
		d.Took(a.Tally())
	}
	d.warn(a)
	return c.JSONBlob(http.StatusAccepted, answer(a))
}

// take stores the body. A source that was changed meanwhile has to prove itself anew.
func (d *Door) take(r *request, notices []source.Notice) (source.Arrival, error) {
	a := source.Arrival{Type: r.kind, Addr: r.RealIP(), Body: r.body}
	for again := false; ; again = true {
		a.Source, a.At = r.source, d.Now()
		stored, err := d.Intake.Take(r.http.Context(), a, notices)
		if again || !errors.Is(err, source.ErrStale) {
			return stored, err
		}
		d.known.forget(r.source.Name)
		if err := d.prove(r); err != nil {
			return stored, err
		}
	}
}

// warn logs events that came with the id of another.
func (d *Door) warn(a source.Arrival) {
	for _, v := range a.Verdicts {
		if v.Differs {
			d.Log.Warn("event kept out: its id came before with other content", "source", string(a.Source.Name), "id", v.ID)
		}
	}
}

func mayCome(s source.Source, from string) error {
	if len(s.Networks) == 0 {
		return nil
	}
	if addr, err := netip.ParseAddr(from); err != nil || !s.From(addr) {
		return fault.New(fault.Forbidden, "The source %s may not send from %s.", s.Name, from)
	}
	return nil
}
