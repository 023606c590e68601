package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/keeping"
	"dockbell/views"
	"dockbell/views/ui"
)

// keeping shows for how long history is kept.
func (p *Portal) keeping(c echo.Context) error {
	return p.showKeeping(c, http.StatusOK, views.Keeping{})
}

func (p *Portal) showKeeping(c echo.Context, status int, page views.Keeping) error {
	var err error
	if page.Periods, err = p.Keeping.Periods(c.Request().Context()); err != nil {
		return err
	}
	page.Fixed = p.Keeping.Fixed
	return render(c, status, views.KeepingPage(p.settingsShell(c, views.AtKeeping, "Data retention"), page))
}

// keep changes for how long.
func (p *Portal) keep(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	typed := map[keeping.Kind]string{}
	for _, k := range keeping.Kinds {
		typed[k.Kind] = form.Get(string(k.Kind))
	}
	err = p.Keeping.Replace(c.Request().Context(), typed)
	if said := fieldErrors(err); said != nil {
		return p.showKeeping(c, http.StatusUnprocessableEntity, views.Keeping{Typed: typed, Errors: said})
	}
	if err != nil {
		return err
	}
	return p.done(c, keepingPath, ui.Toast{Kind: "ok", Title: "Data retention saved", Text: "What is older goes within the hour."})
}
