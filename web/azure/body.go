package azure

import (
	"io"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/strict"
)

// body reads a request's JSON value by value. What has the wrong type is noted and refused together with what breaks a rule:
// a caller sees every wrong field at once. Names are compared without regard to case, as Azure does; null is absent.
type body struct {
	strict.Object
	wrong *[]error
}

// readBody reads the whole body.
func readBody(c echo.Context) (body, error) {
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return body{}, err
	}
	o, err := strict.Parse(raw)
	if err != nil {
		return body{}, &fault.Error{Code: fault.Invalid, Field: "body", Message: "The body must be one JSON object. " + fault.All(err)[0].Message}
	}
	if name, found := ambiguous(o); found {
		return body{}, fault.In("body", "The name %.60q stands twice in one object. Names are compared without regard to case.", name)
	}
	return body{o, new([]error)}, nil
}

// note keeps a fault at a field.
func (b body) note(field, format string, args ...any) {
	*b.wrong = append(*b.wrong, fault.In(field, format, args...))
}

// value finds a value by its name.
func (b body) value(name string) any {
	for have, v := range b.Object {
		if strings.EqualFold(have, name) {
			return v
		}
	}
	return nil
}

// ambiguous finds a name that stands twice in one object when its case does not count. The names that users choose, of tags
// and headers, have rules of their own.
func ambiguous(o strict.Object) (string, bool) {
	seen := map[string]bool{}
	for name, v := range o {
		key := strings.ToLower(name)
		if seen[key] {
			return name, true
		}
		seen[key] = true
		if child, ok := v.(strict.Object); ok && key != "tags" && key != "customheaders" {
			if twice, found := ambiguous(child); found {
				return twice, true
			}
		}
	}
	return "", false
}

// in is an object within; an empty one when there is none.
func (b body) in(name string) body {
	v := b.value(name)
	o, ok := v.(strict.Object)
	if v != nil && !ok {
		b.note(name, "%s must be an object.", name)
	}
	return body{o, b.wrong}
}

// has reports whether there is a value.
func (b body) has(name string) bool { return b.value(name) != nil }

// text is a text; nil when it is absent.
func (b body) text(name string) *string {
	v := b.value(name)
	s, ok := v.(string)
	if v == nil {
		return nil
	}
	if !ok {
		b.note(name, "%s must be a text.", name)
	}
	return &s
}

// required is a text that has to be there.
func (b body) required(name string) *string {
	s := b.text(name)
	if s == nil || strings.TrimSpace(*s) == "" {
		b.note(name, "%s is required.", name)
	}
	return s
}

// flag is true or false; nil when it is absent.
func (b body) flag(name string) *bool {
	v := b.value(name)
	on, ok := v.(bool)
	if v == nil {
		return nil
	}
	if !ok {
		b.note(name, "%s must be true or false.", name)
	}
	return &on
}

// enabled is a switch that Azure spells "enabled" or "disabled"; nil when it is absent.
func (b body) enabled(name, field string) *bool {
	v := b.value(name)
	s, _ := v.(string)
	on := strings.EqualFold(s, "enabled")
	if v == nil {
		return nil
	}
	if !on && !strings.EqualFold(s, "disabled") {
		b.note(field, "%s must be enabled or disabled.", field)
	}
	return &on
}

// words is a list of texts; nil when it is absent.
func (b body) words(name string) *[]string {
	v := b.value(name)
	if v == nil {
		return nil
	}
	items, ok := v.([]any)
	all := []string{}
	for _, item := range items {
		s, isText := item.(string)
		ok = ok && isText
		all = append(all, s)
	}
	if !ok {
		b.note(name, "%s must be a list of texts.", name)
		return nil
	}
	return &all
}

// texts is an object of texts; nil when it is absent.
func (b body) texts(name string) *map[string]string {
	v := b.value(name)
	if v == nil {
		return nil
	}
	o, ok := v.(strict.Object)
	all := map[string]string{}
	for key, item := range o {
		s, isText := item.(string)
		ok = ok && isText
		all[key] = s
	}
	if !ok {
		b.note(name, "%s must be an object whose values are texts.", name)
		return nil
	}
	return &all
}
