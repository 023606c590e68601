package store

import (
	"bytes"
	"database/sql"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// packedSample has a column of each kind.
type packedSample struct {
	Number int64
	Text   string
	Blob   []byte
}

// unpack reads rows back as SQLite sees them.
func unpack(t *testing.T, argument []byte) (all []packedSample, err error) {
	t.Helper()
	db, _, _ := directly(t)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = db.sql(db.reader).query(func(row *sql.Rows) error {
		var s packedSample
		var kinds string
		err := row.Scan(&s.Number, &s.Text, &s.Blob, &kinds)
		if kinds != "integer text blob null" {
			t.Errorf("the columns are of the kinds %q", kinds)
		}
		all = append(all, s)
		return err
	}, "select c0, c1, c2, concat_ws(' ', typeof(c0), typeof(c1), typeof(c2), typeof(c3)) from packed(?)", argument)
	return all, err
}

func TestPackedRowsAreWhatTheyWere(t *testing.T) {
	rows := []packedSample{
		{0, "", []byte{}}, {-1, "one", []byte{0}}, {math.MaxInt64, "Größe ☂", []byte("\x00\xff")}, {math.MinInt64, strings.Repeat("x", 300), bytes.Repeat([]byte{7}, 70_000)},
		{1 << 32, "a\nb", nil},
	}
	got, err := unpack(t, tableOf[packedSample]().pack(nil, reflect.ValueOf(rows)))
	same := func(a, b packedSample) bool {
		return a.Number == b.Number && a.Text == b.Text && bytes.Equal(a.Blob, b.Blob)
	}
	if err != nil || !slices.EqualFunc(got, rows, same) {
		t.Errorf("%d rows came back, not as they were: %.300v, %v", len(got), got, err)
	}
	if none, err := unpack(t, tableOf[packedSample]().pack(nil, reflect.ValueOf(rows[:0]))); err != nil || len(none) != 0 {
		t.Errorf("no rows are %v, %v", none, err)
	}
}

// TestWhatIsNotPackedIsRefused: an argument that is cut off anywhere, or is none, is an error and never a reading beyond its end.
func TestWhatIsNotPackedIsRefused(t *testing.T) {
	whole := tableOf[packedSample]().pack(nil, reflect.ValueOf([]packedSample{{5, "text", []byte("blob")}}))
	if _, err := unpack(t, whole); err != nil {
		t.Fatalf("the control: %v", err)
	}
	broken := map[string][]byte{"nothing": {}, "too many columns": {33, 1, 0, 0, 0, 0, 0, 0, 0, 0}, "a length beyond the end": {1, 2, 255, 255, 255, 255, 'x'}}
	for cut := 2; cut < len(whole); cut++ { // one byte alone is no rows
		broken["cut at "+strconv.Itoa(cut)] = whole[:cut]
	}
	for name, argument := range broken {
		if got, err := unpack(t, argument); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestStatementsOfBothDatabasesStandBesideEachOther: one process may have both open, as when it moves one to the other.
func TestStatementsOfBothDatabasesStandBesideEachOther(t *testing.T) {
	table := tableOf[packedSample]()
	for range 2 {
		if got := table.updateOf(false, "update x set a = @text", "where b = @number"); got != "update x set a = v.c1 from packed(?) as v where b = v.c0" {
			t.Errorf("SQLite: %s", got)
		}
		if got := table.updateOf(true, "update x set a = @text", "where b = @number"); !strings.HasPrefix(got, "update x set a = v.text from unnest(cast(? as bigint[]), ") || !strings.HasSuffix(got, "where b = v.number") {
			t.Errorf("PostgreSQL: %s", got)
		}
	}
}
