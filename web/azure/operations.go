package azure

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/web/auth"
)

func (d *Door) operationRoutes() []auth.Route {
	at := "/subscriptions/:subscription/providers"
	return []auth.Route{
		{Method: http.MethodGet, Path: "/providers/" + provider + "/operations", Permission: account.Read, Handler: d.listOperations},
		{Method: http.MethodGet, Path: at, Permission: account.Read, Handler: d.listProviders},
		{Method: http.MethodGet, Path: at + "/" + provider, Permission: account.Read, Handler: d.getProvider},
		{Method: http.MethodPost, Path: at + "/" + provider + "/register", Permission: account.Read, Handler: d.getProvider}, // it always is
	}
}

type operationJSON struct {
	Name    string           `json:"name"`
	Display operationDisplay `json:"display"`
}

type operationDisplay struct {
	Provider    string `json:"provider"`
	Resource    string `json:"resource"`
	Operation   string `json:"operation"`
	Description string `json:"description"`
}

// operations are Azure's names of what this API does, with words for people: resource, operation, description.
var operations = [][4]string{
	{"registries/read", "Container Registry", "Get or List Container Registries", "Gets a container registry or lists them."},
	{"registries/write", "Container Registry", "Create or Update Container Registry", "Makes or changes a container registry."},
	{"registries/delete", "Container Registry", "Delete Container Registry", "Deletes a container registry."},
	{"registries/listCredentials/action", "Container Registry", "List Login Credentials", "Lists the passwords of the admin user."},
	{"registries/regenerateCredential/action", "Container Registry", "Regenerate Login Credentials", "Makes a new password of the admin user."},
	{"registries/listUsages/read", "Container Registry", "List Usages", "Lists the quotas and what is used of them."},
	{"checkNameAvailability/read", "Container Registry", "Check Name Availability", "Says whether a registry's name is free."},
	{"registries/replications/read", "Replication", "Get or List Replications", "Gets a replication or lists them."},
	{"registries/replications/write", "Replication", "Create or Update Replication", "Makes or changes a replication."},
	{"registries/replications/delete", "Replication", "Delete Replication", "Deletes a replication."},
	{"registries/webhooks/read", "Webhook", "Get or List Webhooks", "Gets a webhook or lists them."},
	{"registries/webhooks/write", "Webhook", "Create or Update Webhook", "Makes or changes a webhook."},
	{"registries/webhooks/delete", "Webhook", "Delete Webhook", "Deletes a webhook."},
	{"registries/webhooks/ping/action", "Webhook", "Ping Webhook", "Sends a ping to a webhook."},
	{"registries/webhooks/getCallbackConfig/action", "Webhook", "Get Callback Config", "Gets the service URI and the custom headers of a webhook."},
	{"registries/webhooks/listEvents/action", "Webhook", "List Events", "Lists what was sent to a webhook and what came back."},
}

func (d *Door) listOperations(c echo.Context) error {
	all := make([]operationJSON, 0, len(operations))
	for _, op := range operations {
		all = append(all, operationJSON{Name: provider + "/" + op[0], Display: operationDisplay{"Dockbell", op[1], op[2], op[3]}})
	}
	return c.JSON(http.StatusOK, list[operationJSON]{Value: all})
}

type providerJSON struct {
	ID                string             `json:"id"`
	Namespace         string             `json:"namespace"`
	RegistrationState string             `json:"registrationState"`
	ResourceTypes     []resourceTypeJSON `json:"resourceTypes"`
}

type resourceTypeJSON struct {
	ResourceType string   `json:"resourceType"`
	Locations    []string `json:"locations"`
	APIVersions  []string `json:"apiVersions"`
}

// apiVersions are the stable ones whose shapes these are, newest first.
var apiVersions = []string{"2025-11-01", "2025-04-01", "2023-07-01", "2022-12-01", "2021-09-01", "2019-05-01", "2017-10-01"}

func (d *Door) ownProvider() providerJSON {
	p := providerJSON{ID: d.ownSubscription().ID + "/providers/" + provider, Namespace: provider, RegistrationState: "Registered"}
	for _, t := range []string{registryType, webhookType, replicationType} {
		p.ResourceTypes = append(p.ResourceTypes, resourceTypeJSON{strings.TrimPrefix(t, provider+"/"), []string{string(d.Region)}, apiVersions})
	}
	return p
}

func (d *Door) listProviders(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list[providerJSON]{Value: []providerJSON{d.ownProvider()}})
}

func (d *Door) getProvider(c echo.Context) error {
	if err := d.checkSubscription(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d.ownProvider())
}
