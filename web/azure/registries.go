package azure

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// Where registries are.
const (
	groupAt    = "/subscriptions/:subscription/resourceGroups/:group"
	registryAt = groupAt + "/providers/" + provider + "/registries/:registry"
)

func (d *Door) registryRoutes() []auth.Route {
	inSubscription := "/subscriptions/:subscription/providers/" + provider
	return []auth.Route{
		{Method: http.MethodGet, Path: inSubscription + "/registries", Permission: account.Read, Handler: d.listRegistries},
		{Method: http.MethodGet, Path: groupAt + "/providers/" + provider + "/registries", Permission: account.Read, Handler: d.listRegistriesOfGroup},
		{Method: http.MethodPost, Path: inSubscription + "/checkNameAvailability", Permission: account.Read, Handler: d.checkName},
		{Method: http.MethodGet, Path: registryAt, Permission: account.Read, Handler: d.getRegistry},
		{Method: http.MethodPut, Path: registryAt, Permission: account.Admin, Handler: d.putRegistry},
		{Method: http.MethodPatch, Path: registryAt, Permission: account.Admin, Handler: d.patchRegistry},
		{Method: http.MethodDelete, Path: registryAt, Permission: account.Admin, Handler: d.deleteRegistry},
		{Method: http.MethodGet, Path: registryAt + "/listUsages", Permission: account.Read, Handler: d.listUsages},
		{Method: http.MethodPost, Path: registryAt + "/listCredentials", Permission: account.Secrets, Handler: d.listCredentials},
		{Method: http.MethodPost, Path: registryAt + "/regenerateCredential", Permission: account.Admin, Handler: d.regenerateCredential},
	}
}

type skuJSON struct {
	Name registry.Tier `json:"name"`
	Tier registry.Tier `json:"tier"`
}

type registryJSON struct {
	resource

	SKU        skuJSON            `json:"sku"`
	Properties registryProperties `json:"properties"`
}

type statusJSON struct {
	Status string `json:"status"`
}

type policiesJSON struct {
	Quarantine statusJSON `json:"quarantinePolicy"`
	Export     statusJSON `json:"exportPolicy"`
}

// registryProperties are what this installation has; the last three say that of Azure's networks there is nothing here.
type registryProperties struct {
	LoginServer          string       `json:"loginServer"`
	CreationDate         string       `json:"creationDate"`
	ProvisioningState    string       `json:"provisioningState"`
	AdminUserEnabled     bool         `json:"adminUserEnabled"`
	AnonymousPullEnabled bool         `json:"anonymousPullEnabled"`
	Policies             policiesJSON `json:"policies"`
	AnnounceUntagged     bool         `json:"announceUntaggedManifests"` // Dockbell's own
	AnnounceUntag        bool         `json:"announceUntag"`             // Dockbell's own
	DataEndpointEnabled  bool         `json:"dataEndpointEnabled"`
	PublicNetworkAccess  string       `json:"publicNetworkAccess"`
	ZoneRedundancy       string       `json:"zoneRedundancy"`
}

func word(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

// loginServer is where Azure's clients pull from: they speak HTTPS alone, so it has the port of the HTTPS listener where there
// is one.
func loginServer(r registry.Registry, base string) string {
	secure, err := url.Parse(base)
	if err != nil || secure.Scheme != "https" {
		return r.LoginServer
	}
	host := r.LoginServer
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	if secure.Port() == "" {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), secure.Port())
}

func (d *Door) registryJSON(c echo.Context, r registry.Registry) registryJSON {
	return registryJSON{
		resource: resource{
			ID: d.registryID(r), Name: string(r.Name), Type: registryType, Location: r.Home, Tags: tagsOf(r.Tags),
			SystemData: systemDataOf(mark{r.CreatedBy, r.CreatedByKind, r.Created}, mark{cmp.Or(r.UpdatedBy, r.CreatedBy), r.UpdatedByKind, r.Updated}),
		},
		SKU: skuJSON{r.Tier, r.Tier},
		Properties: registryProperties{
			LoginServer: loginServer(r, d.Base(c.Request())), CreationDate: stamp(r.Created), ProvisioningState: succeeded,
			AdminUserEnabled: r.AdminUser, AnonymousPullEnabled: r.Policies.AnonymousPull,
			Policies:         policiesJSON{Quarantine: statusJSON{word(r.Policies.Quarantine)}, Export: statusJSON{word(true)}},
			AnnounceUntagged: r.Policies.AnnounceUntagged, AnnounceUntag: r.Policies.AnnounceUntag,
			PublicNetworkAccess: "Enabled", ZoneRedundancy: "Disabled",
		},
	}
}

func (d *Door) answerRegistry(c echo.Context, r registry.Registry) error {
	c.Response().Header().Set("ETag", etag(r.Version))
	return c.JSON(http.StatusOK, d.registryJSON(c, r))
}

