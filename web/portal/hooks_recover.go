package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// askRecover asks since when what failed is sent again, with the number for each answer.
func (p *Portal) askRecover(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showRecover(c, http.StatusOK, reg, hook, "")
}

func (p *Portal) showRecover(c echo.Context, status int, reg registry.Registry, hook webhook.Webhook, refused string) error {
	ctx := c.Request().Context()
	health, err := p.Registries.Health(ctx, []string{hook.ID}, p.Now())
	if err != nil {
		return err
	}
	panel := views.RecoverPanel{Hook: hook, Moments: views.RecoverMoments(health[hook.ID].FailingSince, p.Now()), Error: refused}
	for i := range panel.Moments {
		m := &panel.Moments[i]
		if m.Lost, err = p.History.Recoverable(ctx, hook.ID, m.Since); err != nil {
			return err
		}
	}
	return p.overWebhook(c, status, reg, hook.Name, views.RecoverDialog(panel))
}

// recoverFailed sends again what failed since the chosen moment.
func (p *Portal) recoverFailed(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	since, chosen := views.ParseMoment(form.Get("since"))
	if !chosen {
		return p.showRecover(c, http.StatusUnprocessableEntity, reg, hook, "Choose since when.")
	}
	n, err := p.Outbox.Recover(c.Request().Context(), reg.Name, hook.Name, since, who(c).Name)
	if fault.Is(err, fault.Conflict) {
		return p.showRecover(c, http.StatusUnprocessableEntity, reg, hook, sentenceOf(http.StatusConflict, err))
	}
	if err != nil {
		return err
	}
	return p.done(c, views.WebhookPath(reg.Name, hook.Name), recovered(n))
}

func recovered(n int) ui.Toast {
	if n == 0 {
		return ui.Toast{Kind: "ok", Title: "Nothing to recover", Text: "Nothing failed or waits since then."}
	}
	return ui.Toast{Kind: "ok", Title: ui.Plural(n, "delivery is", "deliveries are") + " sent again", Text: "The page of the webhook says how far it is."}
}

// recoverProgress is the notice alone: a page on which a recovery runs asks for it.
func (p *Portal) recoverProgress(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	page := views.WebhookPage{Registry: reg, Hook: hook, Shell: views.Shell{Now: p.Now()}}
	if page.Recovery, err = p.lastRecovery(c, hook); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.RecoverNotice(page))
}

func (p *Portal) lastRecovery(c echo.Context, hook webhook.Webhook) (*delivery.Recovery, error) {
	r, some, err := p.History.LastRecovery(c.Request().Context(), hook.ID)
	if err != nil || !some {
		return nil, err
	}
	return &r, nil
}
