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

func (d *Door) replicationRoutes() []auth.Route {
	at := registryAt + "/replications"
	return []auth.Route{
		{Method: http.MethodGet, Path: at, Permission: account.Read, Handler: d.listReplications},
		{Method: http.MethodGet, Path: at + "/:replication", Permission: account.Read, Handler: d.getReplication},
		{Method: http.MethodPut, Path: at + "/:replication", Permission: account.Admin, Handler: d.putReplication},
		{Method: http.MethodPatch, Path: at + "/:replication", Permission: account.Admin, Handler: d.patchReplication},
		{Method: http.MethodDelete, Path: at + "/:replication", Permission: account.Admin, Handler: d.deleteReplication},
	}
}

type replicationJSON struct {
	resource

	Properties replicationProperties `json:"properties"`
}

type replicationProperties struct {
	ProvisioningState     string            `json:"provisioningState"`
	RegionEndpointEnabled bool              `json:"regionEndpointEnabled"`
	ZoneRedundancy        string            `json:"zoneRedundancy"`
	Status                replicationStatus `json:"status"`
}

type replicationStatus struct {
	DisplayStatus string `json:"displayStatus"`
	Timestamp     string `json:"timestamp"`
}

func (d *Door) replicationJSON(r registry.Registry, rep registry.Replica) replicationJSON {
	return replicationJSON{
		resource: resource{
			ID: d.registryID(r) + "/replications/" + rep.Name, Name: rep.Name, Type: replicationType, Location: rep.Location, Tags: tagsOf(rep.Tags),
		},
		Properties: replicationProperties{
			ProvisioningState: succeeded, RegionEndpointEnabled: !rep.EndpointOff, ZoneRedundancy: "Disabled",
			Status: replicationStatus{"Ready", stamp(rep.Created)},
		},
	}
}

// listReplications lists home too, as Azure does; a registry below Premium has none.
func (d *Door) listReplications(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	var all []replicationJSON
	if r.Tier.Replicates() {
		for _, rep := range r.Sites() {
			all = append(all, d.replicationJSON(r, rep))
		}
	}
	key := func(rep replicationJSON) string { return strings.ToLower(rep.Name) }
	sortByKey(all, key)
	return answerPage(d, c, all, key)
}

func (d *Door) getReplication(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	rep, found := r.Site(param(c, "replication"))
	if !found || !r.Tier.Replicates() {
		return missing("replica", "%s has no replica %.60q.", r.Name, param(c, "replication"))
	}
	return c.JSON(http.StatusOK, d.replicationJSON(r, rep))
}

// replicaDraft reads what a PUT or PATCH says of a replication.
func replicaDraft(c echo.Context, r registry.Registry) (registry.ReplicaDraft, body, error) {
	b, err := readBody(c)
	if err != nil {
		return registry.ReplicaDraft{}, b, err
	}
	draft := registry.ReplicaDraft{Registry: r.Name, Name: param(c, "replication"), Location: b.text("location"), Tags: b.texts("tags")}
	if on := b.in("properties").flag("regionEndpointEnabled"); on != nil {
		off := !*on
		draft.EndpointOff = &off
	}
	draft.Wrong = *b.wrong
	return draft, b, nil
}

func (d *Door) putReplication(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	draft, b, err := replicaDraft(c, r)
	if err != nil {
		return err
	}
	b.required("location")
	if draft.Tags == nil {
		draft.Tags = new(map[string]string)
	}
	if draft.EndpointOff == nil {
		draft.EndpointOff = new(bool)
	}
	if draft.Wrong = *b.wrong; len(draft.Wrong) > 0 && draft.Location == nil {
		return draft.Wrong[len(draft.Wrong)-1]
	}
	r, rep, err := d.Registries.PutReplica(c.Request().Context(), draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.replicationJSON(r, rep))
}

func (d *Door) patchReplication(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	draft, _, err := replicaDraft(c, r)
	if err != nil {
		return err
	}
	r, rep, err := d.Registries.UpdateReplica(c.Request().Context(), draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.replicationJSON(r, rep))
}

// deleteReplication removes a replica; one that is not there is gone already.
func (d *Door) deleteReplication(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	rep, found := r.Site(param(c, "replication"))
	if !found {
		return c.NoContent(http.StatusNoContent)
	}
	switch _, err := d.Registries.RemoveReplica(c.Request().Context(), r.Name, rep.Location); {
	case fault.Is(err, fault.NotFound):
		return c.NoContent(http.StatusNoContent)
	case err != nil:
		return err
	}
	return c.NoContent(http.StatusOK)
}
