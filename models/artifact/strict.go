package artifact

import (
	"errors"

	"dockbell/models/fault"
	"dockbell/models/strict"
)

type object = strict.Object

// parseObject reads one JSON object; its faults are at field "manifest".
func parseObject(raw []byte) (object, error) {
	o, err := strict.Parse(raw)
	var f *fault.Error
	if errors.As(err, &f) {
		return nil, bad("%s", f.Message)
	}
	return o, err
}

// bad is a fault of the whole document.
func bad(format string, args ...any) error { return fault.In("manifest", format, args...) }
