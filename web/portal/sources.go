package portal

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Arrivals is what the pages of event sources read.
type Arrivals interface {
	SourcesOf(ctx context.Context, name registry.Name) ([]source.Source, error)     // by name
	SourceArrivals(ctx context.Context, look source.Look) ([]source.Arrived, error) // newest first
}

// sourceRoutes are the pages of where events come in from outside.
func (p *Portal) sourceRoutes() []auth.Route {
	const list = "/registries/:registry/sources"
	return []auth.Route{
		{Method: http.MethodGet, Path: views.ExternalPath, Permission: account.Admin, Handler: p.newExternal},
		{Method: http.MethodPost, Path: views.ExternalPath, Permission: account.Admin, Handler: p.addExternal},
		{Method: http.MethodGet, Path: list, Permission: account.Read, Handler: p.sources},
		{Method: http.MethodPost, Path: list, Permission: account.Admin, Handler: p.addSource},
		{Method: http.MethodGet, Path: list + "/new", Permission: account.Admin, Handler: p.newSource},
		{Method: http.MethodGet, Path: list + "/-/edit", Permission: account.Admin, Handler: p.pickedSource("edit")},
		{Method: http.MethodGet, Path: list + "/-/rotate", Permission: account.Admin, Handler: p.pickedSource("rotate")},
		{Method: http.MethodGet, Path: list + "/-/delete", Permission: account.Admin, Handler: p.pickedSource("delete")},
		{Method: http.MethodGet, Path: list + "/:source", Permission: account.Read, Handler: p.oneSource},
		{Method: http.MethodGet, Path: list + "/:source/edit", Permission: account.Admin, Handler: p.editSource},
		{Method: http.MethodPost, Path: list + "/:source/edit", Permission: account.Admin, Handler: p.changeSource},
		{Method: http.MethodGet, Path: list + "/:source/rotate", Permission: account.Admin, Handler: p.askSource(views.SourceRotate)},
		{Method: http.MethodPost, Path: list + "/:source/rotate", Permission: account.Admin, Handler: p.rotateSource},
		{Method: http.MethodGet, Path: list + "/:source/delete", Permission: account.Admin, Handler: p.askSource(views.SourceDelete)},
		{Method: http.MethodPost, Path: list + "/:source/delete", Permission: account.Admin, Handler: p.deleteSource},
	}
}

