package portal

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
)

// askDelete asks before one webhook is deleted, over its page.
func (p *Portal) askDelete(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showDelete(c, http.StatusOK, reg, views.DeletePanel{Chosen: views.OnPage(hook)})
}

// deleteWebhook deletes the webhook whose name was typed.
func (p *Portal) deleteWebhook(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.deleteAsked(c, reg, views.DeletePanel{Chosen: views.OnPage(hook)})
}

// askDeletes asks before the selected webhooks are deleted, over the list.
func (p *Portal) askDeletes(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.showDelete(c, http.StatusOK, reg, views.DeletePanel{Chosen: views.InList(reg.Name, picked)})
}

// deleteWebhooks deletes the selected webhooks.
func (p *Portal) deleteWebhooks(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.deleteAsked(c, reg, views.DeletePanel{Chosen: views.InList(reg.Name, picked)})
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
	return p.done(c, views.WebhooksPath(reg.Name), ui.Toast{Kind: "ok", Title: panel.Named() + " deleted", Text: "Nothing is sent there any more."})
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
	return p.overChosen(c, status, reg, &panel.Chosen, func() templ.Component { return views.DeleteDialog(panel) })
}

// overChosen answers htmx with the dialog about webhooks, else with the page below it, of the one or of all, and the dialog over it.
func (p *Portal) overChosen(c echo.Context, status int, reg registry.Registry, chosen *views.Chosen, dialog func() templ.Component) error {
	if !chosen.FromList {
		return p.overWebhook(c, status, reg, chosen.Hooks[0].Name, dialog())
	}
	if isFragment(c) {
		if at, ok := p.listBehind(c, reg); ok {
			chosen.Back = at
		}
		return render(c, status, dialog())
	}
	page, err := p.webhookList(c, reg)
	if err != nil {
		return err
	}
	page.Shell.Overlay = dialog()
	return p.showWebhooks(c, status, reg, page)
}
