package portal

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"
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

// pauses keeps what fires the selected webhooks. A disabled one drops its events and is left as it is.
func (p *Portal) pauses(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	var turned []webhook.Webhook
	off := 0
	for i, hook := range picked {
		switch {
		case hook.Status == webhook.Disabled:
			off++
		case !hook.IsPaused():
			if picked[i], err = p.Webhooks.Pause(c.Request().Context(), reg.Name, hook.Name, who(c).Name); err != nil {
				return err
			}
			turned = append(turned, picked[i])
		}
	}
	toast := ui.Toast{Kind: "ok", Title: views.Named(turned) + " paused", Text: "Events are kept until Resume; a ping still works."}
	if len(turned) == 0 {
		toast = ui.Toast{Title: "Nothing to pause", Text: "What is selected does not send already."}
	}
	if off > 0 {
		toast.Text += " " + ui.Plural(off, "webhook is disabled and stays", "webhooks are disabled and stay") + " so."
	}
	if !isFragment(c) {
		return p.done(c, views.WebhooksPath(reg.Name), toast)
	}
	return p.rowsAgain(c, reg, picked, false, ui.ToastNow(toast))
}

// askResume asks what becomes of what waits, with the number for each answer.
func (p *Portal) askResume(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showResume(c, http.StatusOK, reg, views.ResumePanel{Chosen: views.OnPage(hook), Send: delivery.SendAll})
}

// askResumes asks it of the selected webhooks that are paused.
func (p *Portal) askResumes(c echo.Context) error {
	reg, paused, err := p.pickedPaused(c)
	if err != nil {
		return err
	}
	return p.showResume(c, http.StatusOK, reg, views.ResumePanel{Chosen: views.InList(reg.Name, paused), Send: delivery.SendAll})
}

func (p *Portal) pickedPaused(c echo.Context) (registry.Registry, []webhook.Webhook, error) {
	reg, picked, err := p.picked(c)
	if err != nil {
		return reg, nil, err
	}
	paused := slices.DeleteFunc(picked, func(w webhook.Webhook) bool { return !w.IsPaused() })
	if len(paused) == 0 {
		return reg, nil, fault.In("name", "None of the selected webhooks is paused.")
	}
	return reg, paused, nil
}

func (p *Portal) showResume(c echo.Context, status int, reg registry.Registry, panel views.ResumePanel) error {
	panel.Waiting = delivery.Waiting{}
	for _, hook := range panel.Hooks {
		n, err := p.Controls.Waiting(c.Request().Context(), hook, delivery.Which{})
		if err != nil {
			return err
		}
		panel.Waiting.All += n.All
		panel.Waiting.Newest += n.Newest
	}
	return p.overChosen(c, status, reg, &panel.Chosen, func() templ.Component { return views.ResumeDialog(panel) })
}

// resume ends a pause as it was chosen.
func (p *Portal) resume(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.resumeChosen(c, reg, views.OnPage(hook))
}

// resumes ends the pauses of the selected webhooks.
func (p *Portal) resumes(c echo.Context) error {
	reg, paused, err := p.pickedPaused(c)
	if err != nil {
		return err
	}
	return p.resumeChosen(c, reg, views.InList(reg.Name, paused))
}

func (p *Portal) resumeChosen(c echo.Context, reg registry.Registry, chosen views.Chosen) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	panel := views.ResumePanel{Chosen: chosen, Send: delivery.Choice(form.Get("send")), Rate: form.Get("rate")}
	how := delivery.Resume{Send: panel.Send, Drain: delivery.Rate(numberOf(panel.Rate)), By: who(c).Name}
	sent, dropped := 0, 0
	for _, hook := range chosen.Hooks {
		more, less, err := p.Controls.Resume(c.Request().Context(), reg.Name, hook.Name, how)
		if chosen.FromList && fault.Is(err, fault.Conflict) {
			continue // somebody else resumed it meanwhile
		}
		if err != nil {
			return p.refuseResume(c, reg, panel, err)
		}
		sent, dropped = sent+more, dropped+less
	}
	return p.done(c, chosen.Back, resumed(chosen.Named(), how, sent, dropped))
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

func resumed(what string, how delivery.Resume, sent, dropped int) ui.Toast {
	t := ui.Toast{Kind: "ok", Title: what + " resumed", Text: "Nothing had waited."}
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
