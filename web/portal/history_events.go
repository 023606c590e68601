package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
)

// events shows what happened in a registry.
func (p *Portal) events(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	list, err := p.eventsOf(c.Request().Context(), reg, eventFilter(c.QueryParams()))
	if err != nil {
		return err
	}
	if isFragment(c) {
		return render(c, http.StatusOK, views.EventList(list))
	}
	s, err := p.registryShell(c, reg, views.AtEvents, "Events", registryCrumbs(reg, "Events")...)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.EventsPage(s, list))
}

// eventsOf reads a page of events. The way back to the newest page fills it.
func (p *Portal) eventsOf(ctx context.Context, reg registry.Registry, f views.EventFilter) (views.Events, error) {
	list := views.Events{Registry: reg.Name, Filter: f, Now: p.Now()}
	var err error
	list.Page, err = p.History.Events(ctx, event.Filter{
		Registry: reg.Name, Action: event.Action(f.Action), Text: f.Text, Since: since(f.Range, list.Now),
		Before: f.Before, After: f.After, Limit: pageSize,
	})
	if err != nil {
		return list, err
	}
	if f.After != "" && !list.Page.Newer {
		return p.eventsOf(ctx, reg, f.Newest())
	}
	if f.Before == "" && !list.Page.Newer {
		list.Live = views.LivePath(reg.Name, "events", f.Values())
	}
	return list, nil
}

// eventFilter reads the list's filters; what is not one of the choices does not narrow.
func eventFilter(q url.Values) views.EventFilter {
	return views.EventFilter{
		Text: searchText(q), Action: actionIn(q), Range: rangeIn(q),
		Before: event.ID(q.Get("before")), After: event.ID(q.Get("after")),
	}
}

// event shows what happened and what every webhook did about it.
func (p *Portal) event(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.eventOf(c.Request().Context(), reg, event.ID(c.Param("id")))
	if err != nil {
		return err
	}
	id := shortID(page.Event.ID)
	crumbs := registryCrumbs(reg, id, views.Crumb{Text: "Events", Href: views.EventsPath(reg.Name)})
	if page.Shell, err = p.registryShell(c, reg, views.AtEvents, "Event "+id, crumbs...); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.Event(page))
}

// eventOf reads an event with every webhook's verdict and, where it fired, its delivery.
func (p *Portal) eventOf(ctx context.Context, reg registry.Registry, id event.ID) (views.EventPage, error) {
	page := views.EventPage{Shell: views.Shell{Now: p.Now()}}
	var err error
	if page.Event, err = p.History.Event(ctx, reg.Name, id); err != nil {
		return page, err
	}
	verdicts, err := p.History.Verdicts(ctx, id)
	if err != nil {
		return page, err
	}
	sent, err := p.History.Deliveries(ctx, delivery.Filter{Registry: reg.Name, EventID: id, Limit: maxHooks})
	if err != nil {
		return page, err
	}
	for _, v := range verdicts {
		row := views.VerdictRow{Verdict: v, Registry: reg.Name, Delivery: to(v.WebhookID, sent.Deliveries)}
		if row.Delivery != nil && !v.Fires {
			row.Verdict = sentLater(*row.Delivery)
			row.Verdict.Reason = v.Reason + " " + row.Verdict.Reason
		}
		page.Verdicts = append(page.Verdicts, row)
	}
	for _, del := range sent.Deliveries {
		judged := func(v webhook.Verdict) bool { return v.WebhookID == del.WebhookID }
		if !slices.ContainsFunc(verdicts, judged) { // its webhook was made after the event
			page.Verdicts = append(page.Verdicts, views.VerdictRow{Verdict: sentLater(del), Registry: reg.Name, Delivery: &del})
		}
	}
	return page, nil
}

// sentLater is the verdict on an event that a replay sent to a webhook which it did not fire when it happened.
func sentLater(del delivery.Delivery) webhook.Verdict {
	return webhook.Verdict{WebhookID: del.WebhookID, Webhook: del.Webhook, Fires: true, As: del.Action, Reason: "Somebody sent it later."}
}

// to finds the delivery that went to a webhook; nil when none did.
func to(webhookID string, all []delivery.Delivery) *delivery.Delivery {
	for i := range all {
		if all[i].WebhookID == webhookID {
			return &all[i]
		}
	}
	return nil
}
