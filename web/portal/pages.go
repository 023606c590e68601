package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/views"
	"dockbell/web/auth"
)

// pageRoutes are home, search, help, one's own account, and a registry's overview and repositories.
func (p *Portal) pageRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/", Permission: account.Read, Handler: p.home},
		{Method: http.MethodGet, Path: "/registries", Permission: account.Read, Handler: p.registries},
		{Method: http.MethodGet, Path: "/registries/:registry", Permission: account.Read, Handler: p.overview},
		{Method: http.MethodGet, Path: "/registries/:registry/repositories", Permission: account.Read, Handler: p.repositories},
		{Method: http.MethodGet, Path: "/registries/:registry/repositories/*", Permission: account.Read, Handler: p.repositories},
		{Method: http.MethodGet, Path: "/search", Permission: account.Read, Handler: p.search},
		{Method: http.MethodGet, Path: "/help/keys", Permission: account.Read, Handler: p.keys},
		{Method: http.MethodGet, Path: views.APIPath, Permission: account.Read, Handler: p.api},
		{Method: http.MethodGet, Path: "/account", Permission: account.Read, Handler: p.account},
		{Method: http.MethodPost, Path: "/account/password", Permission: account.Read, Handler: p.changePassword},
		{Method: http.MethodPost, Path: "/preferences/theme", Permission: account.Read, Handler: p.preferTheme},
		{Method: http.MethodPost, Path: "/preferences/keys", Permission: account.Read, Handler: p.preferKeys},
	}
}

// keys lists the single-key shortcuts.
func (p *Portal) keys(c echo.Context) error {
	s := p.shell(c, "Keyboard shortcuts", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "Keyboard shortcuts"})
	return render(c, http.StatusOK, views.KeysPage(s))
}

// preferTheme keeps light or dark in this browser; anything else follows the system.
func (p *Portal) preferTheme(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	theme := form.Get("theme")
	if theme != "light" && theme != "dark" {
		theme = ""
	}
	prefer(c, themeCookie, theme)
	return seeOther(c, auth.Next(form.Get("next")))
}

// preferKeys turns single-key shortcuts off in this browser, or on again.
func (p *Portal) preferKeys(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	off := ""
	if form.Get("keys") == "off" {
		off = "off"
	}
	prefer(c, keysCookie, off)
	return seeOther(c, auth.Next(form.Get("next")))
}
