package ingest

import (
	"encoding/json"
	"fmt"

	"dockbell/models/fault"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// fields takes values out of objects and keeps the first that is not what it should be; after it everything it gives is empty.
type fields struct{ wrong string }

func (f *fields) fail(format string, args ...any) {
	if f.wrong == "" {
		f.wrong = fmt.Sprintf(format, args...)
	}
}

// text gives a text; an absent one and null are empty.
func (f *fields) text(o strict.Object, name string) string {
	switch v := o[name].(type) {
	case nil:
	case string:
		return v
	default:
		f.fail("Its %s is not a text.", name)
	}
	return ""
}

// object gives an object; an absent one is empty.
func (f *fields) object(o strict.Object, name string) strict.Object {
	switch v := o[name].(type) {
	case nil:
	case strict.Object:
		return v
	default:
		f.fail("Its %s is not an object.", name)
	}
	return nil
}

// list gives a list of objects; an absent one is empty.
func (f *fields) list(o strict.Object, name string) []strict.Object {
	v, has := o[name]
	if !has || v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		f.fail("Its %s is not a list.", name)
	}
	all := make([]strict.Object, 0, len(list))
	for _, v := range list {
		item, ok := v.(strict.Object)
		if !ok {
			f.fail("Its %s holds something that is not an object.", name)
		}
		all = append(all, item)
	}
	return all
}

// number gives a whole number; an absent one is 0.
func (f *fields) number(o strict.Object, name string) int64 {
	v, has := o[name]
	if !has || v == nil {
		return 0
	}
	number, _ := v.(json.Number)
	n, err := number.Int64()
	if err != nil {
		f.fail("Its %s is not a whole number.", name)
	}
	return n
}

// noEnvelope is the refusal of JSON that is not how events of this kind come.
func noEnvelope(want string) error {
	return fault.New(fault.Invalid, "This is no body of events of this kind: %s", want)
}

// tooMany refuses more events than one body may hold.
func tooMany(n int) error {
	if n > source.MaxEvents {
		return errTooMany
	}
	return nil
}
