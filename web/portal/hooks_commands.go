package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// setStatus gives the handler that enables or disables one webhook from its page.
func (p *Portal) setStatus(status webhook.Status) echo.HandlerFunc {
	return func(c echo.Context) error {
		reg, hook, err := p.hookOf(c)
		if err != nil {
			return err
		}
		changed, err := p.Webhooks.SetStatus(c.Request().Context(), reg.Name, hook.Name, status, who(c).Name)
		if err != nil {
			return err
		}
		at := views.WebhookPath(reg.Name, hook.Name)
		toast := statusToast(string(hook.Name), status)
		if hook.Status != status {
			toast.DoText, toast.DoHref = "Undo", at+"/"+commandFor(hook.Status)
		}
		if !isFragment(c) {
			return p.done(c, at, toast)
		}
		page := views.WebhookPage{Registry: reg, Hook: changed, MayWrite: true}
		return render(c, http.StatusOK, templ.Join(views.WebhookTurned(page), ui.ToastNow(toast)))
	}
}

// setStatuses gives the handler that enables or disables the webhooks that are selected in the list.
func (p *Portal) setStatuses(status webhook.Status) echo.HandlerFunc {
	return func(c echo.Context) error {
		reg, picked, err := p.picked(c)
		if err != nil {
			return err
		}
		var turned []webhook.Webhook
		for i, hook := range picked {
			if hook.Status == status {
				continue
			}
			if picked[i], err = p.Webhooks.SetStatus(c.Request().Context(), reg.Name, hook.Name, status, who(c).Name); err != nil {
				return err
			}
			turned = append(turned, hook)
		}
		toast := statusToast(views.Named(picked), status)
		if len(turned) > 0 {
			toast.DoText, toast.DoHref = "Undo", views.BulkPath(reg.Name, commandFor(turned[0].Status))+"?"+namesQuery(turned)
		}
		if !isFragment(c) {
			return p.done(c, views.WebhooksPath(reg.Name), toast)
		}
		return p.rowsAgain(c, reg, picked, false, ui.ToastNow(toast))
	}
}

func statusToast(what string, status webhook.Status) ui.Toast {
	if status == webhook.Enabled {
		return ui.Toast{Kind: "ok", Title: what + " enabled", Text: "Events fire it from now on."}
	}
	return ui.Toast{Kind: "ok", Title: what + " disabled", Text: "Events that happen meanwhile are dropped."}
}

// commandFor is the last part of the address that gives a webhook this status.
func commandFor(status webhook.Status) string {
	if status == webhook.Enabled {
		return "enable"
	}
	return "disable"
}

func namesQuery(hooks []webhook.Webhook) string {
	q := url.Values{}
	for _, w := range hooks {
		q.Add("name", string(w.Name))
	}
	return q.Encode()
}

// picked gives the webhooks that the request selects by name, in the list's order. Those that are gone meanwhile are left out.
func (p *Portal) picked(c echo.Context) (registry.Registry, []webhook.Webhook, error) {
	reg, err := p.registryOf(c)
	if err != nil {
		return reg, nil, err
	}
	sent, err := c.FormParams()
	if err != nil {
		return reg, nil, err
	}
	wanted := map[string]bool{}
	for _, name := range sent["name"] {
		wanted[webhook.Name(name).Key()] = true
	}
	all, err := p.Registries.Webhooks(c.Request().Context(), reg.Name)
	if err != nil {
		return reg, nil, err
	}
	var found []webhook.Webhook
	for _, w := range all {
		if wanted[w.Key()] {
			found = append(found, w)
		}
	}
	switch {
	case len(wanted) == 0:
		return reg, nil, fault.In("name", "No webhook is selected. Tick at least one in the list first.")
	case len(found) == 0:
		gone := fault.New(fault.NotFound, "The webhooks that were selected are not there any more. Refresh the list.")
		return reg, nil, gone
	}
	return reg, found, nil
}

// pings sends a ping to each selected webhook. The answer of one is waited for; those of several arrive in the list.
func (p *Portal) pings(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if len(picked) == 1 {
		result, err := p.pingAndWait(ctx, picked[0])
		if err != nil {
			return err
		}
		if !isFragment(c) {
			return seeOther(c, views.WebhooksPath(reg.Name)+"?ping="+result.Delivery.ID.String())
		}
		return p.rowsAgain(c, reg, picked, result.Waits(), views.PingNow(result))
	}
	if err := p.pingAll(ctx, picked); err != nil {
		return err
	}
	toast := ui.Toast{Kind: "ok", Title: views.Named(picked) + " pinged", Text: "The answers appear in the list."}
	if !isFragment(c) {
		return p.done(c, views.WebhooksPath(reg.Name), toast)
	}
	return p.rowsAgain(c, reg, picked, true, ui.ToastNow(toast))
}

func (p *Portal) pingAll(ctx context.Context, hooks []webhook.Webhook) error {
	for _, hook := range hooks {
		if _, err := p.Outbox.Ping(ctx, hook.Registry, hook.Name); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// rowsAgain answers htmx with the rows of these webhooks as they are now, still selected, and with more beside them.
func (p *Portal) rowsAgain(c echo.Context, reg registry.Registry, hooks []webhook.Webhook, sending bool, more templ.Component) error {
	rows, err := p.webhookRows(c, reg, hooks)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Picked, rows[i].Sending = true, sending
	}
	page, err := p.webhookList(c, reg) // for the facts above the list
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, templ.Join(views.WebhookRowsAgain(rows), views.WebhookFactsAgain(page), more))
}

// editPicked opens the form of the one webhook that is selected.
func (p *Portal) editPicked(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	if len(picked) > 1 {
		return fault.In("name", "%d webhooks are selected. Tick the one that is to be configured.", len(picked))
	}
	form := views.FormOf(reg, picked[0])
	form.FromList, form.Back = true, views.WebhooksPath(reg.Name)
	return p.showForm(c, http.StatusOK, reg, form)
}
