package store_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

var _ webhook.Store = (*store.DB)(nil)

// exact compares webhooks with their unexported parts.
var exact = cmp.AllowUnexported(webhook.URI{}, netip.Prefix{})

// sameScope compares scopes by their text, from which they are parsed.
var sameScope = cmp.Comparer(func(a, b webhook.Scope) bool { return a.String() == b.String() })

// hookOf is a webhook with every field set.
func hookOf(reg registry.Name, name webhook.Name) webhook.Webhook {
	return webhook.Webhook{
		ID: uuid.NewString(), Registry: reg, Name: name, Location: "eastus",
		ServiceURI: webhook.StoredURI("https://canary-user:canary-password@hooks.example.com:8443/acr?x=%20y"),
		Headers:    webhook.Headers{{Name: "Authorization", Value: "Bearer canary-header"}, {Name: "X-Empty", Value: ""}},
		Actions:    []event.Action{event.Push, event.ChartDelete}, Status: webhook.Enabled,
		Scope: webhook.StoredScope("team/*:v*,!team/old"), Tags: map[string]string{"env": "prod"}, Format: "cloudevents",
		Retry:   webhook.RetryPolicy{Kind: webhook.RetryOwn, Steps: []time.Duration{5 * time.Second, time.Hour}},
		Timeout: 12 * time.Second,
		SigningSecrets: []webhook.Secret{
			{Value: "whsec_canary-new"}, {Value: "whsec_canary-old", Expires: noon.Add(24 * time.Hour)},
		},
		Version: 1, DisabledReason: "410 Gone", CreatedBy: "mei", Created: noon, UpdatedBy: "ann", Updated: noon.Add(time.Second),
	}
}

// addWebhook stores a webhook that the test needs to be there.
func addWebhook(t *testing.T, db *store.DB, w webhook.Webhook) webhook.Webhook {
	t.Helper()
	if err := db.AddWebhook(t.Context(), w, 500); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWebhookRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		full := addWebhook(t, db, hookOf("acmereg", "MyHook1"))
		got, err := db.Webhook(t.Context(), "ACMEREG", "MYHOOK1")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(full, got, exact, sameScope); d != "" {
			t.Errorf("stored and read back (-want +got):\n%s", d)
		}

		cleared := webhook.Webhook{
			ID: full.ID, Registry: full.Registry, Name: full.Name, Location: full.Location,
			ServiceURI: webhook.StoredURI("http://10.0.0.1/"), Status: webhook.Disabled, Format: "azure",
			Retry: webhook.RetryPolicy{Kind: webhook.RetryNone}, Timeout: time.Second,
			CreatedBy: full.CreatedBy, Created: full.Created, UpdatedBy: "bob", Updated: noon.Add(time.Hour),
		}
		if err := db.UpdateWebhook(t.Context(), cleared, 1); err != nil {
			t.Fatal(err)
		}
		cleared.Version = 2
		if got, err = db.Webhook(t.Context(), full.Registry, full.Name); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(cleared, got, exact, sameScope); d != "" {
			t.Errorf("after everything was cleared (-want +got):\n%s", d)
		}
	})
}

func TestWebhookUpdateFromAnOldVersionIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		w := addWebhook(t, db, hookOf("acmereg", "myhook1"))
		w.Format, w.UpdatedBy = "azure", "first"
		if err := db.UpdateWebhook(t.Context(), w, 1); err != nil {
			t.Fatal(err)
		}
		w.Format, w.UpdatedBy = "slack", "second"
		if err := db.UpdateWebhook(t.Context(), w, 1); !fault.Is(err, fault.Conflict) {
			t.Errorf("an update made from version 1 of version 2: %v, want a conflict", err)
		}
		got, err := db.Webhook(t.Context(), w.Registry, w.Name)
		if err != nil || got.Format != "azure" || got.UpdatedBy != "first" || got.Version != 2 {
			t.Errorf("stored is %q by %s, version %d (%v), want the first update", got.Format, got.UpdatedBy, got.Version, err)
		}
		if err := db.DeleteWebhook(t.Context(), w.Registry, w.Name, 1); !fault.Is(err, fault.Conflict) {
			t.Errorf("a deletion made from version 1 of version 2: %v, want a conflict", err)
		}
		if err := db.DeleteWebhook(t.Context(), w.Registry, "MYHOOK1", 2); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateWebhook(t.Context(), w, 2); !fault.Is(err, fault.NotFound) {
			t.Errorf("an update of a deleted webhook: %v, want not found and no new row", err)
		}
		if err := db.DeleteWebhook(t.Context(), w.Registry, w.Name, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v, want not found", err)
		}
	})
}

