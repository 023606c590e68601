// Package strict reads JSON that every reader understands alike: what two readers could take differently could pass one
// check here and be something else elsewhere.
package strict

import (
	"unicode/utf8"

	"dockbell/models/fault"
)

// MaxDepth is how deep objects and lists may stand in each other.
const MaxDepth = 32

// Object is a JSON object as it was written: names are compared with their case, as encoding/json's structs do not. Values
// are Object, []any, string, json.Number, bool or nil.
type Object map[string]any

// Parse reads exactly one JSON object: valid UTF-8, no name twice in one object, nothing behind it. Refusals are Invalid.
func Parse(raw []byte) (Object, error) {
	return object(parse(raw, false))
}

// Value reads exactly one JSON value by the rules of Parse, and refuses texts that hold half of a surrogate pair.
func Value(raw []byte) (any, error) { return parse(raw, true) }

func parse(raw []byte, whole bool) (any, error) {
	if !utf8.Valid(raw) {
		return nil, bad("It is not valid UTF-8.")
	}
	s := scanner{raw: raw, str: string(raw), whole: whole}
	v, err := s.value(1)
	if err != nil {
		return nil, err
	}
	if s.blank(); s.at < len(raw) {
		return nil, bad("Something stands behind the end of the JSON value.")
	}
	return v, nil
}

func object(v any, err error) (Object, error) {
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, bad("It is not a JSON object.")
	}
	return o, nil
}

func bad(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }
