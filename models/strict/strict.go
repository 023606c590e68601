// Package strict reads JSON that every reader understands alike: what two readers could take differently could pass one
// check here and be something else elsewhere.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	if !utf8.Valid(raw) {
		return nil, bad("It is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	w := walker{dec}
	v, err := w.value(1)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, bad("Something stands behind the end of the JSON object.")
	}
	o, ok := v.(Object)
	if !ok {
		return nil, bad("It is not a JSON object.")
	}
	return o, nil
}

func bad(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

type walker struct{ dec *json.Decoder }

func (w walker) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, bad("It nests deeper than %d levels.", MaxDepth)
	}
	t, err := w.token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return w.object(depth)
	case json.Delim('['):
		return w.list(depth)
	}
	return t, nil
}

func (w walker) object(depth int) (any, error) {
	o := Object{}
	for w.dec.More() {
		t, err := w.token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, bad("It is not valid JSON.")
		}
		if _, twice := o[name]; twice {
			return nil, bad("The name %.60q stands twice in one object.", name)
		}
		if o[name], err = w.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := w.token() // its end
	return o, err
}

func (w walker) list(depth int) (any, error) {
	list := []any{}
	for w.dec.More() {
		v, err := w.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := w.token() // its end
	return list, err
}

func (w walker) token() (json.Token, error) {
	t, err := w.dec.Token()
	if err != nil {
		return nil, bad("It is not valid JSON (byte %d).", w.dec.InputOffset())
	}
	return t, nil
}
