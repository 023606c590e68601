package azure

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

func (d *Door) resourceRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/subscriptions/:subscription/resources", Permission: account.Read, Handler: d.listResources},
		{Method: http.MethodGet, Path: groupAt + "/resources", Permission: account.Read, Handler: d.listResourcesOfGroup},
	}
}

// listed is a resource as lists of resources show it.
type listed struct {
	resource

	SKU *skuJSON `json:"sku,omitempty"`

	group string
}

// filterRule is one comparison of a $filter; several are joined with "and".
var filterRule = regexp.MustCompile(`^\s*(?i:(resourceType|name|resourceGroup|location))\s+(?i:eq)\s+'([^']*)'\s*\z`)

// filter reads a $filter: comparisons joined with "and". What Azure also knows and this API does not is refused, because
// leaving it out would give too much.
func filter(text string) (func(listed) bool, error) {
	wanted := map[string]string{}
	if strings.TrimSpace(text) != "" {
		for _, part := range regexp.MustCompile(`(?i)\s+and\s+`).Split(text, -1) {
			m := filterRule.FindStringSubmatch(part)
			if m == nil {
				return nil, refuse(http.StatusBadRequest, "InvalidFilterInQueryString", "$filter",
					"The $filter compares resourceType, name, resourceGroup or location with eq and a text in quotes; several are joined with and.")
			}
			wanted[strings.ToLower(m[1])] = m[2]
		}
	}
	return func(l listed) bool {
		for field, value := range wanted {
			have := map[string]string{
				"resourcetype": l.Type, "name": l.Name, "resourcegroup": l.group, "location": string(l.Location),
			}[field]
			if !strings.EqualFold(have, value) {
				return false
			}
		}
		return true
	}, nil
}

func (d *Door) listResources(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	return d.answerResources(c, func(registry.Registry) bool { return true })
}

func (d *Door) listResourcesOfGroup(c echo.Context) error {
	group, err := d.groupOf(c)
	if err != nil {
		return err
	}
	return d.answerResources(c, func(r registry.Registry) bool { return r.InGroup(group.Name) })
}

// answerResources lists registries with their webhooks and replications, in the order of their addresses.
func (d *Door) answerResources(c echo.Context, wanted func(registry.Registry) bool) error {
	passes, err := filter(c.QueryParam("$filter"))
	if err != nil {
		return err
	}
	regs, err := d.visible(c)
	if err != nil {
		return err
	}
	var all []listed
	for _, r := range regs {
		if !wanted(r) {
			continue
		}
		parts, err := d.partsOf(c, r)
		if err != nil {
			return err
		}
		for _, l := range parts {
			if passes(l) {
				all = append(all, l)
			}
		}
	}
	sortByKey(all, listedKey)
	return answerPage(d, c, all, listedKey)
}

func listedKey(l listed) string { return strings.ToLower(l.ID) }

// partsOf are a registry and what belongs to it.
func (d *Door) partsOf(c echo.Context, r registry.Registry) ([]listed, error) {
	own := d.registryJSON(c, r)
	parts := []listed{{resource: own.resource, SKU: &own.SKU, group: r.Group}}
	hooks, err := d.Reads.Webhooks(c.Request().Context(), r.Name)
	for _, w := range hooks {
		parts = append(parts, listed{resource: d.webhookJSON(r, w).resource, group: r.Group})
	}
	for _, rep := range r.Replicas {
		parts = append(parts, listed{resource: d.replicationJSON(r, rep).resource, group: r.Group})
	}
	return parts, err
}
