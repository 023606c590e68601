package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
)

// webhooks shows a registry's webhooks. new and ping in its address name the webhook that was just made and the delivery of
// its ping.
func (p *Portal) webhooks(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.webhookList(c, reg)
	if err != nil {
		return err
	}
	if isFragment(c) {
		return render(c, http.StatusOK, views.WebhookList(page))
	}
	if page.Ping, err = p.pingNamed(c, reg, webhook.Webhook{}); err != nil {
		return err
	}
	return p.showWebhooks(c, http.StatusOK, reg, page)
}

// showWebhooks answers with the whole page of the list.
func (p *Portal) showWebhooks(c echo.Context, status int, reg registry.Registry, page views.WebhooksPage) error {
	overlay := page.Shell.Overlay
	var err error
	if page.Shell, err = p.registryShell(c, reg, views.AtWebhooks, "Webhooks", registryCrumbs(reg, "Webhooks")...); err != nil {
		return err
	}
	page.Shell.Overlay = overlay
	return render(c, status, views.Webhooks(page))
}

// webhookList reads the list as the address filters and sorts it.
func (p *Portal) webhookList(c echo.Context, reg registry.Registry) (views.WebhooksPage, error) {
	page := views.WebhooksPage{
		Registry: reg, Filter: webhookFilter(c.QueryParams(), reg), MayWrite: who(c).May(account.Write, reg.Name),
	}
	page.Shell.Now = p.Now()
	all, err := p.Registries.Webhooks(c.Request().Context(), reg.Name)
	if err != nil {
		return page, err
	}
	page.Total = len(all)
	var shown []webhook.Webhook
	for _, w := range all {
		if w.Status == webhook.Enabled {
			page.Enabled++
		}
		if w.IsPaused() {
			page.Paused++
		}
		if passes(w, page.Filter) {
			shown = append(shown, w)
		}
	}
	if page.Filter.Descending {
		slices.Reverse(shown)
	}
	page.Rows, err = p.webhookRows(c, reg, shown)
	for i := range page.Rows {
		page.Rows[i].New = strings.EqualFold(c.QueryParam("new"), string(page.Rows[i].Webhook.Name))
	}
	return page, err
}

// webhookRows are the lines of these webhooks, with how each did in the last 24 hours.
func (p *Portal) webhookRows(c echo.Context, reg registry.Registry, hooks []webhook.Webhook) ([]views.WebhookRow, error) {
	now, mayWrite := p.Now(), who(c).May(account.Write, reg.Name)
	health, err := p.Registries.Health(c.Request().Context(), idsOf(hooks), now)
	if err != nil {
		return nil, err
	}
	rows := make([]views.WebhookRow, len(hooks))
	for i, w := range hooks {
		rows[i] = views.WebhookRow{Webhook: w, Health: health[w.ID], MayWrite: mayWrite, Now: now}
	}
	return rows, nil
}

// webhookFilter reads the list's filters; what is not one of the choices does not narrow.
func webhookFilter(q url.Values, reg registry.Registry) views.WebhookFilter {
	f := views.WebhookFilter{Text: searchText(q), Descending: q.Get("sort") == "-name"}
	if a := event.Action(q.Get("action")); subscribable(a) {
		f.Action = string(a)
	}
	if l := registry.Location(q.Get("location")); reg.Has(l) {
		f.Location = string(l)
	}
	switch s := q.Get("status"); s {
	case string(webhook.Enabled), string(webhook.Disabled), views.Paused:
		f.Status = s
	}
	return f
}

func subscribable(a event.Action) bool {
	return slices.ContainsFunc(event.Subscribable, func(s event.SubscribableAction) bool { return s.Action == a })
}

// passes reports whether a filter lets a webhook through. Text is searched in the name and in the URI as it is shown: what is
// masked cannot be found out by searching.
func passes(w webhook.Webhook, f views.WebhookFilter) bool {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	return (strings.Contains(w.Key(), text) || strings.Contains(strings.ToLower(w.ServiceURI.Masked()), text)) &&
		(f.Action == "" || w.Subscribed(event.Action(f.Action))) &&
		(f.Location == "" || string(w.Location) == f.Location) &&
		(f.Status == "" || f.Status == string(w.Status) || f.Status == views.Paused && w.IsPaused())
}
