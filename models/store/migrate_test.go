package store_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// column is one column of the database as it describes itself.
type column struct{ TableName, Name, Type string }

// tables gives the description of every table and index, in order.
func tables(t *testing.T, db *store.DB) (columns []column, indexes []string) {
	t.Helper()
	ofColumns := `select m.name as table_name, c.name as name, lower(c.type) as type from sqlite_master m join pragma_table_info(m.name) c
		where m.type = 'table' and m.name not like 'goose%' and m.name not like 'sqlite%' order by m.name, c.cid`
	ofIndexes := "select sql from sqlite_master where sql is not null and tbl_name not like 'goose%' and tbl_name not like 'sqlite%' order by sql"
	if db.Postgres() {
		ofColumns = `select table_name, column_name as name, data_type as type from information_schema.columns
			where table_schema = current_schema() and table_name not like 'goose%' order by table_name, ordinal_position`
		ofIndexes = `select replace(indexdef, current_schema(), '') from pg_indexes
			where schemaname = current_schema() and tablename not like 'goose%' order by 1`
	}
	if err := db.Read(t.Context()).Raw(ofColumns).Scan(&columns).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Read(t.Context()).Raw(ofIndexes).Scan(&indexes).Error; err != nil {
		t.Fatal(err)
	}
	return columns, indexes
}

func TestStepByStepGivesWhatAFreshDatabaseHas(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations (%v)", len(files), err)
	}
	type schema struct {
		Columns []column
		Indexes []string
	}
	fresh := map[bool]schema{}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		columns, indexes := tables(t, db)
		fresh[db.Postgres()] = schema{columns, indexes}
		if len(columns) < 50 || len(indexes) < 10 {
			t.Fatalf("%d columns and %d indexes: the database is not described well", len(columns), len(indexes))
		}
		for _, c := range columns {
			if c.Type == "integer" && !db.Postgres() {
				continue // SQLite's name of a bigint that is the row's own number
			}
			if c.Type != "text" && c.Type != "bigint" && c.Type != "bytea" {
				t.Errorf("%s.%s is %s: both databases know text, bigint and bytea alike", c.TableName, c.Name, c.Type)
			}
		}
	})
	storetest.EachEmpty(t, func(t *testing.T, dsn string) {
		steps, err := store.StepByStep(store.Options{DSN: dsn, Key: storetest.Key})
		if err != nil || steps != len(files) {
			t.Fatalf("%d steps for %d files (%v)", steps, len(files), err)
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		columns, indexes := tables(t, db)
		if d := cmp.Diff(fresh[db.Postgres()], schema{columns, indexes}); d != "" {
			t.Errorf("fresh and step by step differ:\n%s", d)
		}
	})
}

// TestSQLiteNumbersItsRowsByTheirKeys: what is written with every delivery lies in the order of its key and has no index for it.
func TestSQLiteNumbersItsRowsByTheirKeys(t *testing.T) {
	db := storetest.Open(t)
	var indexes []string
	err := db.Read(t.Context()).Raw(`select name from sqlite_master where name like 'sqlite_autoindex%'
		and tbl_name in ('deliveries', 'bodies', 'images', 'arrivals', 'events', 'attempts') order by name`).Scan(&indexes).Error
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"sqlite_autoindex_events_1"}, indexes); d != "" {
		t.Errorf("indexes of keys, want that of the events' IDs alone:\n%s", d)
	}
	var attempts string
	if err := db.Read(t.Context()).Raw("select sql from sqlite_master where name = 'attempts'").Scan(&attempts).Error; err != nil || !strings.Contains(attempts, "without rowid") {
		t.Errorf("attempts do not lie in the order of their key: %s (%v)", attempts, err)
	}
}

func TestADatabaseOfANewerProgramIsLeftAlone(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		o := store.Options{DSN: dsn, Key: storetest.Key}
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("insert into goose_db_version (version_id, is_applied) values (9999, ?)", true).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if again, err := store.Open(t.Context(), o); err == nil {
			again.Close()
			t.Error("a database of a newer program was opened")
		}
	})
}

func TestSeveralProcessesMayStartAtOnce(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				db, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: storetest.Key})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}
