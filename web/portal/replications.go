package portal

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
)

// replications lists where a registry is.
func (p *Portal) replications(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.replicationsPage(c, reg, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

func (p *Portal) replicationsPage(c echo.Context, reg registry.Registry, overlay templ.Component) (templ.Component, error) {
	sites, err := p.sitesOf(c, reg)
	if err != nil {
		return nil, err
	}
	s, err := p.registryShell(c, reg, views.AtReplications, "Replications", registryCrumbs(reg, "Replications")...)
	if err != nil {
		return nil, err
	}
	s.Overlay = overlay
	return views.ReplicationsPage(s, views.Replications{Registry: reg, Sites: sites, MayWrite: mayWrite(c.Request().Context(), reg.Name)}), nil
}

// sitesOf gives the copies of a registry with the number of webhooks that listen at each.
func (p *Portal) sitesOf(c echo.Context, reg registry.Registry) ([]views.Site, error) {
	hooks, err := p.Registries.Webhooks(c.Request().Context(), reg.Name)
	if err != nil {
		return nil, err
	}
	listening := map[registry.Location]int{}
	for _, hook := range hooks {
		listening[hook.Location]++
	}
	var sites []views.Site
	for i, rep := range reg.Sites() {
		sites = append(sites, views.Site{Replica: rep, Home: i == 0, Webhooks: listening[rep.Location]})
	}
	return sites, nil
}

func (p *Portal) overReplications(c echo.Context, status int, reg registry.Registry, overlay templ.Component) error {
	return over(c, status, overlay, func() (templ.Component, error) { return p.replicationsPage(c, reg, overlay) })
}

// newReplication asks where a new copy shall be.
func (p *Portal) newReplication(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	return p.overReplications(c, http.StatusOK, reg, views.ReplicationPanel(views.ReplicationForm{Registry: reg.Name}))
}

// addReplication gives a registry one more location.
func (p *Portal) addReplication(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	f := views.ReplicationForm{Registry: reg.Name, Location: form.Get("location")}
	l, err := registry.ParseLocation(f.Location)
	if err == nil {
		_, err = p.RegistryService.AddReplica(c.Request().Context(), reg.Name, l)
	}
	if said := fieldErrors(err); said != nil {
		f.Error = anyOf(said, "location")
		return p.overReplications(c, http.StatusUnprocessableEntity, reg, views.ReplicationPanel(f))
	}
	if err != nil {
		return err
	}
	return p.done(c, views.ReplicationsPath(reg.Name), ui.Toast{Kind: "ok", Title: "Replication " + string(l) + " is ready", Text: "Webhooks can listen there now."})
}

// pickedReplication leads from the chosen row to the question about it.
func (p *Portal) pickedReplication(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	l, err := registry.ParseLocation(asked(c, "location"))
	if err != nil {
		return p.nothingPicked(c, views.ReplicationsPath(reg.Name))
	}
	return seeOther(c, views.ReplicationsPath(reg.Name)+"/"+string(l)+"/delete")
}

// siteOf gives the copy that the path names.
func (p *Portal) siteOf(c echo.Context) (registry.Registry, views.Site, error) {
	reg, err := p.registryOf(c)
	if err != nil {
		return reg, views.Site{}, err
	}
	sites, err := p.sitesOf(c, reg)
	if err != nil {
		return reg, views.Site{}, err
	}
	for _, site := range sites {
		if string(site.Location) == c.Param("location") {
			return reg, site, nil
		}
	}
	return reg, views.Site{}, fault.New(fault.NotFound, "%s has no such replication. Somebody may have deleted it.", reg.Name)
}

// askDeleteReplication says what ends with a copy.
func (p *Portal) askDeleteReplication(c echo.Context) error {
	reg, site, err := p.siteOf(c)
	if err != nil {
		return err
	}
	return p.overReplications(c, http.StatusOK, reg, views.ReplicationDelete(reg.Name, site))
}

// deleteReplication takes a location away.
func (p *Portal) deleteReplication(c echo.Context) error {
	reg, site, err := p.siteOf(c)
	if err != nil {
		return err
	}
	if _, err := p.RegistryService.RemoveReplica(c.Request().Context(), reg.Name, site.Location); err != nil {
		return err
	}
	return p.done(c, views.ReplicationsPath(reg.Name), ui.Toast{Kind: "ok", Title: "Replication " + site.Name + " deleted"})
}
