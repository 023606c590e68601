package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/views"
)

// recentFailures is how many of them the overview shows.
const recentFailures = 5

// overview is a registry's first page.
func (p *Portal) overview(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	o, err := p.overviewOf(c.Request().Context(), reg)
	if err != nil {
		return err
	}
	o.CanWrite = who(c).May(account.Write, reg.Name)
	s, err := p.overviewShell(c, reg)
	if err != nil {
		return err
	}
	return show(c, http.StatusOK, views.OverviewPage(s, o), views.OverviewBody(s, o))
}

func (p *Portal) overviewShell(c echo.Context, reg registry.Registry) (views.Shell, error) {
	return p.registryShell(c, reg, views.AtOverview, string(reg.Name),
		views.Crumb{Text: "Registries", Href: "/registries"}, views.Crumb{Text: string(reg.Name)})
}

func (p *Portal) overviewOf(ctx context.Context, reg registry.Registry) (views.Overview, error) {
	o := views.Overview{Registry: reg}
	counts, err := p.Figures.EventHours(ctx, reg.Name, firstHour(p.Now()))
	if err != nil {
		return o, err
	}
	o.Events = eventChart(counts, p.Now())
	hooks, err := p.Registries.Webhooks(ctx, reg.Name)
	if err != nil {
		return o, err
	}
	var held registry.Contents
	if reg.Kind != registry.External {
		if held, err = p.Contents.RepositoryStats(ctx, reg.Name); err != nil {
			return o, err
		}
	}
	o.Quotas, o.QuotaSay = views.QuotasOf(reg, len(hooks), held)
	o.Failures, err = p.failuresOf(ctx, reg.Name)
	return o, err
}

// failuresOf are the newest deliveries of the last 24 hours whose last attempt failed.
func (p *Portal) failuresOf(ctx context.Context, name registry.Name) ([]views.Failure, error) {
	var all []delivery.Delivery
	for _, class := range []delivery.StatusClass{delivery.Class3xx, delivery.Class4xx, delivery.Class5xx, delivery.NoAnswer} {
		page, err := p.Figures.Deliveries(ctx, delivery.Filter{
			Registry: name, Class: class, Since: p.Now().Add(-24 * time.Hour), Limit: recentFailures,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Deliveries...)
	}
	slices.SortFunc(all, func(a, b delivery.Delivery) int { return cmp.Compare(b.ID, a.ID) })
	failures := make([]views.Failure, 0, recentFailures)
	for _, d := range all[:min(len(all), recentFailures)] {
		failures = append(failures, views.FailureOf(d))
	}
	return failures, nil
}
