package azure

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

func (d *Door) groupRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/subscriptions/:subscription/resourceGroups", Permission: account.Read, Handler: d.listGroups},
		{Method: http.MethodGet, Path: groupAt, Permission: account.Read, Handler: d.getGroup},
		{Method: http.MethodHead, Path: groupAt, Permission: account.Read, Handler: d.hasGroup},
		{Method: http.MethodPut, Path: groupAt, Permission: account.Admin, Handler: d.putGroup},
		{Method: http.MethodPatch, Path: groupAt, Permission: account.Admin, Handler: d.patchGroup},
		{Method: http.MethodDelete, Path: groupAt, Permission: account.Admin, Handler: d.deleteGroup},
	}
}

type groupJSON struct {
	resource

	Properties map[string]string `json:"properties"`
}

func (d *Door) groupJSON(g registry.Group) groupJSON {
	return groupJSON{
		resource:   resource{ID: d.groupID(g.Name), Name: g.Name, Type: "Microsoft.Resources/resourceGroups", Location: g.Location, Tags: tagsOf(g.Tags)},
		Properties: map[string]string{"provisioningState": succeeded},
	}
}

func (d *Door) listGroups(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	groups, err := d.Registries.AllGroups(c.Request().Context())
	if err != nil {
		return err
	}
	var all []groupJSON
	for _, g := range groups {
		all = append(all, d.groupJSON(g))
	}
	return answerPage(d, c, all, func(g groupJSON) string { return strings.ToLower(g.Name) })
}

func (d *Door) getGroup(c echo.Context) error {
	g, err := d.groupOf(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.groupJSON(g))
}

// hasGroup answers 204 when the group is there.
func (d *Door) hasGroup(c echo.Context) error {
	if _, err := d.groupOf(c); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (d *Door) putGroup(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	b, err := readBody(c)
	if err != nil {
		return err
	}
	location, tags := b.required("location"), b.texts("tags")
	return d.storeGroup(c, b, location, tags)
}

func (d *Door) patchGroup(c echo.Context) error {
	g, err := d.groupOf(c)
	if err != nil {
		return err
	}
	b, err := readBody(c)
	if err != nil {
		return err
	}
	location, tags := string(g.Location), b.texts("tags")
	if tags == nil {
		tags = &g.Tags
	}
	return d.storeGroup(c, b, &location, tags)
}

func (d *Door) storeGroup(c echo.Context, b body, location *string, tags *map[string]string) error {
	if len(*b.wrong) > 0 {
		return errors.Join(*b.wrong...)
	}
	if tags == nil {
		tags = new(map[string]string)
	}
	g, err := d.Registries.PutGroup(c.Request().Context(), param(c, "group"), *location, *tags)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.groupJSON(g))
}

func (d *Door) deleteGroup(c echo.Context) error {
	g, err := d.groupOf(c)
	if err != nil {
		return err
	}
	if err := d.Registries.DeleteGroup(c.Request().Context(), g.Name); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
