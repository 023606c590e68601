package azure

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// subscriptionRoutes are what clients ask before they come to registries: tenants, subscriptions and their locations.
func (d *Door) subscriptionRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/tenants", Permission: account.Read, Handler: d.tenants},
		{Method: http.MethodGet, Path: "/subscriptions", Permission: account.Read, Handler: d.subscriptions},
		{Method: http.MethodGet, Path: "/subscriptions/:subscription", Permission: account.Read, Handler: d.subscription},
		{Method: http.MethodGet, Path: "/subscriptions/:subscription/locations", Permission: account.Read, Handler: d.locations},
	}
}

// list is a page of resources; without a nextLink it is the last one.
type list[T any] struct {
	Value    []T    `json:"value"`
	NextLink string `json:"nextLink,omitempty"`
}

type tenantJSON struct {
	ID          string `json:"id"`
	TenantID    string `json:"tenantId"`
	DisplayName string `json:"displayName"`
}

func (d *Door) tenants(c echo.Context) error {
	t := tenantJSON{ID: "/tenants/" + d.Tenancy.Tenant, TenantID: d.Tenancy.Tenant, DisplayName: "Dockbell"}
	return c.JSON(http.StatusOK, list[tenantJSON]{Value: []tenantJSON{t}})
}

type subscriptionJSON struct {
	ID             string `json:"id"`
	SubscriptionID string `json:"subscriptionId"`
	TenantID       string `json:"tenantId"`
	DisplayName    string `json:"displayName"`
	State          string `json:"state"`
}

func (d *Door) ownSubscription() subscriptionJSON {
	return subscriptionJSON{
		ID: "/subscriptions/" + d.Tenancy.Subscription, SubscriptionID: d.Tenancy.Subscription, TenantID: d.Tenancy.Tenant,
		DisplayName: "Dockbell", State: "Enabled",
	}
}

func (d *Door) subscriptions(c echo.Context) error {
	return c.JSON(http.StatusOK, list[subscriptionJSON]{Value: []subscriptionJSON{d.ownSubscription()}})
}

func (d *Door) subscription(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.ownSubscription())
}

// checkSubscription refuses any subscription but the one of this installation.
func (d *Door) checkSubscription(c echo.Context) error {
	if given := param(c, "subscription"); !strings.EqualFold(given, d.Tenancy.Subscription) {
		return missing("subscription", "The subscription %.60q is not here. This Dockbell is the subscription %s.", given, d.Tenancy.Subscription)
	}
	return nil
}

// missing is a NotFound refusal about one part of an address.
func missing(field, format string, args ...any) error {
	f := fault.New(fault.NotFound, format, args...)
	f.Field = field
	return f
}

type locationJSON struct {
	ID             string `json:"id"`
	SubscriptionID string `json:"subscriptionId"`
	Name           string `json:"name"`
	DisplayName    string `json:"displayName"`
}

// locations are the home of new registries and every location that a registry has.
func (d *Door) locations(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	regs, err := d.visible(c)
	if err != nil {
		return err
	}
	known := map[registry.Location]bool{}
	var all []locationJSON
	add := func(l registry.Location) {
		if !known[l] {
			known[l] = true
			all = append(all, locationJSON{
				ID: d.ownSubscription().ID + "/locations/" + string(l), SubscriptionID: d.Tenancy.Subscription, Name: string(l), DisplayName: string(l),
			})
		}
	}
	add(d.Region)
	for _, r := range regs {
		for _, l := range r.Locations() {
			add(l)
		}
	}
	return c.JSON(http.StatusOK, list[locationJSON]{Value: all})
}

// visible gives the registries that the caller may see, by name.
func (d *Door) visible(c echo.Context) ([]registry.Registry, error) {
	all, err := d.Reads.Registries(c.Request().Context())
	if err != nil {
		return nil, err
	}
	var seen []registry.Registry
	for _, r := range all {
		if who(c).May(account.Read, r.Name) {
			seen = append(seen, r)
		}
	}
	return seen, nil
}
