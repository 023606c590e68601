package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// byMei is a context in which mei changes something that is recorded as action.
func byMei(ctx context.Context, action string) context.Context {
	mei := audit.Actor{Kind: "User", ID: "u1", Name: "mei", Client: "az acr create", Addr: "192.0.2.1"}
	return audit.Note(audit.By(ctx, mei), audit.Entry{
		Action: action, Registry: "acmereg", Object: "acmereg", Changes: []audit.Change{{Field: "sku", From: "", To: "Basic"}},
	})
}

// TestChangesAreRecordedWithThem: what was changed is on record, what was refused is not, and what nobody noted is not either.
func TestChangesAreRecordedWithThem(t *testing.T) {
	storetest.EachWith(t, store.Options{Now: func() time.Time { return noon }}, func(t *testing.T, db *store.DB) {
		r := acme("acmereg", registry.Basic)
		if err := db.AddRegistry(byMei(t.Context(), "registry.create"), r); err != nil {
			t.Fatal(err)
		}
		if err := db.AddRegistry(byMei(t.Context(), "registry.create"), acme("AcmeReg", registry.Basic)); !fault.Is(err, fault.Conflict) {
			t.Fatalf("the same name: %v", err)
		}
		if err := db.UpdateRegistry(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := db.AddAudit(byMei(t.Context(), "registry.listCredentials")); err != nil {
			t.Fatal(err)
		}
		page, err := db.Audit(t.Context(), audit.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		want := []audit.Entry{
			{At: noon, Actor: audit.ActorOf(byMei(t.Context(), "")), Action: "registry.listCredentials", Registry: "acmereg", Object: "acmereg", Changes: []audit.Change{{Field: "sku", To: "Basic"}}},
			{At: noon, Actor: audit.ActorOf(byMei(t.Context(), "")), Action: "registry.create", Registry: "acmereg", Object: "acmereg", Changes: []audit.Change{{Field: "sku", To: "Basic"}}},
		}
		if d := cmp.Diff(want, page.Entries, cmpopts.IgnoreFields(audit.Entry{}, "ID")); d != "" || page.Older || page.Newer {
			t.Errorf("the record (-want +got):\n%s", d)
		}
	})
}

func TestTheRecordInPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 5 {
			if err := db.AddAudit(byMei(t.Context(), fmt.Sprint("step.", i))); err != nil {
				t.Fatal(err)
			}
		}
		actions := func(f audit.Filter) (all []string, p audit.Page) {
			t.Helper()
			p, err := db.Audit(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Entries {
				all = append(all, e.Action)
			}
			return all, p
		}
		first, p := actions(audit.Filter{Limit: 2})
		if !cmp.Equal(first, []string{"step.4", "step.3"}) || !p.Older || p.Newer {
			t.Errorf("the first page is %v, %v, %v", first, p.Older, p.Newer)
		}
		second, p := actions(audit.Filter{Limit: 2, Before: p.Entries[1].ID})
		if !cmp.Equal(second, []string{"step.2", "step.1"}) || !p.Older || !p.Newer {
			t.Errorf("the second page is %v, %v, %v", second, p.Older, p.Newer)
		}
		if back, p := actions(audit.Filter{Limit: 2, After: p.Entries[0].ID}); !cmp.Equal(back, first) || p.Newer {
			t.Errorf("back from there is %v", back)
		}
		for text, want := range map[string]int{"MEI": 5, "az acr": 5, "step.3": 1, "acmereg": 5, "100%": 0, "step_3": 0, "\x00": 0} {
			if got, _ := actions(audit.Filter{Text: text}); len(got) != want {
				t.Errorf("%q finds %v, want %d", text, got, want)
			}
		}
	})
}
