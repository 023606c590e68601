package store

/*
#include "packed.h"
*/
import "C"

import (
	"encoding/binary"
	"reflect"
	"strconv"
)

// Many rows go to SQLite as one argument: packed(?) is a table that has the rows in it, so that one statement stores all of
// them. To bind each value by itself costs more than most rows do, for every call out of Go has its price.
//
// The argument begins with the number of columns. Then come the values, row by row: a number as its kind and eight bytes, a
// text or a blob as its kind, the length in four bytes and itself; the lowest byte first.

// runPacked runs a statement whose one argument is rows, a slice of structs. The writer's next statement writes into the same place.
func (s sqlTx) runPacked(t *table, statement string, rows reflect.Value) (changed int64, err error) {
	if s.direct == nil {
		return s.run(statement, t.pack(nil, rows))
	}
	packed := t.pack(s.direct.packed[:0], rows)
	if s.direct.packed = nil; cap(packed) <= manyPacked {
		s.direct.packed = packed
	}
	return s.run(statement, packed) // SQLite copies it
}

// manyPacked is the longest argument whose place is kept.
const manyPacked = 1 << 20

// pack appends rows to out as packed reads them.
func (t *table) pack(out []byte, rows reflect.Value) []byte {
	out = append(out, byte(len(t.fields)))
	for i := range rows.Len() {
		row := rows.Index(i)
		for _, index := range t.fields {
			out = packValue(out, row.FieldByIndex(index))
		}
	}
	return out
}

func packValue(out []byte, v reflect.Value) []byte {
	switch v.Kind() { //nolint:exhaustive // the three that rows are made of
	case reflect.Int64:
		return binary.LittleEndian.AppendUint64(append(out, C.packed_number), uint64(v.Int()))
	case reflect.String:
		text := v.String()
		return append(packLength(append(out, C.packed_text), len(text)), text...)
	default:
		body := v.Bytes()
		return append(packLength(append(out, C.packed_blob), len(body)), body...)
	}
}

func packLength(out []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(out, uint32(n))
}

// packedColumns are the first n columns of packed, by name.
func packedColumns(n int) []string {
	if n > C.packed_columns {
		panic("store: a row has more columns than packed knows") // a row type of this package, not a value, is wrong
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i)
	}
	return names
}