// sources lists where a registry's events come in from outside.
func (p *Portal) sources(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	page, err := p.sourcesPage(c, reg, nil, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

func (p *Portal) sourcesPage(c echo.Context, reg registry.Registry, overlay templ.Component, made *source.Issued) (templ.Component, error) {
	all, err := p.Arrivals.SourcesOf(c.Request().Context(), reg.Name)
	if err != nil {
		return nil, err
	}
	s, err := p.registryShell(c, reg, views.AtSources, "Event sources", registryCrumbs(reg, "Event sources")...)
	if err != nil {
		return nil, err
	}
	s.Overlay = overlay
	page := views.Sources{Registry: reg, New: made, MayAdmin: who(c).May(account.Admin, reg.Name)}
	for _, src := range all {
		page.All = append(page.All, p.sourceRow(src))
	}
	return views.SourcesPage(s, page), nil
}

func (p *Portal) sourceRow(src source.Source) views.SourceRow {
	return views.SourceRow{Source: src, URL: p.Sources.URL(src, "")}
}

func (p *Portal) overSources(c echo.Context, status int, reg registry.Registry, overlay templ.Component) error {
	return over(c, status, overlay, func() (templ.Component, error) { return p.sourcesPage(c, reg, overlay, nil) })
}

// issued shows a source's new token, once: it stands in this answer and nowhere else, so it is no redirect.
func (p *Portal) issued(c echo.Context, status int, made source.Issued) error {
	reg, err := p.Registries.Registry(c.Request().Context(), made.Source.Registry)
	if err != nil {
		return err
	}
	page, err := p.sourcesPage(c, reg, nil, &made)
	if err != nil {
		return err
	}
	return render(c, status, page)
}

// newSourceForm is the form with the usual limits.
func newSourceForm(reg registry.Name) views.SourceForm {
	return views.SourceForm{Registry: reg, Rate: strconv.Itoa(source.DefaultRate), Space: strconv.Itoa(source.DefaultSpace)}
}

// newSource asks who sends a new source's events.
func (p *Portal) newSource(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	return p.overSources(c, http.StatusOK, reg, views.SourcePanel(newSourceForm(reg.Name)))
}

// sourceForm is what was typed, and the draft it stands for.
func (p *Portal) sourceForm(c echo.Context) (views.SourceForm, source.Draft, error) {
	form, err := posted(c)
	if err != nil {
		return views.SourceForm{}, source.Draft{}, err
	}
	f := views.SourceForm{
		Named: strings.TrimSpace(form.Get("registry")), Name: strings.TrimSpace(form.Get("name")), Kind: form.Get("kind"),
		Location: form.Get("location"), Rate: strings.TrimSpace(form.Get("rate")), Space: strings.TrimSpace(form.Get("space")), Networks: form.Get("networks"),
	}
	return f, source.Draft{
		Name: f.Name, Kind: f.Kind, Registry: f.Named, Location: f.Location,
		Rate: limitIn(f.Rate, source.DefaultRate), Space: limitIn(f.Space, source.DefaultSpace), Networks: f.Networks,
	}, nil
}

// limitIn reads a limit; an empty field is the usual one.
func limitIn(text string, usual int) int {
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1 // which the service refuses in its own words
	}
	return n
}

// addSource makes a source of a registry.
func (p *Portal) addSource(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	f, d, err := p.sourceForm(c)
	if err != nil {
		return err
	}
	d.Registry = string(reg.Name)
	made, err := p.Sources.Create(c.Request().Context(), d, who(c).Name)
	if said := fieldErrors(err); said != nil {
		f.Registry, f.Errors = reg.Name, said
		return p.overSources(c, http.StatusUnprocessableEntity, reg, views.SourcePanel(f))
	}
	if err != nil {
		return err
	}
	return p.issued(c, http.StatusCreated, made)
}

// newExternal asks for a registry that is elsewhere, and its source.
func (p *Portal) newExternal(c echo.Context) error {
	return p.overExternal(c, http.StatusOK, newSourceForm(""))
}

func (p *Portal) overExternal(c echo.Context, status int, f views.SourceForm) error {
	return p.overRegistryList(c, status, views.SourcePanel(f))
}

// addExternal makes an external registry with a source.
func (p *Portal) addExternal(c echo.Context) error {
	f, d, err := p.sourceForm(c)
	if err != nil {
		return err
	}
	if _, err := p.Registries.Registry(c.Request().Context(), registry.Name(d.Registry)); err == nil {
		f.Errors = map[string]string{"registry": "There is a registry of that name already. Add a source on its page, or choose another name."}
		return p.overExternal(c, http.StatusUnprocessableEntity, f)
	}
	made, err := p.Sources.Create(c.Request().Context(), d, who(c).Name)
	if said := fieldErrors(err); said != nil {
		f.Errors = said
		return p.overExternal(c, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return p.issued(c, http.StatusCreated, made)
}

// sourceOf gives the source that the path names; one of another registry is not there.
func (p *Portal) sourceOf(c echo.Context) (registry.Registry, source.Source, error) {
	reg, err := p.registryOf(c)
	if err != nil {
		return reg, source.Source{}, err
	}
	src, err := p.Sources.Store.Source(c.Request().Context(), source.Name(c.Param("source")))
	if err == nil && !src.Registry.Is(reg.Name) || fault.Is(err, fault.NotFound) {
		err = &fault.Error{Code: fault.NotFound, Field: "source", Message: string(reg.Name) + " has no such source. Somebody may have deleted it."}
	}
	return reg, src, err
}

// arrivalsShown is how many requests of a source stand on one page.
const arrivalsShown = 25

// oneSource shows a source with how it is sent to and what came from it.
func (p *Portal) oneSource(c echo.Context) error {
	reg, src, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	page, err := p.sourcePage(c, reg, src, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

func (p *Portal) sourcePage(c echo.Context, reg registry.Registry, src source.Source, overlay templ.Component) (_ templ.Component, err error) {
	page := views.SourcePage{
		Registry: reg, SourceRow: p.sourceRow(src), Before: int64(deliveryID(c.QueryParam("before"))), Rejected: c.QueryParam("only") == "rejected",
		MayAdmin: who(c).May(account.Admin, reg.Name), Clear: who(c).May(account.Secrets, reg.Name),
	}
	look := source.Look{SourceID: src.ID, Rejected: page.Rejected, Before: page.Before, Limit: arrivalsShown + 1}
	if page.Arrived, err = p.Arrivals.SourceArrivals(c.Request().Context(), look); err != nil {
		return nil, err
	}
	if len(page.Arrived) > arrivalsShown {
		page.Arrived, page.Older = page.Arrived[:arrivalsShown], true
	}
	between := views.Crumb{Text: "Event sources", Href: views.SourcesPath(reg.Name)}
	s, err := p.registryShell(c, reg, views.AtSources, string(src.Name), registryCrumbs(reg, string(src.Name), between)...)
	if err != nil {
		return nil, err
	}
	s.Overlay = overlay
	return views.OneSource(s, page), nil
}

// editSource asks for other limits of a source.
func (p *Portal) editSource(c echo.Context) error {
	reg, src, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	return p.overSource(c, http.StatusOK, reg, src, views.SourceForm{
		Registry: reg.Name, Changed: src.Name, Rate: strconv.Itoa(src.Rate), Space: strconv.Itoa(src.Space), Networks: src.NetworkList(),
	})
}

func (p *Portal) overSource(c echo.Context, status int, reg registry.Registry, src source.Source, f views.SourceForm) error {
	panel := views.SourcePanel(f)
	return over(c, status, panel, func() (templ.Component, error) { return p.sourcePage(c, reg, src, panel) })
}

// changeSource gives a source other limits.
func (p *Portal) changeSource(c echo.Context) error {
	reg, src, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	f, d, err := p.sourceForm(c)
	if err != nil {
		return err
	}
	changed, err := p.Sources.Change(c.Request().Context(), src.Name, source.Change{Rate: &d.Rate, Space: &d.Space, Networks: &d.Networks})
	if said := fieldErrors(err); said != nil {
		f.Registry, f.Changed, f.Errors = reg.Name, src.Name, said
		return p.overSource(c, http.StatusUnprocessableEntity, reg, src, f)
	}
	if err != nil {
		return err
	}
	return p.done(c, views.SourcePath(changed), ui.Toast{Kind: "ok", Title: "Source " + string(src.Name) + " changed", Text: "Its new limits hold at once."})
}

// pickedSource leads from the chosen row to the question about it.
func (p *Portal) pickedSource(command string) echo.HandlerFunc {
	return func(c echo.Context) error {
		reg, err := p.registryOf(c)
		if err != nil {
			return err
		}
		name, err := source.ParseName(asked(c, "source"))
		if err != nil {
			return p.nothingPicked(c, views.SourcesPath(reg.Name))
		}
		return seeOther(c, views.SourcesPath(reg.Name)+"/"+string(name)+"/"+command)
	}
}

// askSource asks before something is done to a source.
func (p *Portal) askSource(dialog func(source.Source) templ.Component) echo.HandlerFunc {
	return func(c echo.Context) error {
		reg, src, err := p.sourceOf(c)
		if err != nil {
			return err
		}
		return p.overSources(c, http.StatusOK, reg, dialog(src))
	}
}

// rotateSource gives a source another token.
func (p *Portal) rotateSource(c echo.Context) error {
	_, src, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	made, err := p.Sources.Rotate(c.Request().Context(), src.Name)
	if err != nil {
		return err
	}
	return p.issued(c, http.StatusOK, made)
}

// deleteSource ends one.
func (p *Portal) deleteSource(c echo.Context) error {
	reg, src, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	if err := p.Sources.Delete(c.Request().Context(), src.Name); err != nil {
		return err
	}
	return p.done(c, views.SourcesPath(reg.Name), ui.Toast{Kind: "ok", Title: "Source " + string(src.Name) + " deleted", Text: "What is sent to it is refused from now on."})
}
