package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// askDelete asks before one webhook is deleted, over its page.
func (p *Portal) askDelete(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showDelete(c, http.StatusOK, reg, onPage(reg, hook))
}

// deleteWebhook deletes the webhook whose name was typed.
func (p *Portal) deleteWebhook(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.deleteAsked(c, reg, onPage(reg, hook))
}

// askDeletes asks before the selected webhooks are deleted, over the list.
func (p *Portal) askDeletes(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.showDelete(c, http.StatusOK, reg, inList(reg, picked))
}

// deleteWebhooks deletes the selected webhooks.
func (p *Portal) deleteWebhooks(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.deleteAsked(c, reg, inList(reg, picked))
}

func onPage(reg registry.Registry, hook webhook.Webhook) views.DeletePanel {
	return views.DeletePanel{Registry: reg.Name, Hooks: []webhook.Webhook{hook}, Back: views.WebhookPath(reg.Name, hook.Name)}
}

func inList(reg registry.Registry, hooks []webhook.Webhook) views.DeletePanel {
	return views.DeletePanel{Registry: reg.Name, Hooks: hooks, FromList: true, Back: views.WebhooksPath(reg.Name)}
}

// deleteAsked deletes what the panel names once its word was typed. One that somebody else deleted meanwhile is gone as wished.
func (p *Portal) deleteAsked(c echo.Context, reg registry.Registry, panel views.DeletePanel) error {
	if panel.Typed, panel.Error = confirmed(c, panel.Word()); panel.Error != "" {
		return p.showDelete(c, http.StatusUnprocessableEntity, reg, panel)
	}
	for _, hook := range panel.Hooks {
		err := p.Webhooks.Delete(c.Request().Context(), reg.Name, hook.Name, 0)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return p.done(c, views.WebhooksPath(reg.Name), ui.Toast{Kind: "ok", Title: named(panel.Hooks) + " deleted", Text: "Nothing is sent there any more."})
}

// showDelete answers htmx with the dialog, else with the page below it and the dialog over it.
func (p *Portal) showDelete(c echo.Context, status int, reg registry.Registry, panel views.DeletePanel) error {
	ids := idsOf(panel.Hooks)
	stakes, err := p.History.Stakes(c.Request().Context(), ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		panel.Stakes.Waiting += stakes[id].Waiting
		panel.Stakes.Past += stakes[id].Past
	}
	if isFragment(c) {
		if at, ok := p.listBehind(c, reg); ok && panel.FromList {
			panel.Back = at
		}
		return render(c, status, views.DeleteDialog(panel))
	}
	if !panel.FromList {
		return p.showWebhook(c, status, reg, panel.Hooks[0].Name, views.DeleteDialog(panel))
	}
	page, err := p.webhookList(c, reg)
	if err != nil {
		return err
	}
	page.Shell.Overlay = views.DeleteDialog(panel)
	return p.showWebhooks(c, status, reg, page)
}
