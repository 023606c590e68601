package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// sqlTx runs SQL as it is written, for what happens with every delivery: there GORM costs more than the database does.
type sqlTx struct {
	tx       *gorm.DB
	pool     gorm.ConnPool
	ctx      context.Context //nolint:containedctx // of the transaction that it stands for
	postgres bool
	first    int64   // shard of the process
	direct   *direct // nil but in a transaction of SQLite's writer
}

// sql gives the connection of a transaction, or of the readers.
func (db *DB) sql(tx *gorm.DB) sqlTx {
	s := sqlTx{tx: tx, pool: tx.Statement.ConnPool, ctx: tx.Statement.Context, postgres: db.postgres, first: db.shard.Load()}
	s.direct, _ = s.ctx.Value(directKey{}).(*direct)
	return s
}

// quick is sql for readings of one row by its key, of which a client waits with every request. With SQLite they take less time
// than what database/sql and the driver set up for the case that somebody cancels them.
func (db *DB) quick(ctx context.Context) sqlTx {
	if db.postgres {
		return db.sql(db.read(ctx))
	}
	return sqlTx{tx: db.reader, pool: db.reader.ConnPool, ctx: context.WithoutCancel(ctx), first: db.shard.Load()}
}

// shard is that of the counters to which this transaction adds.
func (s sqlTx) shard() int64 {
	n, _ := s.ctx.Value(committer{}).(int64)
	return s.first + n
}

// exec runs a statement. In a transaction of PostgreSQL's writer its error may be that of a later one.
func (s sqlTx) exec(statement string, args ...any) error {
	if p, ok := s.pool.(*pipe); ok {
		p.later(s.numbered(statement), args)
		return nil
	}
	_, err := s.run(statement, args...)
	return err
}

// run runs a statement and says how many rows it changed.
func (s sqlTx) run(statement string, args ...any) (rows int64, err error) {
	if s.direct != nil {
		rows, err = s.direct.exec(s.ctx, statement, args)
		return rows, s.known(err)
	}
	done, err := s.pool.ExecContext(s.ctx, s.numbered(statement), args...)
	if err != nil {
		return 0, s.known(err)
	}
	return done.RowsAffected()
}

// gives reports whether a query for numbers gives any.
func (s sqlTx) gives(query string, args ...any) (bool, error) {
	if s.postgres { // it counts the rows, and what waits goes along
		n, err := s.run(query, args...)
		return n > 0, err
	}
	found, err := s.numbers(query, args...)
	return len(found) > 0, err
}

