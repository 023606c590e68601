package store_test

import (
	"context"
	"strings"
	"testing"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// history is a SQLite file with deliveries of which some were sent.
func history(t *testing.T) (file string) {
	t.Helper()
	file = storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: file, Key: storetest.Key})
	if err != nil {
		t.Fatal(err)
	}
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 3)
	q.record(q.entries(1500)...)
	q.claim(5, 5)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAMoveThatIsBrokenOffGoesOn: until it is whole nobody opens the target.
func TestAMoveThatIsBrokenOffGoesOn(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		ctx, breakOff := context.WithCancel(t.Context())
		m := store.Move{From: history(t), To: dsn, Key: storetest.Key, Progress: func(table string, _, _ int64) {
			if table == "deliveries" {
				breakOff()
			}
		}}
		if _, err := m.Run(ctx); err == nil {
			t.Fatal("a move that was broken off says that it is done")
		}
		if _, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: storetest.Key}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "migrate again") {
			t.Errorf("half an installation opens: %v", err)
		}
		m.Progress = nil
		for _, before := range []bool{false, true} {
			moved, err := m.Run(t.Context())
			if err != nil || moved.Before != before || moved.Rows < 4500 || moved.Tables < 20 {
				t.Errorf("%+v, %v", moved, err)
			}
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		if q, err := db.Queue(t.Context(), 10); err != nil || q.Waiting != 4495 || q.Flying != 5 {
			t.Errorf("%d wait and %d are in flight, %v", q.Waiting, q.Flying, err)
		}
	})
}

// TestAMoveFindsWhatDiffers: one byte of one row, or a row that is missing.
func TestAMoveFindsWhatDiffers(t *testing.T) {
	for name, damage := range map[string]string{
		"a byte":          "update bodies set body = body || cast('x' as bytea) where id = (select min(id) from bodies)",
		"a number":        "update deliveries set created = created + 1 where id = (select max(id) from deliveries)",
		"a row is gone":   "delete from deliveries where id = (select max(id) from deliveries)",
		"a row too many":  "insert into settings (key, value) values ('x', '')",
		"texts exchanged": "update webhooks set name_key = name, name = name_key || '1'",
	} {
		t.Run(name, func(t *testing.T) {
			storetest.OnPostgres(t, func(t *testing.T, dsn string) {
				m := store.Move{From: history(t), To: dsn, Key: storetest.Key}
				if _, err := m.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := storetest.OpenWith(t, store.Options{DSN: dsn}).Read(t.Context()).Exec(damage).Error; err != nil {
					t.Fatal(err)
				}
				if _, err := m.Run(t.Context()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "differs") {
					t.Errorf("it is not found: %v", err)
				}
			})
		})
	}
}
