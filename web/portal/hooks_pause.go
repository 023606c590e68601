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

// pause keeps what fires a webhook from now on.
func (p *Portal) pause(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	if _, err := p.Webhooks.Pause(c.Request().Context(), reg.Name, hook.Name, who(c).Name); err != nil {
		return err
	}
	return p.done(c, views.WebhookPath(reg.Name, hook.Name), ui.Toast{
		Kind: "ok", Title: string(hook.Name) + " paused", Text: "Events are kept until it is resumed; a ping still works.",
	})
}

// askResume asks what becomes of what waits, with the number for each answer.
func (p *Portal) askResume(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showResume(c, http.StatusOK, reg, views.ResumePanel{Hook: hook, Send: delivery.SendAll})
}

func (p *Portal) showResume(c echo.Context, status int, reg registry.Registry, panel views.ResumePanel) error {
	var err error
	if panel.Waiting, err = p.Controls.Waiting(c.Request().Context(), panel.Hook, delivery.Which{}); err != nil {
		return err
	}
	return p.overWebhook(c, status, reg, panel.Hook.Name, views.ResumeDialog(panel))
}

// resume ends a pause as it was chosen.
func (p *Portal) resume(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	panel := views.ResumePanel{Hook: hook, Send: delivery.Choice(form.Get("send")), Rate: form.Get("rate")}
	how := delivery.Resume{Send: panel.Send, Drain: delivery.Rate(numberOf(panel.Rate)), By: who(c).Name}
	sent, dropped, err := p.Controls.Resume(c.Request().Context(), reg.Name, hook.Name, how)
	if err != nil {
		return p.refuseResume(c, reg, panel, err)
	}
	return p.done(c, views.WebhookPath(reg.Name, hook.Name), resumed(hook, how, sent, dropped))
}

// refuseResume shows the dialog again; what is no fault of the input is returned.
func (p *Portal) refuseResume(c echo.Context, reg registry.Registry, panel views.ResumePanel, err error) error {
	for _, f := range fault.All(err) {
		switch {
		case f.Field == "rate":
			panel.RateError = f.Message
		case f.Field == "send", f.Code == fault.Conflict:
			panel.Error = f.Message
		default:
			return err
		}
	}
	if panel.RateError+panel.Error == "" {
		return err
	}
	return p.showResume(c, http.StatusUnprocessableEntity, reg, panel)
}

func resumed(hook webhook.Webhook, how delivery.Resume, sent, dropped int) ui.Toast {
	t := ui.Toast{Kind: "ok", Title: string(hook.Name) + " resumed", Text: "Nothing had waited."}
	switch {
	case sent > 0 && how.Drain > 0:
		t.Text = ui.Plural(sent, "delivery goes", "deliveries go") + " out, " + ui.Count(int(how.Drain)) + " a minute."
	case sent > 0:
		t.Text = ui.Plural(sent, "delivery goes", "deliveries go") + " out now."
	case dropped > 0:
		t.Text = ""
	}
	if dropped > 0 {
		t.Text += " " + ui.Plural(dropped, "delivery was", "deliveries were") + " dropped."
	}
	return t
}