// query runs a query and hands each row to scan.
func (s sqlTx) query(scan func(row *sql.Rows) error, statement string, args ...any) error {
	rows, err := s.pool.QueryContext(s.ctx, s.numbered(statement), args...)
	if err != nil {
		return s.known(err)
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.known(rows.Err())
}

// known turns both databases' errors into GORM's, as GORM does it.
func (s sqlTx) known(err error) error {
	if t, ok := s.tx.Dialector.(gorm.ErrorTranslator); ok && err != nil {
		return t.Translate(err)
	}
	return err
}

// numbered writes ? as PostgreSQL wants it: $1, $2, ...
func (s sqlTx) numbered(statement string) string {
	if !s.postgres || !strings.Contains(statement, "?") {
		return statement
	}
	var out strings.Builder
	n := 0
	for part := range strings.SplitSeq(statement, "?") {
		if n > 0 {
			out.WriteString("$" + strconv.Itoa(n))
		}
		out.WriteString(part)
		n++
	}
	return out.String()
}

// among compares a column with a list, which is one argument however long it is.
func (s sqlTx) among() string {
	if s.postgres {
		return " = any (?)"
	}
	return " in (select value from json_each(?))"
}

// list is the argument of among.
func (s sqlTx) list(values any) any {
	if s.postgres {
		return values
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic("store: " + err.Error()) // a type of this package, not a value, is wrong
	}
	return string(text)
}

// skipLocked lets several processes take different rows; SQLite has one writer.
func (s sqlTx) skipLocked() string {
	if s.postgres {
		return " for update skip locked"
	}
	return ""
}

// insert stores rows, all of them in one statement.
func insert[T any](s sqlTx, rows []T, conflict string) error {
	if s.postgres && len(rows) > 0 {
		t := tableOf[T]()
		return s.exec(t.insertAll+conflict, t.lists(reflect.ValueOf(rows))...)
	}
	_, err := insertSome(s, rows, conflict)
	return err
}

// insertSome is insert, and says how many rows that stored or changed.
func insertSome[T any](s sqlTx, rows []T, conflict string) (n int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	t := tableOf[T]()
	if s.postgres {
		return s.run(t.insertAll+conflict, t.lists(reflect.ValueOf(rows))...)
	}
	return s.runPacked(t, t.insertPacked+conflict, reflect.ValueOf(rows))
}

// update changes what the rows say, all of them in one statement. In changes and where, @ before a column of the row type stands
// for its value.
func update[T any](s sqlTx, rows []T, changes, where string) error {
	if len(rows) == 0 {
		return nil
	}
	t := tableOf[T]()
	if s.postgres {
		return s.exec(t.updateOf(true, changes, where), t.lists(reflect.ValueOf(rows))...)
	}
	_, err := s.runPacked(t, t.updateOf(false, changes, where), reflect.ValueOf(rows))
	return err
}

// updateOf is the statement of update; each is written once.
func (t *table) updateOf(postgres bool, changes, where string) string {
	key := updateKey{postgres, changes, where}
	if known, ok := t.updates.Load(key); ok {
		return known.(string) //nolint:forcetypeassert // nothing else is stored
	}
	rows, names := "packed(?) as v", t.packed
	if postgres {
		rows, names = "unnest("+t.casts+") as v ("+strings.Join(t.columns, ", ")+")", t.columns
	}
	var pairs []string
	for i, column := range t.columns {
		pairs = append(pairs, "@"+column, "v."+names[i])
	}
	statement := strings.NewReplacer(pairs...).Replace(changes + " from " + rows + " " + where)
	t.updates.Store(key, statement)
	return statement
}

// table is what insert knows of a row type.
type table struct {
	columns      []string
	fields       [][]int  // where each column stands in the struct
	packed       []string // what packed calls each column
	casts        string
	insertAll    string
	insertPacked string
	updates      sync.Map // statements of update, by updateKey
}

type updateKey struct {
	postgres       bool
	changes, where string
}

// tables are found once per type.
var tables sync.Map

func tableOf[T any]() *table {
	kind := reflect.TypeFor[T]()
	if known, ok := tables.Load(kind); ok {
		return known.(*table) //nolint:forcetypeassert // nothing else is stored
	}
	parsed, err := schema.Parse(new(T), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic("store: " + err.Error()) // a row type of this package is wrong
	}
	t := &table{}
	var casts []string
	for _, f := range parsed.Fields {
		t.columns, t.fields = append(t.columns, f.DBName), append(t.fields, f.StructField.Index)
		casts = append(casts, "cast(? as "+columnType(f.FieldType)+"[])")
	}
	t.casts = strings.Join(casts, ", ")
	into := "insert into " + parsed.Table + " (" + strings.Join(t.columns, ", ") + ") "
	t.packed = packedColumns(len(t.columns))
	t.insertPacked = into + "select " + strings.Join(t.packed, ", ") + " from packed(?) where true " // without "where" it could not go on
	t.insertAll = into + "select * from unnest(" + t.casts + ") "
	tables.Store(kind, t)
	return t
}

// columnType is the type of the column that holds a field.
func columnType(field reflect.Type) string {
	switch field.Kind() { //nolint:exhaustive // the three that rows are made of
	case reflect.Int64:
		return "bigint"
	case reflect.String:
		return "text"
	default:
		return "bytea"
	}
}

// lists gives a list per column.
func (t *table) lists(rows reflect.Value) []any {
	args := make([]any, 0, len(t.fields))
	for _, index := range t.fields {
		field := rows.Type().Elem().FieldByIndex(index)
		list := reflect.MakeSlice(reflect.SliceOf(field.Type), rows.Len(), rows.Len())
		for i := range rows.Len() {
			list.Index(i).Set(rows.Index(i).FieldByIndex(index))
		}
		args = append(args, list.Interface())
	}
	return args
}
