package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/web/auth"
)

// History is what the pages of deliveries and events read.
type History interface {
	Deliveries(ctx context.Context, f delivery.Filter) (delivery.Page, error)
	Delivery(ctx context.Context, name registry.Name, id delivery.ID) (delivery.Delivery, error)
	Attempts(ctx context.Context, id delivery.ID) ([]delivery.Attempt, error) // oldest first
	Events(ctx context.Context, f event.Filter) (event.Page, error)
	Event(ctx context.Context, name registry.Name, id event.ID) (event.Event, error)
	Verdicts(ctx context.Context, id event.ID) ([]webhook.Verdict, error)
	Stakes(ctx context.Context, webhookIDs []string) (map[string]delivery.Stakes, error)
	Recoverable(ctx context.Context, webhookID string, since time.Time) (delivery.Recoverable, error)
	Lost(ctx context.Context, webhookID string) (delivery.Recoverable, error) // whether there is any
	LastRecovery(ctx context.Context, webhookID string) (r delivery.Recovery, ok bool, err error)
}

// pageSize is how many rows a page of a history has.
const pageSize = 25

// historyRoutes are the pages of deliveries, attempts and events.
func (p *Portal) historyRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/registries/:registry/deliveries", Permission: account.Read, Handler: p.deliveries},
		{Method: http.MethodGet, Path: "/registries/:registry/deliveries/:id", Permission: account.Read, Handler: p.delivery},
		{Method: http.MethodGet, Path: "/registries/:registry/deliveries/:id/body", Permission: account.Read, Handler: p.deliveryBody},
		{Method: http.MethodPost, Path: "/registries/:registry/deliveries/:id/redeliver", Permission: account.Write, Handler: p.redeliver},
		{Method: http.MethodGet, Path: "/registries/:registry/events", Permission: account.Read, Handler: p.events},
		{Method: http.MethodGet, Path: "/registries/:registry/events/:id", Permission: account.Read, Handler: p.event},
	}
}

// registryOf gives the registry that the address names.
func (p *Portal) registryOf(c echo.Context) (registry.Registry, error) {
	return p.Registries.Registry(c.Request().Context(), registry.Name(c.Param("registry")))
}

// deliveries shows every delivery of a registry.
func (p *Portal) deliveries(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	h, err := p.history(c, reg, delivery.Filter{})
	if err != nil {
		return err
	}
	h.Hint = "Push an image, or ping a webhook, and it appears here."
	if isFragment(c) {
		return render(c, http.StatusOK, views.HistoryList(h))
	}
	s, err := p.registryShell(c, reg, views.AtDeliveries, "Deliveries", registryCrumbs(reg, "Deliveries")...)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.Deliveries(s, h))
}

// registryCrumbs lead to a page of a registry; the last step is the page itself.
func registryCrumbs(reg registry.Registry, last string, between ...views.Crumb) []views.Crumb {
	steps := []views.Crumb{
		{Text: "Registries", Href: "/registries"},
		{Text: string(reg.Name), Href: views.RegistryPath(string(reg.Name))},
	}
	return append(append(steps, between...), views.Crumb{Text: last})
}

// history fills a delivery history for the page that c asks for: about what f names (nothing, a webhook, an event), narrowed
// and paged by the address (q, action, range, status, before, after). The page shows it with views.DeliveryHistory and answers
// htmx with views.HistoryList; it stays up to date by itself while it shows the newest deliveries.
func (p *Portal) history(c echo.Context, reg registry.Registry, f delivery.Filter) (views.History, error) {
	h := views.History{
		Registry: reg.Name, Path: c.Request().URL.Path, Now: p.Now(), Filter: historyFilter(c.QueryParams()), Named: f.WebhookID == "",
	}
	var err error
	if h.Page, err = p.deliveriesOf(c.Request().Context(), h, f); err != nil {
		return h, err
	}
	if h.Filter.After != 0 && !h.Page.Newer { // the way back to the newest page fills it
		h.Filter = h.Filter.Newest()
		if h.Page, err = p.deliveriesOf(c.Request().Context(), h, f); err != nil {
			return h, err
		}
	}
	if h.Filter.Before == 0 && !h.Page.Newer {
		h.Live = liveAddress(h, f)
	}
	return h, nil
}

// deliveriesOf reads the deliveries of a history.
func (p *Portal) deliveriesOf(ctx context.Context, h views.History, about delivery.Filter) (delivery.Page, error) {
	about.Registry, about.Limit = h.Registry, pageSize
	about.Action, about.Class, about.Text = event.Action(h.Filter.Action), h.Filter.Class, h.Filter.Text
	about.Since = since(h.Filter.Range, h.Now)
	about.Before, about.After = h.Filter.Before, h.Filter.After
	return p.History.Deliveries(ctx, about)
}

// liveAddress is the address of the stream that keeps a history's newest page up to date.
func liveAddress(h views.History, about delivery.Filter) string {
	q := h.Filter.Newest().Values()
	q.Set("at", h.Path)
	if about.WebhookID != "" {
		q.Set("webhook", about.WebhookID)
	}
	if about.EventID != "" {
		q.Set("event", string(about.EventID))
	}
	return views.LivePath(h.Registry, "history", q)
}

// historyFilter reads a history's filters; what is not one of the choices does not narrow.
func historyFilter(q url.Values) views.HistoryFilter {
	f := views.HistoryFilter{Text: searchText(q), Action: actionIn(q), Range: rangeIn(q)}
	switch class := delivery.StatusClass(q.Get("status")); class {
	case delivery.Class2xx, delivery.Class3xx, delivery.Class4xx, delivery.Class5xx, delivery.NoAnswer:
		f.Class = class
	}
	f.Before, f.After = deliveryID(q.Get("before")), deliveryID(q.Get("after"))
	return f
}

// maxSearch is the longest text that is searched for: a repository and a tag at their longest.
const maxSearch = 400

func searchText(q url.Values) string {
	text := []rune(q.Get("q"))
	return string(text[:min(len(text), maxSearch)])
}

func actionIn(q url.Values) string {
	a := event.Action(q.Get("action"))
	known := a == event.Ping || a == event.Noticed || slices.ContainsFunc(event.Subscribable, func(s event.SubscribableAction) bool { return s.Action == a })
	if !known {
		return ""
	}
	return string(a)
}

func rangeIn(q url.Values) string {
	for _, s := range views.Spans {
		if s.Value == q.Get("range") {
			return s.Value
		}
	}
	return ""
}

// since is the beginning of a time range; zero for any time.
func since(span string, now time.Time) time.Time {
	for _, s := range views.Spans {
		if s.Value == span && s.Length > 0 {
			return now.Add(-s.Length)
		}
	}
	return time.Time{}
}

// deliveryID reads a delivery's number; 0 when it is none.
func deliveryID(text string) delivery.ID {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return delivery.ID(n)
}
