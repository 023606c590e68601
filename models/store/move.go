package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/fault"
)

// Move copies a whole SQLite installation, which nobody serves, into an empty PostgreSQL. It may be repeated: what is there
// already stays, and a Move that was broken off goes on. Until it has compared both sides the target does not open.
type Move struct {
	From     string // the SQLite file
	To       string // postgres://...
	Key      []byte
	Progress func(table string, done, all int64) // may be nil
	Now      func() time.Time                    // nil: time.Now
}

// Moved is what a Move has compared: the same on both sides.
type Moved struct {
	Tables int
	Rows   int64
	Before bool // it had been moved before, and nothing was copied
}

// The settings of the target that say how far a Move has come; their value names the installation that is moved.
const (
	movingKey = "store.moving"
	movedKey  = "store.moved"
)

// notMoved are the tables that belong to a database and not to the installation in it.
var notMoved = []string{"goose_db_version", "members"}

// Run moves.
func (m Move) Run(ctx context.Context) (Moved, error) {
	if !isPostgres(m.To) || isPostgres(m.From) {
		return Moved{}, fault.New(fault.Invalid, "An installation is moved from a SQLite file to a postgres:// address.")
	}
	from, err := Open(ctx, Options{DSN: m.From, Key: m.Key, Now: m.Now})
	if err != nil {
		return Moved{}, err
	}
	defer from.Close() //nolint:errcheck // nothing is written to it
	to := &DB{dsn: m.To, postgres: true, sealer: from.sealer, log: from.log}
	to.wind(Options{Now: m.Now})
	if err := to.openPostgres(Options{DSN: m.To}); err != nil {
		return Moved{}, to.abandon(err)
	}
	defer to.Close() //nolint:errcheck // everything is committed, or an error was told
	moved, err := move{Move: m, from: from, to: to}.run(ctx)
	return moved, translate(err)
}

// move is a Move with both databases open.
type move struct {
	Move
	from, to *DB
	id       string // of the installation
}

func (m move) run(ctx context.Context) (Moved, error) {
	var err error
	if m.id, err = m.from.Setting(ctx, keyProof); err != nil {
		return Moved{}, err
	}
	tables, err := m.tables(ctx)
	if err != nil {
		return Moved{}, err
	}
	before, err := m.begin(ctx, tables)
	if err != nil {
		return Moved{}, err
	}
	if !before {
		for _, t := range tables {
			if err := m.copy(ctx, t); err != nil {
				return Moved{}, fmt.Errorf("the table %s: %w", t.name, err)
			}
		}
	}
	done, err := m.compare(ctx, tables, before)
	if err == nil && !before {
		err = m.end(ctx)
	}
	done.Before = before
	return done, err
}

// begin decides what the target is: empty, half moved, moved, or something else.
func (m move) begin(ctx context.Context, tables []moving) (before bool, err error) {
	if err := m.unserved(ctx); err != nil {
		return false, err
	}
	half, err := m.to.Setting(ctx, movingKey)
	if err != nil {
		return false, err
	}
	whole, err := m.to.Setting(ctx, movedKey)
	switch {
	case err != nil:
		return false, err
	case half == m.id:
		return false, nil
	case whole == m.id:
		return true, nil
	case half != "" || whole != "":
		return false, fault.New(fault.Conflict, "Another installation was moved into %s. Name an empty database.", shown(m.To))
	}
	return false, m.to.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("delete from resource_groups where created = 0").Error; err != nil { // the one that the migrations made
			return err
		}
		for _, t := range tables {
			var n int64
			if err := tx.Raw("select count(*) from " + t.name).Scan(&n).Error; err != nil {
				return err
			}
			if n > 0 {
				return fault.New(fault.Conflict, "%s holds an installation already (there is something in the table %s). Name an empty database.", shown(m.To), t.name)
			}
		}
		return tx.Create(&settingRow{Key: movingKey, Value: m.id}).Error
	})
}

