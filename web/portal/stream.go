package portal

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// Timing of live updates.
const (
	beatEvery  = 15 * time.Second       // heartbeat; what depends on the clock is drawn anew with it
	frameEvery = 200 * time.Millisecond // two frames of a page are at least so far apart, however much happens
)

// streamRoutes are the live updates of open pages (server-sent events).
func (p *Portal) streamRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/registries/:registry/stream", Permission: account.Read, Stream: true, Handler: p.stream},
	}
}

// live is a kind of page that stays up to date.
type live interface {
	// key says under which name an update is noted for the next frame; "" is none of this page's business.
	key(u delivery.Update) string
	// renew puts what the page shows now on the board. changed are the keys noted since the last frame; nil, at the beginning
	// and with every heartbeat, asks for all.
	renew(ctx context.Context, b *board, changed []string) error
}

// lives are the kinds of page by the word in their stream's address.
func (p *Portal) lives(c echo.Context, reg registry.Registry) (live, error) {
	switch c.QueryParam("show") {
	case "webhooks":
		return p.liveWebhooks(c, reg), nil
	case "history":
		return p.liveHistory(c, reg), nil
	case "delivery":
		return p.liveDelivery(c, reg), nil
	case "events":
		return p.liveEvents(c, reg), nil
	case "event":
		return p.liveEvent(c, reg), nil
	case "inbox":
		return p.liveInbox(c, reg), nil
	}
	return nil, fault.New(fault.NotFound, "There is no such stream of updates.")
}

// stream keeps one open page up to date until the browser leaves, the session ends or the server stops.
func (p *Portal) stream(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.lives(c, reg)
	if err != nil {
		return err
	}
	page = belled{page, p, who(c).ID}
	updates, cancel := p.Feed.Subscribe(reg.Name) // before the first look, so that nothing falls between
	defer cancel()
	waits := newNotes()
	go waits.collect(updates, page.key)

	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a proxy in between is not to collect frames
	c.Response().WriteHeader(http.StatusOK)
	s := streaming{
		page: page, waits: waits, board: newBoard(c.Request().Context()),
		out:    frames{w: c.Response(), conn: http.NewResponseController(c.Response())},
		stays:  func() bool { return p.stays(c, reg.Name) },
		stop:   p.Stopping,
		broken: func(err error) { p.Log.Error("live update failed", "request", requestID(c), "error", err.Error()) },
	}
	s.run(c.Request().Context())
	return nil
}

// stays reports whether whoever opened a stream is still signed in and may still read the registry.
func (p *Portal) stays(c echo.Context, reg registry.Name) bool {
	who, ok, err := p.Sessions.Still(c)
	if err != nil {
		return true // the database is away for a moment: the next heartbeat asks again
	}
	return ok && who.May(account.Read, reg)
}

// streaming is one open stream.
type streaming struct {
	page   live
	waits  *notes
	board  *board
	out    frames
	stays  func() bool
	stop   <-chan struct{}
	broken func(error)
}

// run sends a first frame, then one after changes, never faster than frameEvery, and a heartbeat. It returns when the stream ends.
func (s *streaming) run(ctx context.Context) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	ok := s.out.beat() == nil && s.frame(ctx, nil)
	ready, pause := (<-chan struct{})(nil), time.After(frameEvery)
	for ok {
		select {
		case <-ctx.Done():
			return
		case <-s.stop:
			return
		case <-s.waits.dropped:
			return // too slow: the browser connects again and gets the whole state
		case <-beat.C:
			ok = s.stays() && s.out.beat() == nil && s.frame(ctx, nil)
		case <-ready:
			ok = s.frame(ctx, s.waits.take())
			ready, pause = nil, time.After(frameEvery)
		case <-pause:
			ready, pause = s.waits.wake, nil
		}
	}
}

// frame sends what changed; false ends the stream.
func (s *streaming) frame(ctx context.Context, changed []string) bool {
	if err := s.page.renew(ctx, s.board, changed); err != nil {
		return s.ends(ctx, err)
	}
	id, text, err := s.board.take()
	if err != nil {
		return s.ends(ctx, err)
	}
	return text == "" || s.out.message(id, text) == nil
}

// ends logs what went wrong, unless only the browser left.
func (s *streaming) ends(ctx context.Context, err error) bool {
	if ctx.Err() == nil && !fault.Is(err, fault.NotFound) {
		s.broken(err)
	}
	return false
}

// notes collect what changed between two frames: a set, so that a burst of updates stays as small as the page.
type notes struct {
	wake    chan struct{} // holds one token while something is noted
	dropped chan struct{} // closed when the feed gave the listener up

	mu   sync.Mutex
	keys map[string]bool
}

func newNotes() *notes {
	return &notes{wake: make(chan struct{}, 1), dropped: make(chan struct{}), keys: map[string]bool{}}
}

// collect notes updates until their channel is closed.
func (n *notes) collect(updates <-chan delivery.Update, key func(delivery.Update) string) {
	defer close(n.dropped)
	for u := range updates {
		if k := key(u); k != "" {
			n.note(k)
		}
	}
}

func (n *notes) note(key string) {
	n.mu.Lock()
	n.keys[key] = true
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take gives what was noted, once; never nil.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]string, 0, len(n.keys))
	for k := range n.keys {
		all = append(all, k)
	}
	clear(n.keys)
	slices.Sort(all)
	return all
}