// registryOf gives the registry that the address names; it says which part of the address leads nowhere.
func (d *Door) registryOf(c echo.Context) (registry.Registry, error) {
	group, err := d.groupOf(c)
	if err != nil {
		return registry.Registry{}, err
	}
	name, err := registry.ParseName(param(c, "registry"))
	if err != nil {
		return registry.Registry{}, noRegistry(c, group)
	}
	r, err := d.Reads.Registry(c.Request().Context(), name)
	if isMissing(err, "registry") || err == nil && !r.InGroup(group.Name) {
		return registry.Registry{}, noRegistry(c, group)
	}
	return r, err
}

func noRegistry(c echo.Context, g registry.Group) error {
	return missing("registry", "The registry resource %.60q was not found in the resource group %s.", param(c, "registry"), g.Name)
}

// groupOf gives the resource group that the address names.
func (d *Door) groupOf(c echo.Context) (registry.Group, error) {
	if err := d.checkSubscription(c); err != nil {
		return registry.Group{}, err
	}
	return d.Registries.Group(c.Request().Context(), param(c, "group"))
}

func (d *Door) listRegistries(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	return d.answerRegistries(c, func(registry.Registry) bool { return true })
}

func (d *Door) listRegistriesOfGroup(c echo.Context) error {
	group, err := d.groupOf(c)
	if err != nil {
		return err
	}
	return d.answerRegistries(c, func(r registry.Registry) bool { return r.InGroup(group.Name) })
}

func (d *Door) answerRegistries(c echo.Context, wanted func(registry.Registry) bool) error {
	regs, err := d.visible(c)
	if err != nil {
		return err
	}
	var all []registryJSON
	for _, r := range regs {
		if wanted(r) {
			all = append(all, d.registryJSON(c, r))
		}
	}
	return answerPage(d, c, all, func(r registryJSON) string { return registry.Name(r.Name).Key() })
}

func (d *Door) getRegistry(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	return d.answerRegistry(c, r)
}

// registryDraft reads what a PUT or PATCH says of a registry.
func registryDraft(c echo.Context) (registry.Draft, body, error) {
	b, err := readBody(c)
	if err != nil {
		return registry.Draft{}, b, err
	}
	p := b.in("properties")
	draft := registry.Draft{
		Name: param(c, "registry"), Group: param(c, "group"), Location: b.text("location"), Tags: b.texts("tags"), Tier: b.in("sku").text("name"),
		AdminUser: p.flag("adminUserEnabled"), AnonymousPull: p.flag("anonymousPullEnabled"),
		Quarantine:       p.in("policies").in("quarantinePolicy").enabled("status", "quarantinePolicy"),
		AnnounceUntagged: p.flag("announceUntaggedManifests"), AnnounceUntag: p.flag("announceUntag"),
	}
	draft.Wrong = *b.wrong
	return draft, b, nil
}

// putRegistry makes a registry or replaces what may change of the one that is there. A group that is not there is made.
func (d *Door) putRegistry(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	before, err := d.registryOf(c)
	if err != nil && !isMissing(err, "registry") && !isMissing(err, "group") {
		return err
	}
	draft, b, err := registryDraft(c)
	if err != nil {
		return err
	}
	b.required("location")
	if !b.has("sku") {
		b.note("sku", "sku is required: Basic, Standard or Premium.")
	}
	draft.Wrong = *b.wrong
	cond := conditionOf(c, before.Version)
	if err := cond.check(before.Version); err != nil {
		return err
	}
	var r registry.Registry
	ctx, by := c.Request().Context(), who(c).Name
	switch {
	case cond.mustBeNew:
		r, err = d.Registries.Make(ctx, draft, by)
	case cond.mustBe:
		r, err = d.Registries.Change(ctx, draft.Whole(), cond.version)
	default:
		r, _, err = d.Registries.Put(ctx, draft, by)
	}
	if err != nil {
		return cond.settled(err)
	}
	return d.answerRegistry(c, r)
}

// patchRegistry changes what the body names; the rest stays.
func (d *Door) patchRegistry(c echo.Context) error {
	before, err := d.registryOf(c)
	if err != nil {
		return err
	}
	draft, _, err := registryDraft(c)
	if err != nil {
		return err
	}
	cond := conditionOf(c, before.Version)
	if err := cond.check(before.Version); err != nil {
		return err
	}
	r, err := d.Registries.Change(c.Request().Context(), draft, cond.version)
	if err != nil {
		return cond.settled(err)
	}
	return d.answerRegistry(c, r)
}

// deleteRegistry removes a registry with everything in it; one that is not there is gone already.
func (d *Door) deleteRegistry(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil && !isMissing(err, "registry") {
		return err
	}
	cond := conditionOf(c, r.Version)
	if err := cond.check(r.Version); err != nil {
		return err
	}
	if r.ID == "" {
		return c.NoContent(http.StatusNoContent)
	}
	err = cond.settled(d.Registries.Delete(c.Request().Context(), r.Name, cond.version))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
