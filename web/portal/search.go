package portal

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
)

// Bounds of a search: results of one sort in one registry, and the shortest beginning of an event's ID.
const (
	foundEach   = 20
	shortestID  = 6
	lettersOfID = "0123456789abcdef-"
)

// search finds repositories and webhooks by a part of their name, and events and deliveries by their ID.
func (p *Portal) search(c echo.Context) error {
	word := asked(c, "q")
	var found []views.Found
	if word != "" {
		regs, err := p.Registries.Registries(c.Request().Context())
		if err != nil {
			return err
		}
		for _, reg := range regs {
			if found, err = p.searchIn(c.Request().Context(), reg, word, found); err != nil {
				return err
			}
		}
	}
	s := p.shell(c, "Search", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "Search"})
	return render(c, http.StatusOK, views.SearchPage(s, word, found))
}

// searchIn adds what one registry has.
func (p *Portal) searchIn(ctx context.Context, reg registry.Registry, word string, found []views.Found) ([]views.Found, error) {
	if strings.Contains(reg.Name.Key(), strings.ToLower(word)) {
		found = append(found, views.FoundRegistry(reg))
	}
	hooks, err := p.Registries.Webhooks(ctx, reg.Name)
	if err != nil {
		return nil, err
	}
	for _, w := range hooks {
		if strings.Contains(w.Name.Key(), strings.ToLower(word)) {
			found = append(found, views.FoundWebhook(w))
		}
	}
	if reg.Kind != registry.External {
		rows, _, err := p.Contents.RepositoryInfos(ctx, reg.Name, word, artifact.List{N: foundEach})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found = append(found, views.FoundRepository(reg, row.Name))
		}
	}
	return p.searchIDs(ctx, reg, word, found)
}

// searchIDs adds the events whose ID begins with word, and the delivery of that number.
func (p *Portal) searchIDs(ctx context.Context, reg registry.Registry, word string, found []views.Found) ([]views.Found, error) {
	id := strings.ToLower(word)
	if len(id) >= shortestID && strings.Trim(id, lettersOfID) == "" {
		page, err := p.History.Events(ctx, event.Filter{Registry: reg.Name, Text: id, Limit: foundEach})
		if err != nil {
			return nil, err
		}
		for _, ev := range page.Events {
			if strings.HasPrefix(string(ev.ID), id) {
				found = append(found, views.FoundEvent(ev))
			}
		}
	}
	number, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return found, nil //nolint:nilerr // not a number, so not the ID of a delivery
	}
	d, err := p.History.Delivery(ctx, reg.Name, delivery.ID(number))
	if fault.Is(err, fault.NotFound) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	return append(found, views.FoundDelivery(d)), nil
}
