package store_test

import (
	"testing"
	"time"

	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestRegistriesFollowEveryChange: a change is seen at once by the process that made it, and within a second by another one.
func TestRegistriesFollowEveryChange(t *testing.T) {
	now := noon
	o := store.Options{DSN: storetest.File(t), Now: func() time.Time { return now }}
	db, beside := storetest.OpenWith(t, o), storetest.OpenWith(t, o)
	names := func(db *store.DB) (all []registry.Name) {
		t.Helper()
		found, err := db.Registries(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			all = append(all, r.Name)
		}
		return all
	}
	if got := names(db); len(got) != 0 {
		t.Fatalf("an empty database has %v", got)
	}
	first := acme("acmereg", registry.Premium)
	if err := db.AddRegistry(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if got := names(db); len(got) != 1 {
		t.Errorf("after the first was made there are %v", got)
	}
	stored, err := db.Registry(t.Context(), "acmereg")
	if err != nil {
		t.Fatal(err)
	}
	stored.Policies.AnonymousPull = true
	if err := db.UpdateRegistry(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	if all, err := db.Registries(t.Context()); err != nil || len(all) != 1 || !all[0].Policies.AnonymousPull {
		t.Errorf("after its policy was changed: %+v, %v", all, err)
	}
	if err := beside.AddRegistry(t.Context(), acme("secondreg", registry.Basic)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if got := names(db); len(got) != 2 {
		t.Errorf("a second after another process made the second there are %v", got)
	}
	if err := db.DeleteRegistry(t.Context(), "acmereg", 0); err != nil {
		t.Fatal(err)
	}
	if got := names(db); len(got) != 1 || got[0] != "secondreg" {
		t.Errorf("after the first was deleted there are %v", got)
	}
}
