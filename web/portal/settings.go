package portal

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Addresses of the settings.
const (
	usersPath    = "/settings/users"
	tokensPath   = "/settings/tokens"
	networksPath = "/settings/networks"
	keepingPath  = "/settings/retention"
)

// settingsRoutes are users, tokens, allowed networks and the record of changes. "-" in the place of an id stands for the row that was picked in a form.
func (p *Portal) settingsRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/settings", Permission: account.Admin, Handler: p.settings},

		{Method: http.MethodGet, Path: usersPath, Permission: account.Admin, Handler: p.users},
		{Method: http.MethodPost, Path: usersPath, Permission: account.Admin, Handler: p.addUser},
		{Method: http.MethodGet, Path: usersPath + "/new", Permission: account.Admin, Handler: p.newUser},
		{Method: http.MethodGet, Path: usersPath + "/-/edit", Permission: account.Admin, Handler: picked(usersPath, "")},
		{Method: http.MethodGet, Path: usersPath + "/-/delete", Permission: account.Admin, Handler: picked(usersPath, "/delete")},
		{Method: http.MethodGet, Path: usersPath + "/:user", Permission: account.Admin, Handler: p.editUser},
		{Method: http.MethodPost, Path: usersPath + "/:user", Permission: account.Admin, Handler: p.changeUser},
		{Method: http.MethodGet, Path: usersPath + "/:user/delete", Permission: account.Admin, Handler: p.askDeleteUser},
		{Method: http.MethodPost, Path: usersPath + "/:user/delete", Permission: account.Admin, Handler: p.deleteUser},

		{Method: http.MethodGet, Path: tokensPath, Permission: account.Admin, Handler: p.tokens},
		{Method: http.MethodPost, Path: tokensPath, Permission: account.Admin, Handler: p.addToken},
		{Method: http.MethodGet, Path: tokensPath + "/new", Permission: account.Admin, Handler: p.newToken},
		{Method: http.MethodGet, Path: tokensPath + "/-/revoke", Permission: account.Admin, Handler: picked(tokensPath, "/revoke")},
		{Method: http.MethodGet, Path: tokensPath + "/:token/revoke", Permission: account.Admin, Handler: p.askRevokeToken},
		{Method: http.MethodPost, Path: tokensPath + "/:token/revoke", Permission: account.Admin, Handler: p.revokeToken},

		{Method: http.MethodGet, Path: networksPath, Permission: account.Admin, Handler: p.networks},
		{Method: http.MethodPost, Path: networksPath, Permission: account.Admin, Handler: p.addNetworks},
		{Method: http.MethodGet, Path: networksPath + "/new", Permission: account.Admin, Handler: p.newNetworks},
		{Method: http.MethodPost, Path: networksPath + "/remove", Permission: account.Admin, Handler: p.removeNetworks},

		{Method: http.MethodGet, Path: keepingPath, Permission: account.Admin, Handler: p.keeping},
		{Method: http.MethodPost, Path: keepingPath, Permission: account.Admin, Handler: p.keep},

		{Method: http.MethodGet, Path: views.MembersPath, Permission: account.Admin, Handler: p.members},
		{Method: http.MethodGet, Path: views.AuditPath, Permission: account.Admin, Handler: p.audit},
	}
}

// settings opens the first of them.
func (p *Portal) settings(c echo.Context) error { return seeOther(c, usersPath) }

// picked leads from a form's chosen row to that row's own page.
func picked(list, command string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := asked(c, "id")
		if id == "" {
			return c.Redirect(http.StatusSeeOther, list)
		}
		return c.Redirect(http.StatusSeeOther, list+"/"+url.PathEscape(id)+command)
	}
}

// settingsShell begins a page of the settings.
func (p *Portal) settingsShell(c echo.Context, at, title string) views.Shell {
	s := p.shell(c, title, views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "Settings", Href: "/settings"}, views.Crumb{Text: title})
	s.Menu, s.Current = views.SettingsMenu(), at
	return s
}

// nothingPicked answers a command on rows when none was chosen.
func (p *Portal) nothingPicked(c echo.Context, list string) error {
	return p.done(c, list, ui.Toast{Title: "Nothing was selected", Text: "Tick a row first."})
}

// anyOf is the message of a field, else one that belongs to no field.
func anyOf(said map[string]string, field string) string {
	if said[field] != "" {
		return said[field]
	}
	return said[""]
}

// over is a page with a panel or dialog over it; htmx gets the panel alone.
func over(c echo.Context, status int, overlay templ.Component, page func() (templ.Component, error)) error {
	if isFragment(c) {
		return render(c, status, overlay)
	}
	body, err := page()
	if err != nil {
		return err
	}
	return render(c, status, body)
}
