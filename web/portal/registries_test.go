package portal_test

import (
	"net/http"
	"testing"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/webhook"
)

func TestRegistriesAreMadeAndDeleted(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Get("/registries").Says("#cmds, .cmdbar, main", "Add")
	b.Get("/registries/new").Status(http.StatusOK).Says("dialog h2", "Add registry").Says("h1", "All registries")
	a := b.Post("/registries", "name", "no", "location", "?!", "sku", "Gold").Status(http.StatusUnprocessableEntity)
	a.Says("#reg-name-said", "5 to 50").Says("#reg-location-said", "A location is").Says("#reg-sku-said", "Basic, Standard or Premium")
	if got := a.Value("#reg-name"); got != "no" {
		t.Errorf("the name that was typed is gone: %q", got)
	}
	b.Post("/registries", "name", "MyContainerRegistry", "location", "local", "sku", "Premium").Status(http.StatusUnprocessableEntity).Says("#reg-name-said", "exists already")
	b.Post("/registries", "name", "second5", "location", "East US", "sku", "basic").Leads("/registries/second5")
	b.Get("/registries/second5").Status(http.StatusOK).Says("#toasts", "second5 is ready").Says("main", "East US").Says("main", "Basic")

	b.Get("/registries/second5/delete").Status(http.StatusOK).Says("dialog", "Delete registry second5?")
	b.Post("/registries/second5/delete", "confirm", "second").Status(http.StatusUnprocessableEntity).Says("#d-confirm-said", "Nothing was deleted")
	b.Get("/registries/second5").Status(http.StatusOK)
	b.Post("/registries/second5/delete", "confirm", "second5").Leads("/registries")
	b.Get("/registries").Says("#toasts", "second5 deleted")
	b.Get("/registries/second5").Status(http.StatusNotFound)

	ben := h.signedIn("ben", account.Contributor)
	ben.Get("/registries").Lacks(`a[href="/registries/new"]`)
	ben.Get("/registries/new").Status(http.StatusForbidden)
	ben.Post("/registries", "name", "third5", "location", "local", "sku", "Basic").Status(http.StatusForbidden)
	ben.Post("/registries/mycontainerregistry/delete", "confirm", "mycontainerregistry").Status(http.StatusForbidden)
}

func TestReplications(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	const at = "/registries/mycontainerregistry/replications"
	b.Get(at).Status(http.StatusOK).Says("h1", "Replications").Says("tbody", "Home").Lacks("tbody input")
	b.Get(at+"/new").Status(http.StatusOK).Says("dialog h2", "Add replication")
	b.Post(at, "location", "?").Status(http.StatusUnprocessableEntity).Says("#rep-location-said", "A location is")
	b.Post(at, "location", "local").Status(http.StatusUnprocessableEntity).Says("#rep-location-said", "already")
	b.Post(at, "location", "West Europe").Leads(at)
	b.Get(at).Says("#toasts", "westeurope is ready").Says("tbody", "West Europe").Says("tbody", "Replica")

	b.Get(at + "/-/delete?location=westeurope").Leads(at + "/westeurope/delete")
	b.Get(at + "/-/delete").Leads(at)
	b.Get(at+"/westeurope/delete").Status(http.StatusOK).Says("dialog", "Delete replication westeurope?")
	hook := h.webhook("there")
	_, err := h.portal.Webhooks.Create(t.Context(), webhook.Draft{
		Registry: hook.Registry, Name: "abroad", Location: new("westeurope"), ServiceURI: new("http://127.0.0.1:9/hook"), Actions: &[]string{"push"},
	}, owner)
	h.must(err)
	b.Post(at+"/westeurope/delete").Status(http.StatusConflict).Says("main", "Delete them before the replica")
	h.must(h.portal.Webhooks.Delete(t.Context(), hook.Registry, "abroad", 0))
	b.Post(at + "/westeurope/delete").Leads(at)
	b.Post(at + "/westeurope/delete").Status(http.StatusNotFound)
	b.Post(at + "/local/delete").Status(http.StatusUnprocessableEntity)

	if reg, err := h.db.Registry(t.Context(), hook.Registry); err != nil || len(reg.Replicas) != 0 {
		t.Errorf("%v, %v", reg.Replicas, fault.CodeOf(err))
	}
	reader := h.signedIn("rea", account.Reader)
	reader.Get(at).Status(http.StatusOK).Lacks(`a[href="` + at + `/new"]`)
	reader.Post(at, "location", "eastus").Status(http.StatusForbidden)
}
