package portal

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Cookies of preferences. They hold no secret and belong to the browser, not to the account.
const (
	themeCookie = "theme" // "light" or "dark"; absent: as the system
	keysCookie  = "keys"  // "off"
	preferred   = 365 * 24 * time.Hour
)

// toastKey is where a session keeps messages for its next page.
const toastKey = "toasts"

// who is the person a request comes from. Handlers behind a permission have one.
func who(c echo.Context) account.Principal {
	w, _ := auth.PrincipalOf(c.Request().Context())
	return w
}

// shell begins a page of somebody who is signed in: who, theme, time and the messages left by the last action.
func (p *Portal) shell(c echo.Context, title string, crumbs ...views.Crumb) views.Shell {
	s := views.Shell{
		Title: title, Crumbs: crumbs, Who: who(c), Theme: theme(c), KeysOff: cookie(c, keysCookie) == "off",
		Here: auth.Next(c.Request().URL.RequestURI()), Now: p.Now(),
	}
	if !isFragment(c) { // a part of a page has no place for messages: they wait for the next whole one
		s.Toasts = p.takeToasts(c)
		s.Unseen = p.unseen(c)
	}
	return s
}

// registryShell begins a page inside a registry: as shell, with the registry's menu and at as its open entry
// (views.AtWebhooks, ...). registryCrumbs makes its crumbs.
func (p *Portal) registryShell(c echo.Context, reg registry.Registry, at, title string, crumbs ...views.Crumb) (views.Shell, error) {
	nav, err := p.registryNav(c, reg)
	if err != nil {
		return views.Shell{}, err
	}
	s := p.shell(c, title, crumbs...)
	s.Menu, s.Current = nav.Menu(), at
	return s, nil
}

// registryNav reads the counts of a registry's menu. An htmx answer shows no menu, so nothing is read for it.
func (p *Portal) registryNav(c echo.Context, reg registry.Registry) (views.RegistryNav, error) {
	nav := views.RegistryNav{Name: string(reg.Name), Tier: string(reg.Tier), External: reg.Kind == registry.External, Repositories: -1}
	if isFragment(c) {
		nav.Webhooks = -1
		return nav, nil
	}
	ctx := c.Request().Context()
	if !nav.External {
		held, err := p.Contents.RepositoryStats(ctx, reg.Name)
		if err != nil {
			return nav, err
		}
		nav.Repositories = held.Repositories
	}
	hooks, err := p.Registries.Webhooks(ctx, reg.Name)
	if err != nil {
		return nav, err
	}
	health, err := p.Registries.Health(ctx, idsOf(hooks), p.Now())
	if err != nil {
		return nav, err
	}
	nav.Webhooks = len(hooks)
	for _, w := range hooks {
		if failing(w, health[w.ID]) {
			nav.Failing++
		}
	}
	return nav, nil
}

func idsOf(hooks []webhook.Webhook) []string {
	ids := make([]string, len(hooks))
	for i, w := range hooks {
		ids[i] = w.ID
	}
	return ids
}

// toast leaves a message for the next page that is shown.
func (p *Portal) toast(c echo.Context, t ui.Toast) {
	text, err := json.Marshal(append(p.takeToasts(c), t))
	if err != nil { // strings always have a form in JSON
		p.Log.Error("message not kept", "error", err.Error())
		return
	}
	p.Sessions.Leave(c, toastKey, string(text))
}

// takeToasts gives the messages that were left, once.
func (p *Portal) takeToasts(c echo.Context) []ui.Toast {
	text := p.Sessions.Take(c, toastKey)
	if text == "" {
		return nil
	}
	var all []ui.Toast
	if err := json.Unmarshal([]byte(text), &all); err != nil { // left by another version of this program
		p.Log.Warn("messages not readable", "error", err.Error())
	}
	return all
}

func theme(c echo.Context) string {
	switch t := cookie(c, themeCookie); t {
	case "light", "dark":
		return t
	}
	return ""
}

func cookie(c echo.Context, name string) string {
	found, err := c.Cookie(name)
	if err != nil {
		return ""
	}
	return found.Value
}

// prefer keeps a preference in the browser; an empty value forgets it.
func prefer(c echo.Context, name, value string) {
	age := int(preferred.Seconds())
	if value == "" {
		age = -1
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure where the connection is: over plain HTTP no browser would keep it
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: c.Scheme() == "https",
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// failing reports whether a webhook takes part and its newest finished attempt failed.
func failing(w webhook.Webhook, h delivery.Health) bool {
	return w.Status == webhook.Enabled && !h.Last.At.IsZero() && h.Last.Cause != ""
}
