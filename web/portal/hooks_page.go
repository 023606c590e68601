package portal

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// webhook shows one webhook; htmx, which filters and pages its history, gets the history alone.
func (p *Portal) webhook(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	if isFragment(c) {
		h, err := p.hookHistory(c, reg, hook)
		if err != nil {
			return err
		}
		return render(c, http.StatusOK, views.HistoryList(h))
	}
	page, err := p.webhookPage(c, reg, hook, nil)
	if err != nil {
		return err
	}
	if page.Ping, err = p.pingNamed(c, reg, hook); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.Webhook(page))
}

// showSecret shows the signing secret in clear to somebody who may see it and asked for it. That they did is recorded.
func (p *Portal) showSecret(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	if hook, err = p.Webhooks.Secrets(c.Request().Context(), reg.Name, hook.Name); err != nil {
		return err
	}
	if isFragment(c) {
		return render(c, http.StatusOK, views.Signing(views.WebhookPage{Registry: reg, Hook: hook, MayReveal: true, Revealed: true}))
	}
	page, err := p.webhookPage(c, reg, hook, nil)
	if err != nil {
		return err
	}
	page.Revealed = true
	return render(c, http.StatusOK, views.Webhook(page))
}

// renewSecret makes a new signing secret; the one before signs too for a day.
func (p *Portal) renewSecret(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	if _, err := p.Webhooks.Rotate(c.Request().Context(), reg.Name, hook.Name, who(c).Name); err != nil {
		return err
	}
	return p.done(c, views.WebhookPath(reg.Name, hook.Name), ui.Toast{
		Kind: "ok", Title: "Signing secret renewed", Text: "The one before signs too for 24 hours. Show secret shows both.",
	})
}

// showWebhook answers with the page of a webhook and a panel or dialog over it.
func (p *Portal) showWebhook(c echo.Context, status int, reg registry.Registry, name webhook.Name, over templ.Component) error {
	hook, err := p.Registries.Webhook(c.Request().Context(), reg.Name, name)
	if err != nil {
		return err
	}
	page, err := p.webhookPage(c, reg, hook, over)
	if err != nil {
		return err
	}
	return render(c, status, views.Webhook(page))
}

// overWebhook shows a dialog over the page of a webhook.
func (p *Portal) overWebhook(c echo.Context, status int, reg registry.Registry, name webhook.Name, dialog templ.Component) error {
	if isFragment(c) {
		return render(c, status, dialog)
	}
	return p.showWebhook(c, status, reg, name, dialog)
}

// webhookPage reads what the page of a webhook shows.
func (p *Portal) webhookPage(c echo.Context, reg registry.Registry, hook webhook.Webhook, over templ.Component) (views.WebhookPage, error) {
	page := views.WebhookPage{
		Registry: reg, Hook: hook, MayWrite: who(c).May(account.Write, reg.Name), MayReveal: who(c).May(account.Secrets, reg.Name),
	}
	list := views.Crumb{Text: "Webhooks", Href: views.WebhooksPath(reg.Name)}
	var err error
	page.Shell, err = p.registryShell(c, reg, views.AtWebhooks, string(hook.Name), registryCrumbs(reg, string(hook.Name), list)...)
	if err != nil {
		return page, err
	}
	page.Shell.Overlay = over
	health, err := p.Registries.Health(c.Request().Context(), []string{hook.ID}, p.Now())
	if err != nil {
		return page, err
	}
	page.Health = health[hook.ID]
	if page.Lost, err = p.History.Lost(c.Request().Context(), hook.ID); err != nil {
		return page, err
	}
	if hook.IsPaused() || page.Lost.Waiting > 0 || page.Health.Circuit.Open() || page.Health.Drain > 0 { // else what waits is gone in a moment
		if page.Waiting, err = p.Controls.Waiting(c.Request().Context(), hook, delivery.Which{}); err != nil {
			return page, err
		}
	}
	if page.Replay, err = p.lastReplay(c, hook); err != nil {
		return page, err
	}
	if page.Recovery, err = p.lastRecovery(c, hook); err != nil {
		return page, err
	}
	page.History, err = p.hookHistory(c, reg, hook)
	return page, err
}

func (p *Portal) hookHistory(c echo.Context, reg registry.Registry, hook webhook.Webhook) (views.History, error) {
	h, err := p.history(c, reg, delivery.Filter{WebhookID: hook.ID})
	h.Path = views.WebhookPath(reg.Name, hook.Name) // also below a panel, which has an address of its own
	h.Hint = "Ping the webhook, or push an image in its scope, and it appears here."
	return h, err
}
