package portal

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// maxHooks is how many webhooks one event can fire at most: the quota of the largest tier.
const maxHooks = 500

// delivery shows what was sent, what came back, and every attempt.
func (p *Portal) delivery(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.deliveryOf(c.Request().Context(), reg, c.Param("id"), deliveryView(c.QueryParams()))
	if err != nil {
		return err
	}
	if isFragment(c) {
		return render(c, http.StatusOK, views.DeliveryContent(page))
	}
	name := string(page.Delivery.Webhook)
	crumbs := registryCrumbs(reg, shortID(page.Delivery.EventID),
		views.Crumb{Text: "Webhooks", Href: views.WebhooksPath(reg.Name)},
		views.Crumb{Text: name, Href: views.WebhookPath(reg.Name, page.Delivery.Webhook)})
	page.Shell, err = p.registryShell(c, reg, views.AtWebhooks, "Delivery to "+name, crumbs...)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.Delivery(page))
}

// deliveryView reads which part of a delivery the address asks for.
func deliveryView(q url.Values) views.DeliveryView {
	n, err := strconv.Atoi(q.Get("attempt"))
	if err != nil || n < 0 {
		n = 0
	}
	return views.DeliveryView{Response: q.Get("view") == "response", Raw: q.Get("body") == "raw", Attempt: n}
}

// deliveryOf reads all that the page of a delivery shows, but for the shell around it.
func (p *Portal) deliveryOf(ctx context.Context, reg registry.Registry, id string, v views.DeliveryView) (views.DeliveryPage, error) {
	page := views.DeliveryPage{View: v, MayWrite: mayWrite(ctx, reg.Name), Shell: views.Shell{Now: p.Now()}}
	var err error
	if page.Delivery, err = p.History.Delivery(ctx, reg.Name, deliveryID(id)); err != nil {
		return page, err
	}
	if page.Attempts, err = p.History.Attempts(ctx, page.Delivery.ID); err != nil {
		return page, err
	}
	page.Busy = page.Delivery.State == delivery.Pending && page.Delivery.Attempts > len(page.Attempts)
	page.Event, err = p.History.Event(ctx, reg.Name, page.Delivery.EventID)
	if err != nil && !fault.Is(err, fault.NotFound) { // an event may be forgotten before its deliveries
		return page, err
	}
	if page.Others, err = p.siblings(ctx, page.Delivery); err != nil {
		return page, err
	}
	page.Most, err = p.mostAttempts(ctx, reg, page.Delivery)
	return page, err
}

// siblings are the deliveries of the same event to other webhooks.
func (p *Portal) siblings(ctx context.Context, del delivery.Delivery) ([]delivery.Delivery, error) {
	all, err := p.History.Deliveries(ctx, delivery.Filter{Registry: del.Registry, EventID: del.EventID, Limit: maxHooks})
	var others []delivery.Delivery
	for _, d := range all.Deliveries {
		if d.ID != del.ID {
			others = append(others, d)
		}
	}
	return others, err
}

// mostAttempts is how often the webhook's schedule tries; 0 when the webhook is gone.
func (p *Portal) mostAttempts(ctx context.Context, reg registry.Registry, del delivery.Delivery) (int, error) {
	hooks, err := p.Registries.Webhooks(ctx, reg.Name)
	for _, hook := range hooks {
		if hook.ID != del.WebhookID {
			continue
		}
		if del.Action == event.Ping {
			return 1, nil
		}
		return 1 + len(hook.Retry.Waits()), nil
	}
	return 0, err
}

// deliveryBody hands out the request's body as a file.
func (p *Portal) deliveryBody(c echo.Context) error {
	del, err := p.History.Delivery(c.Request().Context(), registry.Name(c.Param("registry")), deliveryID(c.Param("id")))
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="delivery-`+del.ID.String()+`.json"`)
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, del.Body)
}

// redeliver sends a delivery again: htmx gets the attempts with the new one at the top, a browser its page.
func (p *Portal) redeliver(c echo.Context) error {
	ctx := c.Request().Context()
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	del, err := p.Outbox.Redeliver(ctx, reg.Name, deliveryID(c.Param("id")))
	if err != nil {
		return err
	}
	if isFragment(c) {
		page, err := p.deliveryOf(ctx, reg, del.ID.String(), views.DeliveryView{})
		if err != nil {
			return err
		}
		return render(c, http.StatusOK, views.Attempts(page))
	}
	p.toast(c, ui.Toast{Kind: "ok", Title: "Sent again", Text: "The delivery to " + string(del.Webhook) + " is queued."})
	return seeOther(c, views.DeliveryPath(reg.Name, del.ID))
}

// mayWrite reports whether whoever asks may change something in a registry.
func mayWrite(ctx context.Context, reg registry.Name) bool {
	who, ok := auth.PrincipalOf(ctx)
	return ok && who.May(account.Write, reg)
}

// shortID is the beginning of an event's ID, for the breadcrumb.
func shortID(id event.ID) string {
	if len(id) <= 8 {
		return string(id)
	}
	return string(id[:6]) + "…"
}
