// Package inbox is a throw-away receiver: it takes any request at an unguessable address, keeps the newest and answers as it is told.
package inbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/web/auth"
)

// Store keeps what came.
type Store interface {
	Inbox(ctx context.Context, token string) (delivery.Inbox, error)
	KeepReceived(ctx context.Context, token string, r delivery.Received, keeps int) (delivery.Received, error) // forgets all but the newest keeps
}

// Inbox is the door at /inbox/. Its fields are set where the house is wired.
type Inbox struct {
	Store    Store
	Feed     *delivery.Feed  // hears of every request
	Stopping <-chan struct{} // closed when the server begins to stop: answers that wait go out at once; nil never is
	Now      func() time.Time
}

// methods are those that a receiver may be called with.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Routes is the one address of every inbox: whoever knows its token may send anything to it.
func (in *Inbox) Routes() []auth.Route {
	var all []auth.Route
	for _, m := range methods {
		all = append(all, auth.Route{Method: m, Path: "/inbox/:token", Public: true, Handler: in.receive})
	}
	return all
}

// Prefixes is the path under which inboxes lie.
func (in *Inbox) Prefixes() []string { return []string{"/inbox"} }

// Before runs nothing: nobody signs in to an inbox.
func (in *Inbox) Before() []echo.MiddlewareFunc { return nil }

// MaxBody is the largest request that is taken.
func (in *Inbox) MaxBody() int64 { return delivery.InboxBody }

// Fail answers with the status in words: an inbox that is not there and one that never was look the same.
func (in *Inbox) Fail(c echo.Context, status int, _ error) error {
	if c.Request().Method == http.MethodHead {
		return c.NoContent(status)
	}
	return c.String(status, http.StatusText(status)+"\n")
}

// receive keeps a request and answers as the inbox is set.
func (in *Inbox) receive(c echo.Context) error {
	ctx, r := c.Request().Context(), c.Request()
	box, err := in.Store.Inbox(ctx, c.Param("token"))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return unreadable(err)
	}
	_, err = in.Store.KeepReceived(ctx, box.Token, delivery.Received{
		At: in.Now(), Method: r.Method, Query: text(r.URL.RawQuery), Addr: c.RealIP(), Headers: headersOf(r), Body: body, Status: box.Answer.Code(),
	}, delivery.InboxKeeps)
	if err != nil {
		return err
	}
	if in.Feed != nil {
		in.Feed.Publish(delivery.Update{Registry: box.Registry, Inbox: box.Token})
	}
	in.wait(ctx, box.Answer.Delay)
	return answer(c, box.Answer.Code())
}

// unreadable tells a body that is too large, which has its own status, from one that did not arrive whole.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fault.New(fault.Invalid, "The request's body did not arrive whole.").Because(err)
}

// wait holds the answer back, but not longer than the caller or the server has time.
func (in *Inbox) wait(ctx context.Context, delay time.Duration) {
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(min(delay, delivery.InboxDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-in.Stopping:
	}
}

func answer(c echo.Context, status int) error {
	switch {
	case c.Request().Method == http.MethodHead, status == http.StatusNoContent, status == http.StatusNotModified:
		return c.NoContent(status)
	}
	return c.String(status, "ok")
}

// headersOf are the request's headers by name, the Host among them, as text that every database takes.
func headersOf(r *http.Request) []delivery.Header {
	all := []delivery.Header{{Name: "Host", Value: text(r.Host)}}
	for name, values := range r.Header {
		for _, v := range values {
			all = append(all, delivery.Header{Name: text(name), Value: text(v)})
		}
	}
	slices.SortStableFunc(all, func(a, b delivery.Header) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// text makes foreign bytes valid UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