// unserved refuses a target that a server uses.
func (m move) unserved(ctx context.Context) error {
	members, err := m.to.Members(ctx)
	if err != nil {
		return err
	}
	for _, member := range members {
		if member.Alive(m.to.now()) {
			return fault.New(fault.Conflict, "A server at %s uses %s. Stop it first.", member.Address, shown(m.To))
		}
	}
	return nil
}

// end opens the target.
func (m move) end(ctx context.Context) error {
	return m.to.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("key = ?", movingKey).Delete(&settingRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&settingRow{Key: movedKey, Value: m.id}).Error
	})
}

// compare reads every table on both sides, and counts and sums its rows.
func (m move) compare(ctx context.Context, tables []moving, before bool) (Moved, error) {
	done := Moved{Tables: len(tables)}
	for _, t := range tables {
		here, err := m.from.sumRows(ctx, t)
		if err != nil {
			return done, err
		}
		there, err := m.to.sumRows(ctx, t)
		if err != nil {
			return done, err
		}
		done.Rows += here.rows
		if here == there {
			continue
		}
		if before {
			return done, fault.New(fault.Conflict, "This installation was moved to %s before, and was used there since: the table %s differs (%d rows here, %d there). Nothing was changed.", shown(m.To), t.name, here.rows, there.rows)
		}
		return done, fault.New(fault.Internal, "The table %s differs after it was copied: %d rows here, %d there. Nobody may use the new database; the old one is as it was.", t.name, here.rows, there.rows)
	}
	return done, nil
}

// checkMoved refuses a database into which an installation is being moved.
func (db *DB) checkMoved(ctx context.Context) error {
	half, err := db.Setting(ctx, movingKey)
	if err == nil && half != "" {
		err = fault.New(fault.Conflict, "An installation is being moved into this database and not all of it is there. Run dockbell migrate again.")
	}
	return err
}

// moving is a table that is moved.
type moving struct {
	name    string
	columns []string
	kinds   []string // of the columns: text, bigint or bytea
	key     []string // the columns of the primary key
	parents []string // tables that must be there before
}

// tables gives what is moved, parents before children.
func (m move) tables(ctx context.Context) ([]moving, error) {
	var names []string
	if err := m.from.read(ctx).Raw("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name").Scan(&names).Error; err != nil {
		return nil, err
	}
	var all []moving
	for _, name := range names {
		if slices.Contains(notMoved, name) {
			continue
		}
		t, order := moving{name: name}, map[string]int{}
		err := m.from.sql(m.from.read(ctx)).query(func(row *sql.Rows) error {
			var column, kind string
			var key int
			err := row.Scan(&column, &kind, &key)
			if kind == "integer" { // what a key of SQLite's own is called
				kind = "bigint"
			}
			t.columns, t.kinds = append(t.columns, column), append(t.kinds, kind)
			if key > 0 {
				t.key, order[column] = append(t.key, column), key
			}
			return err
		}, "select name, lower(type), pk from pragma_table_info(?) order by cid", name)
		if err != nil {
			return nil, err
		}
		if len(t.key) == 0 {
			return nil, fmt.Errorf("the table %s has no primary key", name)
		}
		slices.SortFunc(t.key, func(a, b string) int { return cmp.Compare(order[a], order[b]) })
		if err := m.from.read(ctx).Raw(`select distinct "table" from pragma_foreign_key_list(?)`, name).Scan(&t.parents).Error; err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return inOrder(all)
}

// inOrder puts parents before their children.
func inOrder(tables []moving) ([]moving, error) {
	var sorted []moving
	placed := map[string]bool{}
	for len(sorted) < len(tables) {
		before := len(sorted)
		for _, t := range tables {
			ready := !slices.ContainsFunc(t.parents, func(p string) bool { return p != t.name && !placed[p] })
			if ready && !placed[t.name] {
				placed[t.name] = true
				sorted = append(sorted, t)
			}
		}
		if len(sorted) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return sorted, nil
}

func (db *DB) rows(ctx context.Context, table string) (n int64, err error) {
	err = db.read(ctx).Raw("select count(*) from " + table).Scan(&n).Error
	return n, err
}

// shown is an address without its password.
func shown(dsn string) string { return cmp.Or(redacted(dsn), "the database") }
