package store_test

import (
	"bytes"
	"testing"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

func TestASealedValueOpensInItsOwnPlaceAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		a, b := addWebhook(t, db, hookOf("acmereg", "ahook1")), addWebhook(t, db, hookOf("acmereg", "bhook1"))
		move := func(statement string, args ...any) {
			t.Helper()
			err := db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement, args...).Error })
			if err != nil {
				t.Fatal(err)
			}
		}
		opens := func() error {
			_, err := db.Webhook(t.Context(), "acmereg", b.Name)
			return err
		}
		for _, column := range []string{"uri_sealed", "headers_sealed", "secrets_sealed"} {
			var own []byte
			if err := db.Read(t.Context()).Raw("select "+column+" from webhooks where id = ?", b.ID).Row().Scan(&own); err != nil {
				t.Fatal(err)
			}
			move("update webhooks set "+column+" = (select "+column+" from webhooks where id = ?) where id = ?", a.ID, b.ID)
			if err := opens(); !fault.Is(err, fault.Internal) {
				t.Errorf("%s of another row: %v, want that it does not open", column, err)
			}
			move("update webhooks set "+column+" = ? where id = ?", own, b.ID)
			if err := opens(); err != nil { // the control: in its own place it does
				t.Errorf("%s back in its place: %v", column, err)
			}
		}
		move("update webhooks set uri_sealed = secrets_sealed where id = ?", b.ID)
		if err := opens(); !fault.Is(err, fault.Internal) {
			t.Errorf("a value of another column: %v, want that it does not open", err)
		}
	})
}

func TestAnotherKeyIsRefusedAtTheStart(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		first, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: storetest.Key})
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		other := bytes.Repeat([]byte{8}, 32)
		if _, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: other}); !fault.Is(err, fault.Internal) {
			t.Errorf("opened with another key: %v, want it refused", err)
		}
		storetest.OpenWith(t, store.Options{DSN: dsn}) // and with its own it opens again
	})
}
