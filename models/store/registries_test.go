package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

var (
	_ registry.Store  = (*store.DB)(nil)
	_ registry.Groups = (*store.DB)(nil)
	_ registry.Keys   = (*store.DB)(nil)
)

// noon is a time that both databases keep to the microsecond.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)

func acme(name registry.Name, tier registry.Tier) registry.Registry {
	return registry.Registry{
		ID: uuid.NewString(), Name: name, LoginServer: name.Key() + ".localhost:8080", Home: "eastus", Tier: tier,
		Kind: registry.BuiltIn, Group: registry.DefaultGroup, Version: 1, CreatedBy: "mei", Created: noon, UpdatedBy: "mei", Updated: noon,
	}
}

// addRegistry stores a registry that the test needs to be there.
func addRegistry(t *testing.T, db *store.DB, r registry.Registry) registry.Registry {
	t.Helper()
	if err := db.AddRegistry(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegistryRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		full := acme("MyRegistry1", registry.Premium)
		full.Replicas = []registry.Replica{
			{Name: "West1", Location: "westus", Tags: map[string]string{"a": "b"}, EndpointOff: true, Created: noon},
			{Name: "asia", Location: "asia", Created: noon.Add(time.Hour)},
		}
		full.Group, full.AdminUser, full.CreatedByKind, full.UpdatedByKind = "RG-Build", true, "User", "Application"
		full.Policies = registry.Policies{AnnounceUntagged: true, AnnounceUntag: true, Quarantine: true, AnonymousPull: true}
		full.Tags = map[string]string{"team": "ünï", "empty": ""}
		addRegistry(t, db, full)
		got, err := db.Registry(t.Context(), "MYREGISTRY1")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(full, got); d != "" {
			t.Errorf("stored and read back (-want +got):\n%s", d)
		}

		cleared := full
		cleared.Replicas, cleared.Policies, cleared.Tags, cleared.Tier = nil, registry.Policies{}, nil, registry.Basic
		cleared.AdminUser, cleared.UpdatedBy, cleared.UpdatedByKind, cleared.Updated = false, "ci", "", noon.Add(time.Minute)
		if err := db.UpdateRegistry(t.Context(), cleared); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateRegistry(t.Context(), cleared); !errors.Is(err, registry.ErrChanged) {
			t.Errorf("an update of a version that is not there any more: %v", err)
		}
		cleared.Version++
		if got, err = db.Registry(t.Context(), full.Name); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(cleared, got); d != "" {
			t.Errorf("after everything was cleared (-want +got):\n%s", d)
		}
	})
}

func TestRegistryRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := addRegistry(t, db, acme("acmereg", registry.Premium))
		twice := db.AddRegistry(t.Context(), acme("AcmeReg", registry.Premium))
		if !fault.Is(twice, fault.Conflict) || fault.All(twice)[0].Field != "name" {
			t.Errorf("the same name in another case: %v, want a conflict at name", twice)
		}
		_, missing := db.Registry(t.Context(), "other1")
		if !fault.Is(missing, fault.NotFound) || fault.All(missing)[0].Field != "registry" {
			t.Errorf("an unknown registry: %v, want not found at registry", missing)
		}
		if err := db.DeleteRegistry(t.Context(), "ACMEREG", 99); !fault.Is(err, fault.Conflict) {
			t.Errorf("a deletion made from another version: %v, want a conflict", err)
		}
		if err := db.DeleteRegistry(t.Context(), "ACMEREG", 0); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateRegistry(t.Context(), r); !fault.Is(err, fault.NotFound) {
			t.Errorf("an update of a deleted registry: %v, want not found and no new row", err)
		}
		if all, err := db.Registries(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%d registries are left (%v), want none", len(all), err)
		}
	})
}

func TestResourceGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := acme("acmereg", registry.Basic)
		r.Group = "rg-Build"
		addRegistry(t, db, r)
		second := acme("acmereg2", registry.Basic)
		second.Group = "RG-BUILD"
		addRegistry(t, db, second)
		if got, err := db.Registry(ctx, "acmereg2"); err != nil || got.Group != "rg-Build" {
			t.Errorf("the second registry of a group is in %q (%v), want the spelling of the first", got.Group, err)
		}
		if err := db.PutResourceGroup(ctx, registry.Group{Name: "RG-build", Location: "mars", Tags: map[string]string{"a": "b"}}); err != nil {
			t.Fatal(err)
		}
		want := []registry.Group{{Name: "dockbell"}, {Name: "rg-Build", Location: "eastus", Tags: map[string]string{"a": "b"}, Created: noon}}
		if all, err := db.ResourceGroups(ctx); err != nil || !cmp.Equal(all, want, cmpopts.EquateEmpty()) {
			t.Errorf("the groups are %+v (%v), want %+v", all, err, want)
		}
		if err := db.DeleteResourceGroup(ctx, "rg-build"); !fault.Is(err, fault.Conflict) {
			t.Errorf("deleting a group with registries in it: %v, want a conflict", err)
		}
		for _, name := range []registry.Name{"acmereg", "acmereg2"} {
			if err := db.DeleteRegistry(ctx, name, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.DeleteResourceGroup(ctx, "rg-build"); err != nil {
			t.Error(err)
		}
		if err := db.DeleteResourceGroup(ctx, "rg-build"); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleting it twice: %v, want not found", err)
		}
	})
}

// TestAccessKeysAreSealedAndKept: the first ones win, each is renewed alone, and none opens in another row.
func TestAccessKeysAreSealedAndKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := acme("acmereg", registry.Basic)
		r.AdminUser = true
		addRegistry(t, db, r)
		if _, k, err := db.AdminUser(ctx, "ACMEREG"); err != nil || k != (registry.AccessKeys{}) {
			t.Errorf("before anybody asked: %v, %v", k, err)
		}
		for _, k := range []registry.AccessKeys{{"one", "two"}, {"three", "four"}} {
			if kept, err := db.KeepAccessKeys(ctx, r.ID, k); err != nil || kept != (registry.AccessKeys{"one", "two"}) {
				t.Errorf("kept %v, %v", kept, err)
			}
		}
		if err := db.RenewAccessKey(ctx, r.ID, 1, "new"); err != nil {
			t.Fatal(err)
		}
		if _, k, err := db.AdminUser(ctx, "acmereg"); err != nil || k != (registry.AccessKeys{"one", "new"}) {
			t.Errorf("after one was renewed: %v, %v", k, err)
		}
		if err := db.RenewAccessKey(ctx, uuid.NewString(), 0, "new"); !fault.Is(err, fault.NotFound) {
			t.Errorf("renewing what is not there: %v", err)
		}
		if err := db.DeleteRegistry(ctx, "acmereg", 0); err != nil {
			t.Fatal(err)
		}
		if k, err := db.AccessKeys(ctx, r.ID); err != nil || k != (registry.AccessKeys{}) {
			t.Errorf("after the registry is gone: %v, %v", k, err)
		}
	})
}

// TestRegistriesLeaveNoWebhookBehind: a location with webhooks stays, and a tier too small for them is refused.
func TestRegistriesLeaveNoWebhookBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := acme("acmereg", registry.Premium)
		r.Replicas = []registry.Replica{{Name: "westus", Location: "westus", Created: noon}}
		addRegistry(t, db, r)
		for _, name := range []webhook.Name{"hook1", "hook2", "hook3"} {
			w := hookOf("acmereg", name)
			w.Location = "westus"
			if err := db.AddWebhook(t.Context(), w, 10); err != nil {
				t.Fatal(err)
			}
		}
		alone := r
		alone.Replicas = nil
		if err := db.UpdateRegistry(t.Context(), alone); !fault.Is(err, fault.Conflict) || fault.All(err)[0].Field != "location" {
			t.Errorf("a replica with webhooks goes: %v, want a conflict at location", err)
		}
		small := r
		small.Tier = registry.Basic
		if err := db.UpdateRegistry(t.Context(), small); !fault.Is(err, fault.Invalid) || fault.All(err)[0].Field != "sku" {
			t.Errorf("three webhooks in a Basic registry: %v, want invalid at sku", err)
		}
		if err := db.DeleteWebhook(t.Context(), "acmereg", "hook3", 0); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateRegistry(t.Context(), small); err != nil {
			t.Errorf("two webhooks in a Basic registry: %v", err)
		}
	})
}
