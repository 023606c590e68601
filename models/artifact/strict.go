package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"dockbell/models/fault"
)

// maxDepth is how deep objects and lists may stand in each other. Manifests need five.
const maxDepth = 32

// object is a JSON object as it was written: names are compared with their case, as encoding/json's structs do not.
type object map[string]any

// parseObject reads exactly one JSON object that every reader understands alike: valid UTF-8, no name twice in one
// object, nothing behind it. What two readers could take differently could pass here and be something else there.
func parseObject(raw []byte) (object, error) {
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
	o, ok := v.(object)
	if !ok {
		return nil, bad("It is not a JSON object.")
	}
	return o, nil
}

// bad is a fault of the whole document.
func bad(format string, args ...any) error { return fault.In("manifest", format, args...) }

type walker struct{ dec *json.Decoder }

func (w walker) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, bad("It nests deeper than %d levels.", maxDepth)
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
	o := object{}
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
