package portal

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// registryRoutes make and delete registries and their replications.
func (p *Portal) registryRoutes() []auth.Route {
	const one, replications = "/registries/:registry", "/registries/:registry/replications"
	return []auth.Route{
		{Method: http.MethodGet, Path: "/registries/new", Permission: account.Admin, Handler: p.newRegistry},
		{Method: http.MethodPost, Path: "/registries", Permission: account.Admin, Handler: p.addRegistry},
		{Method: http.MethodGet, Path: one + "/delete", Permission: account.Admin, Handler: p.askDeleteRegistry},
		{Method: http.MethodPost, Path: one + "/delete", Permission: account.Admin, Handler: p.deleteRegistry},
		{Method: http.MethodGet, Path: replications, Permission: account.Read, Handler: p.replications},
		{Method: http.MethodPost, Path: replications, Permission: account.Write, Handler: p.addReplication},
		{Method: http.MethodGet, Path: replications + "/new", Permission: account.Write, Handler: p.newReplication},
		{Method: http.MethodGet, Path: replications + "/-/delete", Permission: account.Write, Handler: p.pickedReplication},
		{Method: http.MethodGet, Path: replications + "/:location/delete", Permission: account.Write, Handler: p.askDeleteReplication},
		{Method: http.MethodPost, Path: replications + "/:location/delete", Permission: account.Write, Handler: p.deleteReplication},
	}
}

// newRegistry asks what a new registry is called.
func (p *Portal) newRegistry(c echo.Context) error {
	return p.overRegistries(c, http.StatusOK, views.RegistryForm{Location: string(p.RegistryService.Region), Tier: string(registry.Premium)})
}

func (p *Portal) overRegistries(c echo.Context, status int, f views.RegistryForm) error {
	return p.overRegistryList(c, status, views.RegistryPanel(f))
}

// overRegistryList is the list of registries with a panel over it.
func (p *Portal) overRegistryList(c echo.Context, status int, panel templ.Component) error {
	return over(c, status, panel, func() (templ.Component, error) {
		all, err := p.houses(c.Request().Context())
		if err != nil {
			return nil, err
		}
		s := p.registriesShell(c)
		s.Overlay = panel
		return views.RegistriesPage(s, rowsOf(all)), nil
	})
}

// addRegistry makes a built-in registry.
func (p *Portal) addRegistry(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	f := views.RegistryForm{Name: strings.TrimSpace(form.Get("name")), Location: form.Get("location"), Tier: form.Get("sku")}
	made, err := p.RegistryService.Make(c.Request().Context(), registry.Draft{Name: f.Name, Group: registry.DefaultGroup, Location: &f.Location, Tier: &f.Tier}, who(c).Name)
	if said := fieldErrors(err); said != nil {
		f.Errors = said
		return p.overRegistries(c, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return p.done(c, views.RegistryPath(string(made.Name)), ui.Toast{Kind: "ok", Title: "Registry " + string(made.Name) + " is ready", Text: "Push to " + made.LoginServer + "."})
}

// askDeleteRegistry says what goes with a registry and asks for its name.
func (p *Portal) askDeleteRegistry(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	return p.showDeleteRegistry(c, http.StatusOK, views.RegistryDelete{Registry: reg})
}

func (p *Portal) showDeleteRegistry(c echo.Context, status int, d views.RegistryDelete) error {
	hooks, err := p.Registries.Webhooks(c.Request().Context(), d.Registry.Name)
	if err != nil {
		return err
	}
	d.Webhooks = len(hooks)
	if d.Held, err = p.Contents.RepositoryStats(c.Request().Context(), d.Registry.Name); err != nil {
		return err
	}
	dialog := views.RegistryDeleteDialog(d)
	return over(c, status, dialog, func() (templ.Component, error) {
		o, err := p.overviewOf(c.Request().Context(), d.Registry)
		if err != nil {
			return nil, err
		}
		s, err := p.overviewShell(c, d.Registry)
		s.Overlay = dialog
		return views.OverviewPage(s, o), err
	})
}

// deleteRegistry deletes the registry whose name was typed, with everything in it.
func (p *Portal) deleteRegistry(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	if typed, refused := confirmed(c, string(reg.Name)); refused != "" {
		return p.showDeleteRegistry(c, http.StatusUnprocessableEntity, views.RegistryDelete{Registry: reg, Typed: typed, Error: refused})
	}
	if err := p.RegistryService.Delete(c.Request().Context(), reg.Name, 0); err != nil {
		return err
	}
	return p.done(c, "/registries", ui.Toast{Kind: "ok", Title: "Registry " + string(reg.Name) + " deleted", Text: "Its images, webhooks and history are gone."})
}
