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

// history is a SQLite file with three deliveries for each of so many events, of which some were sent.
func history(t *testing.T, events int) (file string) {
	t.Helper()
	file = storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: file, Key: storetest.Key})
	if err != nil {
		t.Fatal(err)
	}
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 3)
	q.record(q.entries(events)...)
	q.claim(5, 5)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAMoveThatIsBrokenOffGoesOn: until it is whole nobody opens the target.
func TestAMoveThatIsBrokenOffGoesOn(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		ctx, breakOff := context.WithCancel(t.Context())
		m := store.Move{From: history(t, 1500), To: dsn, Key: storetest.Key, Progress: func(table string, _, _ int64) {
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

// TestAMoveFindsWhatDiffers: one byte of one row, or a row that is missing; and nothing differs when it is mended.
func TestAMoveFindsWhatDiffers(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		m := store.Move{From: history(t, 800), To: dsn, Key: storetest.Key}
		if _, err := m.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		do := func(statements ...string) {
			t.Helper()
			for _, statement := range statements {
				if err := db.Read(t.Context()).Exec(statement).Error; err != nil {
					t.Fatal(err)
				}
			}
		}
		const first, last = " where id = (select min(id) from bodies)", " where id = (select max(id) from deliveries)"
		for name, damage := range map[string]struct{ does, mends []string }{
			"a byte": {[]string{"update bodies set body = body || cast('x' as bytea)" + first},
				[]string{"update bodies set body = substring(body from 1 for length(body) - 1)" + first}},
			"a number": {[]string{"update deliveries set created = created + 1" + last}, []string{"update deliveries set created = created - 1" + last}},
			"a row is gone": {[]string{"create table gone as select * from deliveries" + last, "delete from deliveries" + last},
				[]string{"insert into deliveries select * from gone", "drop table gone"}},
			"a row too many": {[]string{"insert into settings (key, value) values ('x', '')"}, []string{"delete from settings where key = 'x'"}},
			"texts exchanged": {[]string{"update webhooks set name_key = name, name = name_key || '1'"},
				[]string{"update webhooks set name = name_key, name_key = left(name, -1)"}},
		} {
			do(damage.does...)
			if _, err := m.Run(t.Context()); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "differs") {
				t.Errorf("%s is not found: %v", name, err)
			}
			do(damage.mends...)
			if moved, err := m.Run(t.Context()); err != nil || !moved.Before {
				t.Errorf("%s is mended, and still something differs: %v", name, err)
			}
		}
	})
}