func TestWebhookNamesAreUniqueInTheirRegistry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		addRegistry(t, db, acme("other1", registry.Premium))
		addWebhook(t, db, hookOf("acmereg", "myhook1"))
		addWebhook(t, db, hookOf("other1", "myhook1"))
		err := db.AddWebhook(t.Context(), hookOf("acmereg", "MyHook1"), 500)
		if !fault.Is(err, fault.Conflict) || fault.All(err)[0].Message != fault.All(webhook.NameTaken("MyHook1"))[0].Message {
			t.Errorf("the same name in another case: %v, want webhook.NameTaken", err)
		}
		if err := db.AddWebhook(t.Context(), hookOf("nosuch1", "myhook1"), 500); !fault.Is(err, fault.NotFound) {
			t.Errorf("a webhook of an unknown registry: %v, want not found", err)
		}
	})
}

func TestQuotaHoldsWhenManyAddAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Basic))
		const tries = 20
		errs := make([]error, tries)
		var all sync.WaitGroup
		for i := range tries {
			all.Go(func() {
				w := hookOf("acmereg", webhook.Name(fmt.Sprintf("hook%03d", i)))
				errs[i] = db.AddWebhook(t.Context(), w, registry.Basic.WebhookQuota())
			})
		}
		all.Wait()
		added := 0
		for _, err := range errs {
			switch {
			case err == nil:
				added++
			case !fault.Is(err, fault.LimitReached):
				t.Errorf("refused with %v, want the limit", err)
			}
		}
		hooks, err := db.Webhooks(t.Context(), "acmereg")
		if err != nil || added != 2 || len(hooks) != 2 {
			t.Errorf("%d said to be added, %d stored (%v), want 2", added, len(hooks), err)
		}
	})
}

func TestSubscribersFollowEveryChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		want := func(step string, names ...webhook.Name) []webhook.Webhook {
			t.Helper()
			hooks, err := db.Subscribers(t.Context(), "AcmeReg")
			var got []webhook.Name
			for _, w := range hooks {
				got = append(got, w.Name)
			}
			if d := cmp.Diff(names, got); err != nil || d != "" {
				t.Fatalf("%s (%v):\n%s", step, err, d)
			}
			return hooks
		}
		want("at first")
		b := addWebhook(t, db, hookOf("acmereg", "bHook1"))
		want("one added", "bHook1")
		addWebhook(t, db, hookOf("acmereg", "ahook1"))
		want("another added", "ahook1", "bHook1")

		hooks, err := db.Webhooks(t.Context(), "AcmeReg") // who only reads them shares them; everybody else has their own
		if err != nil {
			t.Fatal(err)
		}
		hooks[0].Headers[0].Value, hooks[0].Actions[0], hooks[0].Tags["env"] = "damaged", event.Quarantine, "damaged"
		hooks[0].SigningSecrets[0].Value, hooks[0].Retry.Steps[0] = "damaged", 0
		again := want("read again", "ahook1", "bHook1")[0]
		whole := hookOf("acmereg", "ahook1")
		whole.ID = again.ID
		if d := cmp.Diff(whole, again, exact, sameScope); d != "" {
			t.Errorf("a caller could damage what is remembered:\n%s", d)
		}

		b.Status = webhook.Disabled
		if err := db.UpdateWebhook(t.Context(), b, 1); err != nil {
			t.Fatal(err)
		}
		if got := want("updated", "ahook1", "bHook1")[1]; got.Status != webhook.Disabled {
			t.Errorf("after the update the status is %s", got.Status)
		}
		if err := db.DeleteWebhook(t.Context(), "acmereg", "ahook1", 0); err != nil {
			t.Fatal(err)
		}
		want("one deleted", "bHook1")
		if err := db.DeleteRegistry(t.Context(), "acmereg", 0); err != nil {
			t.Fatal(err)
		}
		want("its registry deleted")
	})
}
