package portal

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// rowsKey notes that a list changed, whatever it was.
const rowsKey = "rows"

// liveWebhooks keep the HTTP STATUS and LAST 24 H cells of the list of webhooks up to date.
type liveWebhooks struct {
	p     *Portal
	reg   registry.Name
	since time.Time // the page was drawn then
	first bool
}

// attemptTime is longer than any attempt: one that ended after a moment began at most so long before it.
const attemptTime = 2 * webhook.MaxTimeout

func (p *Portal) liveWebhooks(c echo.Context, reg registry.Registry) live {
	l := &liveWebhooks{p: p, reg: reg.Name, first: true}
	if seconds, err := strconv.ParseInt(c.QueryParam("since"), 10, 64); err == nil {
		l.since = time.Unix(seconds, 0).Add(-attemptTime)
	}
	return l
}

func (l *liveWebhooks) key(u delivery.Update) string { return u.WebhookID }

func (l *liveWebhooks) renew(ctx context.Context, b *board, changed []string) error {
	b.put(".fresh", "outerHTML", ui.Fresh(true, l.p.Now()))
	if changed == nil && !l.first {
		return nil
	}
	hooks, err := l.p.Registries.Webhooks(ctx, l.reg)
	if err != nil {
		return err
	}
	if changed != nil {
		hooks = slices.DeleteFunc(hooks, func(w webhook.Webhook) bool { return !slices.Contains(changed, w.ID) })
	}
	health, err := l.p.Registries.Health(ctx, idsOf(hooks), l.p.Now())
	if err != nil {
		return err
	}
	for _, hook := range hooks {
		if l.first && health[hook.ID].Last.At.Before(l.since) {
			continue
		}
		row := views.WebhookRow{Webhook: hook, Health: health[hook.ID], Now: l.p.Now()}
		if row.Sending, err = l.sending(ctx, hook.ID); err != nil {
			return err
		}
		b.add(views.WebhookNews(row))
	}
	l.first = false
	return nil
}

// sending reports whether the webhook's newest delivery waits for its first answer, and nothing holds it back.
func (l *liveWebhooks) sending(ctx context.Context, webhookID string) (bool, error) {
	newest, err := l.p.History.Deliveries(ctx, delivery.Filter{Registry: l.reg, WebhookID: webhookID, Limit: 1})
	if err != nil || len(newest.Deliveries) == 0 {
		return false, err
	}
	d := newest.Deliveries[0]
	return d.State == delivery.Pending && d.Last.At.IsZero() && d.Hold.By == "", nil
}

// liveHistory keeps the newest page of a delivery history up to date.
type liveHistory struct {
	p     *Portal
	page  views.History
	about delivery.Filter
	rows  listing
}

func (p *Portal) liveHistory(c echo.Context, reg registry.Registry) live {
	q := c.QueryParams()
	l := &liveHistory{p: p, rows: listing{body: "dl-body"}}
	l.about = delivery.Filter{WebhookID: q.Get("webhook"), EventID: event.ID(q.Get("event"))}
	l.page = views.History{
		Registry: reg.Name, Path: pathWithin(reg.Name, q.Get("at")), Filter: historyFilter(q).Newest(), Named: l.about.WebhookID == "",
	}
	l.page.Live = liveAddress(l.page, l.about)
	return l
}

// pathWithin is a path given by an address, if it lies in the registry; else that of its deliveries.
func pathWithin(reg registry.Name, path string) string {
	base := views.RegistryPath(string(reg)) + "/"
	if len(path) > len(base) && strings.EqualFold(path[:len(base)], base) {
		return path
	}
	return views.DeliveriesPath(reg)
}

func (l *liveHistory) key(u delivery.Update) string {
	if u.DeliveryID == 0 || l.about.WebhookID != "" && u.WebhookID != l.about.WebhookID || l.about.EventID != "" && u.EventID != l.about.EventID {
		return ""
	}
	return rowsKey
}

