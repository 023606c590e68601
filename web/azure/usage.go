package azure

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

type usageJSON struct {
	Name         string `json:"name"`
	Limit        int64  `json:"limit"`
	CurrentValue int64  `json:"currentValue"`
	Unit         string `json:"unit"`
}

// noLimit is how Azure writes that there is none.
const noLimit = -1

// listUsages tells the quotas of the registry's tier and what is used of them.
func (d *Door) listUsages(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	holds, err := d.Figures.RepositoryStats(ctx, r.Name)
	if err != nil {
		return err
	}
	hooks, err := d.Reads.Webhooks(ctx, r.Name)
	if err != nil {
		return err
	}
	all := []usageJSON{
		{"Size", r.Tier.StorageQuota(), holds.Bytes, "Bytes"},
		{"Webhooks", int64(r.Tier.WebhookQuota()), int64(len(hooks)), "Count"},
	}
	if r.Tier.Replicates() {
		all = append(all, usageJSON{"Geo-replications", noLimit, int64(len(r.Sites())), "Count"})
	}
	return c.JSON(http.StatusOK, list[usageJSON]{Value: all})
}

type nameJSON struct {
	Available bool   `json:"nameAvailable"`
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message,omitempty"`
}

// checkName says whether a registry may be given a name.
func (d *Door) checkName(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	b, err := readBody(c)
	if err != nil {
		return err
	}
	asked := b.required("name")
	if len(*b.wrong) > 0 {
		return (*b.wrong)[0]
	}
	answer := nameJSON{Available: true}
	name, err := registry.ParseName(*asked)
	if err != nil {
		answer = nameJSON{Reason: "Invalid", Message: fault.All(err)[0].Message}
		return c.JSON(http.StatusOK, answer)
	}
	switch _, err := d.Reads.Registry(c.Request().Context(), name); {
	case err == nil:
		answer = nameJSON{Reason: "AlreadyExists", Message: "The registry " + string(name) + " is already in use."}
	case !isMissing(err, "registry"):
		return err
	}
	return c.JSON(http.StatusOK, answer)
}
