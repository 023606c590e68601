package azure

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// againRoutes are beside Azure's too: what is sent again to a webhook, and what of it is dropped. With "dryRun" each only counts.
func (d *Door) againRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/redeliver", Permission: account.Write, Handler: d.redeliver},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/recover", Permission: account.Write, Handler: d.recoverFailed},
		{Method: http.MethodGet, Path: hooksAt + "/:webhook/recover", Permission: account.Read, Handler: d.recovery},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/replay", Permission: account.Write, Handler: d.startReplay},
		{Method: http.MethodGet, Path: hooksAt + "/:webhook/replay", Permission: account.Read, Handler: d.lastReplay},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/drop", Permission: account.Write, Handler: d.drop},
	}
}

// countJSON is how many deliveries something is about.
type countJSON struct {
	Count  int  `json:"count"`
	DryRun bool `json:"dryRun"` // nothing was done
}

// command is a request about what was, or is to be, sent to a webhook.
type command struct {
	body

	registry registry.Registry
	hook     webhook.Webhook
	dryRun   bool
}

func (d *Door) command(c echo.Context) (command, error) {
	r, w, err := d.hookOf(c)
	if err != nil {
		return command{}, err
	}
	b, err := readBody(c)
	if err != nil {
		return command{}, err
	}
	return command{b, r, w, on(b.flag("dryRun"))}, nil
}

func on(flag *bool) bool { return flag != nil && *flag }

// moment is a time as RFC 3339 writes it; the zero time when it is absent.
func (b body) moment(name string) time.Time {
	s := b.text(name)
	if s == nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		b.note(name, "%s must be a time such as 2026-05-31T18:30:00Z.", name)
	}
	return at
}

// sound is the first thing that is wrong with the body.
func (b body) sound() error {
	if len(*b.wrong) > 0 {
		return (*b.wrong)[0]
	}
	return nil
}

type redeliveredJSON struct {
	Event    event.ID `json:"event"`
	Delivery string   `json:"delivery"`
	DryRun   bool     `json:"dryRun"`
}

// redeliver sends one delivery again: that of an event, or the one with a number.
func (d *Door) redeliver(c echo.Context) error {
	q, err := d.command(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	ev, number := q.text("event"), q.text("delivery")
	f := delivery.Filter{Registry: q.registry.Name, WebhookID: q.hook.ID, Limit: 1}
	switch {
	case (ev == nil) == (number == nil):
		q.note("event", "Name either the event or the delivery.")
	case ev != nil:
		f.EventID = event.ID(*ev)
	default:
		id, err := strconv.ParseInt(*number, 10, 64)
		if err != nil || id <= 0 {
			q.note("delivery", "delivery must be a delivery's number.")
		}
		f.Before = delivery.ID(id) + 1
	}
	if err := q.sound(); err != nil {
		return err
	}
	page, err := d.History.Deliveries(ctx, f)
	if err != nil {
		return err
	}
	if len(page.Deliveries) == 0 || number != nil && page.Deliveries[0].ID.String() != *number {
		return missing("delivery", "There is no such delivery to the webhook %s.", q.hook.Name)
	}
	del := page.Deliveries[0]
	if !q.dryRun {
		if del, err = d.Outbox.Redeliver(ctx, q.registry.Name, del.ID); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, redeliveredJSON{Event: del.EventID, Delivery: del.ID.String(), DryRun: q.dryRun})
}

// recoverFailed sends again what failed.
func (d *Door) recoverFailed(c echo.Context) error {
	q, err := d.command(c)
	if err != nil {
		return err
	}
	ctx, since := c.Request().Context(), q.moment("since")
	if err := q.sound(); err != nil {
		return err
	}
	if q.dryRun {
		n, err := d.History.Recoverable(ctx, q.hook.ID, since)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, countJSON{Count: n.Total(), DryRun: true})
	}
	n, err := d.Outbox.Recover(ctx, q.registry.Name, q.hook.Name, since, who(c).Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, countJSON{Count: n})
}

type recoveryJSON struct {
	Started   time.Time  `json:"started"`
	StartedBy string     `json:"startedBy"`
	Since     *time.Time `json:"since,omitempty"` // absent: ever
	Total     int        `json:"total"`
	Delivered int        `json:"delivered"`
	Failed    int        `json:"failed"`
	Waiting   int        `json:"waiting"`
	Dropped   int        `json:"dropped"`
}

// recovery says how far the last one is.
func (d *Door) recovery(c echo.Context) error {
	_, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	r, ok, err := d.History.LastRecovery(c.Request().Context(), w.ID)
	if err != nil {
		return err
	}
	if !ok {
		return missing("recovery", "Nothing was recovered of the webhook %s yet.", w.Name)
	}
	answer := recoveryJSON{
		Started: r.Started, StartedBy: r.By, Total: r.Total, Delivered: r.Delivered, Failed: r.Failed, Waiting: r.Waiting, Dropped: r.Dropped(),
	}
	if !r.Since.IsZero() {
		answer.Since = &r.Since
	}
	return c.JSON(http.StatusOK, answer)
}

// startReplay sends what the webhook missed, or what it was sent, in a range of time.
func (d *Door) startReplay(c echo.Context) error {
	q, err := d.command(c)
	if err != nil {
		return err
	}
	kind, in := delivery.Missed, delivery.Range{From: q.moment("from"), To: q.moment("to")}
	if word := q.text("kind"); word != nil {
		kind = delivery.ReplayKind(*word)
	}
	if kind != delivery.Missed && kind != delivery.Again {
		q.note("kind", "kind must be missed or again.")
	}
	if !in.To.IsZero() && !in.From.Before(in.To) {
		q.note("to", "The end lies before the beginning.")
	}
	if err := q.sound(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if q.dryRun {
		n, err := d.Replays.Count(ctx, q.hook, kind, in)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, countJSON{Count: n, DryRun: true})
	}
	r, err := d.Replays.Start(ctx, q.hook, kind, in, who(c).Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, countJSON{Count: r.Total})
}

type replayJSON struct {
	Kind      delivery.ReplayKind  `json:"kind"`
	State     delivery.ReplayState `json:"state"`
	Started   time.Time            `json:"started"`
	StartedBy string               `json:"startedBy"`
	Total     int                  `json:"total"`
	Made      int                  `json:"made"`
}

// lastReplay says how far the last one is.
func (d *Door) lastReplay(c echo.Context) error {
	_, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	r, ok, err := d.Replays.Last(c.Request().Context(), w)
	if err != nil {
		return err
	}
	if !ok {
		return missing("replay", "Nothing was replayed to the webhook %s yet.", w.Name)
	}
	return c.JSON(http.StatusOK, replayJSON{Kind: r.Kind, State: r.State, Started: r.Started, StartedBy: r.By, Total: r.Total, Made: r.Made})
}

// drop cancels what waits.
func (d *Door) drop(c echo.Context) error {
	q, err := d.command(c)
	if err != nil {
		return err
	}
	which := delivery.Which{Retries: on(q.flag("retries"))}
	if repository := q.text("repository"); repository != nil {
		which.Repository = *repository
	}
	if err := q.sound(); err != nil {
		return err
	}
	ctx, answer := c.Request().Context(), countJSON{DryRun: q.dryRun}
	if q.dryRun {
		n, err := d.Controls.Waiting(ctx, q.hook, which)
		if err != nil {
			return err
		}
		answer.Count = n.All
	} else if answer.Count, err = d.Controls.Drop(ctx, q.hook, which); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}