func (l *liveHistory) renew(ctx context.Context, b *board, _ []string) error {
	l.page.Now = l.p.Now()
	var err error
	if l.page.Page, err = l.p.deliveriesOf(ctx, l.page, l.about); err != nil {
		return err
	}
	var lines []line
	for _, row := range l.page.Rows() {
		lines = append(lines, line{id: views.RowID(row.Delivery.ID), draw: func(arrived bool) templ.Component {
			row.New = arrived
			return views.DeliveryLine(row)
		}})
	}
	if len(lines) > 0 || len(l.rows.shown) > 0 {
		l.rows.renew(b, lines)
		b.put("#history .pager", "outerHTML", views.HistoryPages(l.page))
	}
	b.put(".fresh:has(.live)", "outerHTML", ui.Fresh(true, l.page.Now))
	return nil
}

// liveEvents keeps the newest page of a registry's events up to date.
type liveEvents struct {
	p    *Portal
	reg  registry.Registry
	f    views.EventFilter
	rows listing
}

func (p *Portal) liveEvents(c echo.Context, reg registry.Registry) live {
	return &liveEvents{p: p, reg: reg, f: eventFilter(c.QueryParams()).Newest(), rows: listing{body: "ev-body"}}
}

func (l *liveEvents) key(u delivery.Update) string {
	if u.EventID == "" {
		return ""
	}
	return rowsKey
}

func (l *liveEvents) renew(ctx context.Context, b *board, _ []string) error {
	list, err := l.p.eventsOf(ctx, l.reg, l.f)
	if err != nil {
		return err
	}
	var lines []line
	for _, ev := range list.Page.Events {
		lines = append(lines, line{id: views.EventRowID(ev.ID), draw: func(arrived bool) templ.Component {
			return views.EventLine(ev, list.Now, arrived)
		}})
	}
	if len(lines) > 0 || len(l.rows.shown) > 0 {
		l.rows.renew(b, lines)
		b.put("#events .pager", "outerHTML", views.EventPages(list))
	}
	b.put(".fresh", "outerHTML", ui.Fresh(true, list.Now))
	return nil
}

// liveEvent keeps the answers on an event's page up to date.
type liveEvent struct {
	p    *Portal
	reg  registry.Registry
	id   event.ID
	rows listing
}

func (p *Portal) liveEvent(c echo.Context, reg registry.Registry) live {
	return &liveEvent{p: p, reg: reg, id: event.ID(c.QueryParam("id")), rows: listing{body: "why-body"}}
}

func (l *liveEvent) key(u delivery.Update) string {
	if l.id == "" || u.EventID != l.id {
		return ""
	}
	return rowsKey
}

func (l *liveEvent) renew(ctx context.Context, b *board, _ []string) error {
	page, err := l.p.eventOf(ctx, l.reg, l.id)
	if err != nil {
		return err
	}
	var lines []line
	for _, v := range page.Verdicts {
		lines = append(lines, line{id: views.VerdictID(v), draw: func(bool) templ.Component { return views.VerdictLine(v) }})
	}
	if len(lines) > 0 {
		l.rows.renew(b, lines)
	}
	b.put(".fresh", "outerHTML", ui.Fresh(true, page.Shell.Now))
	return nil
}

// liveDelivery keeps the page of one delivery up to date, in the view that is open.
type liveDelivery struct {
	p    *Portal
	reg  registry.Registry
	id   string
	view views.DeliveryView
}

func (p *Portal) liveDelivery(c echo.Context, reg registry.Registry) live {
	return &liveDelivery{p: p, reg: reg, id: c.QueryParam("id"), view: deliveryView(c.QueryParams())}
}

func (l *liveDelivery) key(u delivery.Update) string {
	if u.DeliveryID == 0 || u.DeliveryID != deliveryID(l.id) {
		return ""
	}
	return rowsKey
}

func (l *liveDelivery) renew(ctx context.Context, b *board, _ []string) error {
	page, err := l.p.deliveryOf(ctx, l.reg, l.id, l.view)
	if err != nil {
		return err
	}
	for target, part := range views.DeliveryParts(page) {
		b.put(target, "innerMorph", part)
	}
	return nil
}
