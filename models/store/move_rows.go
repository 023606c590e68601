package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// Bounds of one step of a Move.
const (
	moveRows  = 2000
	moveBytes = 8 << 20
)

// copy copies a table in steps, in the order of its key.
func (m move) copy(ctx context.Context, t moving) error {
	all, err := m.from.rows(ctx, t.name)
	if err != nil {
		return err
	}
	var last []any
	var done int64
	for {
		step, end, err := m.from.step(ctx, t, last)
		if err != nil {
			return err
		}
		if step.n == 0 {
			return nil
		}
		if err := m.to.take(ctx, t, step); err != nil {
			return err
		}
		last, done = end, done+int64(step.n)
		if m.Progress != nil {
			m.Progress(t.name, done, all)
		}
	}
}

// batch is some rows, a list per column.
type batch struct {
	n     int
	lists []any
}

// step reads the rows of a table behind a key, until they are many or large.
func (db *DB) step(ctx context.Context, t moving, after []any) (b batch, last []any, err error) {
	size := 0
	b.lists = make([]any, len(t.columns))
	statement, key := "select "+strings.Join(t.columns, ", ")+" from "+t.name, strings.Join(t.key, ", ")
	if after != nil {
		statement += " where (" + key + ") > (?" + strings.Repeat(", ?", len(t.key)-1) + ")"
	}
	rows, err := db.sql(db.read(ctx)).pool.QueryContext(ctx, statement+" order by "+key+" limit ?", append(after, moveRows)...)
	if err != nil {
		return b, nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is that of rows.Err
	for size < moveBytes && rows.Next() {
		values, err := t.scan(rows)
		if err != nil {
			return b, nil, err
		}
		last = t.keyOf(values)
		for i, v := range values {
			size += v.add(&b.lists[i])
		}
		b.n++
	}
	return b, last, rows.Err()
}

// take stores rows unless they are there.
func (db *DB) take(ctx context.Context, t moving, b batch) error {
	var casts []string
	for _, kind := range t.kinds {
		casts = append(casts, "cast(? as "+kind+"[])")
	}
	statement := "insert into " + t.name + " (" + strings.Join(t.columns, ", ") + ") select * from unnest(" + strings.Join(casts, ", ") + ") on conflict do nothing"
	return db.write(ctx, func(tx *gorm.DB) error { return db.sql(tx).exec(statement, b.lists...) })
}

// value is one value of a row, by the kind of its column.
type value struct {
	kind   string
	number *int64
	text   *string
	bytes  []byte
}

// keyOf gives the values of the key.
func (t moving) keyOf(values []value) []any {
	var key []any
	for _, name := range t.key {
		v := values[slices.Index(t.columns, name)]
		switch v.kind {
		case "bigint":
			key = append(key, v.number)
		case "text":
			key = append(key, v.text)
		default:
			key = append(key, v.bytes)
		}
	}
	return key
}

// scan reads a row.
func (t moving) scan(rows *sql.Rows) ([]value, error) {
	var into []any
	values := make([]value, len(t.columns))
	for i, kind := range t.kinds {
		values[i].kind = kind
		switch kind {
		case "bigint":
			into = append(into, &values[i].number)
		case "text":
			into = append(into, &values[i].text)
		case "bytea":
			into = append(into, &values[i].bytes)
		default:
			return nil, fmt.Errorf("the column %s of %s is of the type %s", t.columns[i], t.name, kind)
		}
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i := range values {
		if v := &values[i]; v.text != nil {
			plain := plainText(*v.text) // PostgreSQL takes no other
			v.text = &plain
		}
	}
	return values, nil
}

// add appends the value to the list of its column, and gives its size.
func (v value) add(list *any) int {
	switch v.kind {
	case "bigint":
		all, _ := (*list).([]*int64)
		all = append(all, v.number)
		*list = all
		return 8
	case "text":
		all, _ := (*list).([]*string)
		all = append(all, v.text)
		*list = all
		if v.text == nil {
			return 0
		}
		return len(*v.text)
	default:
		all, _ := (*list).([][]byte)
		all = append(all, v.bytes)
		*list = all
		return len(v.bytes)
	}
}

// append writes the value for a hash so that no two rows look alike.
func (v value) append(to []byte) []byte {
	switch {
	case v.number != nil:
		return binary.BigEndian.AppendUint64(append(to, 1), uint64(*v.number))
	case v.text != nil:
		to = binary.BigEndian.AppendUint64(append(to, 2), uint64(len(*v.text)))
		return append(to, *v.text...)
	case v.bytes != nil:
		to = binary.BigEndian.AppendUint64(append(to, 3), uint64(len(v.bytes)))
		return append(to, v.bytes...)
	default:
		return append(to, 0)
	}
}

// total is how many rows a table has, and a sum over all that they hold, whatever their order.
type total struct {
	rows int64
	sum  [2]uint64
}

// sumRows reads a whole table. What a Move notes of itself does not count.
func (db *DB) sumRows(ctx context.Context, t moving) (sum total, err error) {
	var text []byte
	statement := "select " + strings.Join(t.columns, ", ") + " from " + t.name
	if t.name == (settingRow{}).TableName() {
		statement += " where key not in ('" + movingKey + "', '" + movedKey + "', '" + pingKey + "')"
	}
	err = db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		values, err := t.scan(row)
		if err != nil {
			return err
		}
		text = text[:0]
		for _, v := range values {
			text = v.append(text)
		}
		hash := sha256.Sum256(text)
		sum.rows++
		sum.sum[0] += binary.BigEndian.Uint64(hash[:8])
		sum.sum[1] += binary.BigEndian.Uint64(hash[8:16])
		return nil
	}, statement)
	return sum, err
}

// redacted hides the password of an address.
func redacted(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	u.RawQuery = "" // it may hold one too
	return u.Redacted()
}
