package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

var _ registry.Store = (*store.DB)(nil)

// noon is a time that both databases keep to the microsecond.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)

func acme(name registry.Name, tier registry.Tier) registry.Registry {
	return registry.Registry{
		ID: uuid.NewString(), Name: name, LoginServer: name.Key() + ".localhost:8080", Home: "eastus", Tier: tier,
		Kind: registry.BuiltIn, CreatedBy: "mei", Created: noon, Updated: noon,
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
		full.Replicas = []registry.Replica{{Location: "westus", Created: noon}, {Location: "asia", Created: noon.Add(time.Hour)}}
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
		cleared.Updated = noon.Add(time.Minute)
		if err := db.UpdateRegistry(t.Context(), cleared); err != nil {
			t.Fatal(err)
		}
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
		if err := db.DeleteRegistry(t.Context(), "ACMEREG"); err != nil {
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
