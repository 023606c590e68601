package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

func addInbox(t *testing.T, db *store.DB, box delivery.Inbox) {
	t.Helper()
	if err := db.AddInbox(t.Context(), box, delivery.InboxesEach); err != nil {
		t.Fatal(err)
	}
}

func TestInboxRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		addRegistry(t, db, acme("AcmeReg", registry.Premium))
		box := delivery.Inbox{Token: "tok1", Registry: "AcmeReg", Created: noon, Answer: delivery.Answer{Status: 503, Delay: 1500 * time.Millisecond}}
		addInbox(t, db, box)
		addInbox(t, db, delivery.Inbox{Token: "tok2", Registry: "acmereg", Created: noon.Add(time.Second)})
		got, err := db.Inbox(ctx, "tok1")
		if d := cmp.Diff(box, got); err != nil || d != "" {
			t.Errorf("stored and read back (%v):\n%s", err, d)
		}
		if err := db.SetInboxAnswer(ctx, "tok1", delivery.Answer{}); err != nil {
			t.Fatal(err)
		}
		box.Answer = delivery.Answer{}
		if got, err = db.Inbox(ctx, "tok1"); err != nil || !cmp.Equal(box, got) {
			t.Errorf("after the answer was cleared (%v):\n%s", err, cmp.Diff(box, got))
		}
		all, err := db.Inboxes(ctx, "ACMEREG")
		if err != nil || len(all) != 2 || all[0].Token != "tok2" {
			t.Errorf("the list: %v (%v), want the newest first", all, err)
		}
		if err := db.DeleteInbox(ctx, "tok1"); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"found":    second(db.Inbox(ctx, "tok1")),
			"set":      db.SetInboxAnswer(ctx, "tok1", delivery.Answer{Status: 200}),
			"deleted":  db.DeleteInbox(ctx, "tok1"),
			"received": second(db.KeepReceived(ctx, "tok1", delivery.Received{At: noon}, 3)),
		} {
			if !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "inbox" {
				t.Errorf("%s after the delete: %v, want not found at inbox", what, err)
			}
		}
	})
}

func TestAnInboxKeepsTheNewest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		addRegistry(t, db, acme("acmereg", registry.Premium))
		addInbox(t, db, delivery.Inbox{Token: "tok1", Registry: "acmereg", Created: noon})
		addInbox(t, db, delivery.Inbox{Token: "tok2", Registry: "acmereg", Created: noon})
		const keeps = 3
		var sent []delivery.Received
		for i := range 5 {
			r := delivery.Received{
				At: noon.Add(time.Duration(i) * time.Second), Method: "POST", Query: fmt.Sprint("n=", i), Addr: "127.0.0.1",
				Headers: []delivery.Header{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}}, Body: []byte("\x00\xff{}"), Status: 200,
			}
			kept, err := db.KeepReceived(ctx, "tok1", r, keeps)
			if err != nil {
				t.Fatal(err)
			}
			if r.ID = kept.ID; len(sent) > 0 && kept.ID <= sent[0].ID {
				t.Errorf("ID %d came after %d", kept.ID, sent[0].ID)
			}
			sent = append([]delivery.Received{r}, sent...)
		}
		if _, err := db.KeepReceived(ctx, "tok2", delivery.Received{At: noon, Method: "G\x00T", Query: "\xff"}, keeps); err != nil {
			t.Fatal(err)
		}
		got, err := db.Received(ctx, "tok1", 0, 10)
		if d := cmp.Diff(sent[:keeps], got); err != nil || d != "" {
			t.Errorf("kept (%v):\n%s", err, d)
		}
		page, err := db.Received(ctx, "tok1", sent[0].ID, 1)
		if d := cmp.Diff(sent[1:2], page); err != nil || d != "" {
			t.Errorf("the next page (%v):\n%s", err, d)
		}
		if other, err := db.Received(ctx, "tok2", 0, 10); err != nil || len(other) != 1 {
			t.Errorf("the other inbox has %d requests (%v), want its one", len(other), err)
		}
	})
}

func TestInboxesOfARegistryAreLimited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		const most, tries = 3, 12
		errs := make([]error, tries)
		var all sync.WaitGroup
		for i := range tries {
			all.Go(func() {
				errs[i] = db.AddInbox(t.Context(), delivery.Inbox{Token: fmt.Sprint("tok", i), Registry: "acmereg", Created: noon}, most)
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
		if boxes, err := db.Inboxes(t.Context(), "acmereg"); err != nil || added != most || len(boxes) != most {
			t.Errorf("%d said to be added, %d stored (%v), want %d", added, len(boxes), err, most)
		}
	})
}

func TestADeletedRegistryTakesEverythingAlong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		addRegistry(t, db, acme("acmereg", registry.Premium))
		addRegistry(t, db, acme("other1", registry.Premium))
		for _, name := range []registry.Name{"acmereg", "other1"} {
			addWebhook(t, db, hookOf(name, "myhook1"))
			box := delivery.Inbox{Token: "of-" + string(name), Registry: name, Created: noon}
			addInbox(t, db, box)
			if _, err := db.KeepReceived(ctx, box.Token, delivery.Received{At: noon}, 3); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.DeleteRegistry(ctx, "AcmeReg", 0); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"registries", "webhooks", "webhook_states", "inboxes", "received"} {
			var n int64
			if err := db.Read(ctx).Table(table).Count(&n).Error; err != nil || n != 1 {
				t.Errorf("%s has %d rows (%v), want that of the other registry", table, n, err)
			}
		}
		if err := db.DeleteRegistry(ctx, "acmereg", 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted twice: %v, want not found", err)
		}
	})
}
