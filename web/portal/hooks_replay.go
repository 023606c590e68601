package portal

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// replayOf reads the choices of the dialog.
func replayOf(hook webhook.Webhook, sent url.Values) views.ReplayPanel {
	kind := cmp.Or(delivery.ReplayKind(sent.Get("kind")), delivery.Missed)
	return views.ReplayPanel{Hook: hook, Kind: kind, From: sent.Get("from"), To: sent.Get("to")}
}

// askReplay asks which part of the history is sent again, with its number.
func (p *Portal) askReplay(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	panel := replayOf(hook, c.QueryParams())
	in := panel.Range()
	if len(panel.Errors) > 0 {
		return p.showReplay(c, http.StatusUnprocessableEntity, reg, panel)
	}
	if panel.Count, err = p.Replays.Count(c.Request().Context(), hook, panel.Kind, in); err != nil {
		return err
	}
	return p.showReplay(c, http.StatusOK, reg, panel)
}

func (p *Portal) showReplay(c echo.Context, status int, reg registry.Registry, panel views.ReplayPanel) error {
	return p.overWebhook(c, status, reg, panel.Hook.Name, views.ReplayDialog(panel))
}

// replay begins to send a part of the history again.
func (p *Portal) replay(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	panel := replayOf(hook, form)
	if in := panel.Range(); len(panel.Errors) == 0 {
		r, err := p.Replays.Start(c.Request().Context(), hook, panel.Kind, in, who(c).Name)
		switch {
		case err == nil:
			return p.done(c, views.WebhookPath(reg.Name, hook.Name), ui.Toast{
				Kind: "ok", Title: ui.Plural(r.Total, "delivery is", "deliveries are") + " sent again", Text: "The page of the webhook says how far it is.",
			})
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
			panel.Refuse("", fault.All(err)[0].Message)
		default:
			return err
		}
	}
	return p.showReplay(c, http.StatusUnprocessableEntity, reg, panel)
}

// replayProgress is the notice alone: a page on which a replay runs asks for it.
func (p *Portal) replayProgress(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	page := views.WebhookPage{Registry: reg, Hook: hook, Shell: views.Shell{Now: p.Now()}}
	if page.Replay, err = p.lastReplay(c, hook); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.ReplayNotice(page))
}

func (p *Portal) lastReplay(c echo.Context, hook webhook.Webhook) (*delivery.Replay, error) {
	r, some, err := p.Replays.Last(c.Request().Context(), hook)
	if err != nil || !some {
		return nil, err
	}
	return &r, nil
}

func dropOf(chosen views.Chosen, sent url.Values) views.DropPanel {
	return views.DropPanel{Chosen: chosen, Repository: sent.Get("repository"), Retries: sent.Get("retries") == "on"}
}

// askDrop asks before what waits is dropped, with its number.
func (p *Portal) askDrop(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showDrop(c, reg, views.OnPage(hook))
}

// askDrops asks it of the selected webhooks.
func (p *Portal) askDrops(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.showDrop(c, reg, views.InList(reg.Name, picked))
}

func (p *Portal) showDrop(c echo.Context, reg registry.Registry, chosen views.Chosen) error {
	panel := dropOf(chosen, url.Values{"repository": {asked(c, "repository")}, "retries": {asked(c, "retries")}})
	for _, hook := range chosen.Hooks {
		n, err := p.Controls.Waiting(c.Request().Context(), hook, panel.Which())
		if err != nil {
			return err
		}
		panel.Count += n.All
	}
	return p.overChosen(c, http.StatusOK, reg, &panel.Chosen, func() templ.Component { return views.DropDialog(panel) })
}

// drop cancels what waits.
func (p *Portal) drop(c echo.Context) error {
	_, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.dropChosen(c, views.OnPage(hook))
}

// drops cancels what waits for the selected webhooks.
func (p *Portal) drops(c echo.Context) error {
	reg, picked, err := p.picked(c)
	if err != nil {
		return err
	}
	return p.dropChosen(c, views.InList(reg.Name, picked))
}

func (p *Portal) dropChosen(c echo.Context, chosen views.Chosen) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	panel, all := dropOf(chosen, form), 0
	for _, hook := range chosen.Hooks {
		n, err := p.Controls.Drop(c.Request().Context(), hook, panel.Which())
		if all += n; err != nil {
			return err
		}
	}
	return p.done(c, chosen.Back, ui.Toast{
		Kind: "ok", Title: ui.Plural(all, "delivery was", "deliveries were") + " dropped", Text: "They stay in the history as cancelled.",
	})
}
