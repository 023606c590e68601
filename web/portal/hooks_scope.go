package portal

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
)

// Bounds of a scope's preview, so that a large registry costs no more than a small one.
const (
	previewShows  = 4    // repositories by name
	previewLooks  = 1000 // repositories that are looked at
	previewEvents = 100  // events that are looked at
)

// checkName says while a name is typed whether it can be had.
func (p *Portal) checkName(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	name := c.QueryParam("name")
	refused := p.Webhooks.CheckName(c.Request().Context(), reg.Name, name)
	if refused != nil && !fault.Is(refused, fault.Invalid) && !fault.Is(refused, fault.Conflict) {
		return refused
	}
	return render(c, http.StatusOK, views.NameSaid(name, messageOf(refused)))
}

// scopePreview says while a scope is typed what it means.
func (p *Portal) scopePreview(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	q := c.QueryParams()
	preview, err := p.previewOf(c, reg, views.WebhookForm{Scope: q.Get("scope"), Location: q.Get("location"), Actions: q["actions"]})
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.ScopeSaid(preview))
}

// previewOf says what the form's scope means: which repositories it reaches, and which of the last events would have fired.
func (p *Portal) previewOf(c echo.Context, reg registry.Registry, form views.WebhookForm) (views.ScopePreview, error) {
	var preview views.ScopePreview
	scope, err := webhook.ParseScope(form.Scope)
	if err != nil {
		preview.Error = messageOf(err)
		return preview, nil // a scope that cannot be read is what the preview says
	}
	if preview.Warning = scope.Warning(); scope.Meaning() != scope.String() {
		preview.Meaning = scope.Meaning()
	}
	ctx := c.Request().Context()
	if err := p.reach(ctx, reg, scope, &preview); err != nil {
		return preview, err
	}
	if preview.Contents && preview.Matching == 0 && !preview.Bounded && preview.Warning == "" && !scope.Everything() {
		preview.Warning = "No repository of this registry lies in this scope yet."
	}
	err = p.wouldFire(ctx, reg, form, scope, &preview)
	return preview, err
}

// reach counts the repositories that the scope reaches. What an external registry holds is not known here.
func (p *Portal) reach(ctx context.Context, reg registry.Registry, scope webhook.Scope, preview *views.ScopePreview) error {
	if preview.Contents = reg.Kind == registry.BuiltIn; !preview.Contents {
		return nil
	}
	repositories, more, err := p.Contents.Repositories(ctx, reg.Name, "", previewLooks)
	if err != nil {
		return err
	}
	preview.Bounded = more
	for _, r := range repositories {
		if !scope.Reaches(r) {
			continue
		}
		preview.Matching++
		if len(preview.Repositories) < previewShows {
			preview.Repositories = append(preview.Repositories, r)
		}
	}
	return nil
}

// wouldFire counts which of the last events would have fired a webhook with this scope. Pings are no events of the registry.
func (p *Portal) wouldFire(
	ctx context.Context, reg registry.Registry, form views.WebhookForm, scope webhook.Scope, preview *views.ScopePreview,
) error {
	page, err := p.History.Events(ctx, event.Filter{Registry: reg.Name, Limit: previewEvents})
	if err != nil {
		return err
	}
	hook := webhook.Webhook{Registry: reg.Name, Location: registry.Location(form.Location), Status: webhook.Enabled, Scope: scope}
	for _, a := range form.Actions {
		hook.Actions = append(hook.Actions, event.Action(a))
	}
	for _, ev := range page.Events {
		if ev.Action == event.Ping || ev.Action == event.Noticed {
			continue
		}
		preview.Looked++
		if hook.Matches(ev).Fires {
			preview.Fired++
		}
	}
	return nil
}

// messageOf is what a refusal says to people.
func messageOf(err error) string {
	for _, f := range fault.All(err) {
		return f.Message
	}
	return ""
}
