package portal

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
)

// missing names the thing that is not there, and one of a similar name where there is one.
func (p *Portal) missing(c echo.Context, err error, problem *views.Problem) {
	var f *fault.Error
	if !errors.As(err, &f) {
		return
	}
	switch f.Field {
	case "registry":
		p.nearRegistry(c, problem)
	case "webhook":
		p.nearWebhook(c, problem)
	case "repository":
		problem.Title = "There’s no such repository here"
	case "delivery", "event", "user", "token", "inbox":
		problem.Title = "There’s no such " + f.Field + " here"
		problem.Sentence = "It may have been deleted, or the address is mistyped."
	}
}

func (p *Portal) nearRegistry(c echo.Context, problem *views.Problem) {
	asked := c.Param("registry")
	problem.Title = "There’s no registry called “" + asked + "” here"
	problem.Sentence = "It may have been deleted."
	all, err := p.Registries.Registries(c.Request().Context())
	if err != nil {
		return // the page says what it can without
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = string(r.Name)
	}
	if name, ok := nearest(asked, names); ok {
		problem.NearWord, problem.NearText, problem.NearHref = "There is one with a similar name:", name, views.RegistryPath(name)
	}
}

func (p *Portal) nearWebhook(c echo.Context, problem *views.Problem) {
	reg, asked := registry.Name(c.Param("registry")), c.Param("webhook")
	problem.Title = "There’s no webhook called “" + asked + "” here"
	problem.Sentence = "It may have been renamed or deleted."
	all, err := p.Registries.Webhooks(c.Request().Context(), reg)
	if err != nil {
		return // the page says what it can without
	}
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = string(w.Name)
	}
	if name, ok := nearest(asked, names); ok {
		problem.NearWord, problem.NearText = string(reg)+" has one with a similar name:", name
		problem.NearHref = views.WebhooksPath(reg) + "/" + name
	}
}

// nearest is the name that differs least from asked, if that is by two letters at most.
func nearest(asked string, names []string) (string, bool) {
	best, least := "", 3
	for _, name := range names {
		if d := distance(strings.ToLower(asked), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best, least < 3
}

// distance is how many letters have to be put in, left out or exchanged to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
