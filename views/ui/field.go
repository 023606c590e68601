package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// Field is one control of a form with its label and what is said about it. Error wins over OK; both keep the value.
type Field struct {
	ID           string // also the prefix of the ids of hint and message
	Name         string
	Label        string
	Value        string
	Type         string // of an input; "" is text
	Hint         string
	Error        string
	OK           string
	Required     bool
	Mono         bool
	Rows         int // of a text area
	Autocomplete string
	Placeholder  string
	Attrs        templ.Attributes // autofocus, hx-*, maxlength ...
}

// Option is one choice of a Select.
type Option struct {
	Value, Text string
	Off         bool
}

// attrs are the attributes every kind of control has.
func (f Field) attrs() templ.Attributes {
	all := templ.Attributes{"id": f.ID, "name": f.Name, "class": class("ctl", mono(f.Mono))}
	if said := f.describedBy(); said != "" {
		all["aria-describedby"] = said
	}
	if f.Error != "" {
		all["aria-invalid"] = "true"
	}
	if f.Required {
		all["required"] = true
	}
	for name, value := range map[string]string{"autocomplete": f.Autocomplete, "placeholder": f.Placeholder} {
		if value != "" {
			all[name] = value
		}
	}
	for name, value := range f.Attrs {
		all[name] = value
	}
	return all
}

func (f Field) describedBy() string {
	said, hint := "", ""
	if f.Error != "" || f.OK != "" {
		said = f.ID + "-said"
	}
	if f.Hint != "" {
		hint = f.ID + "-hint"
	}
	return class(said, hint)
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "3"
	}
	return strconv.Itoa(f.Rows)
}

func mono(on bool) string {
	if on {
		return "mono"
	}
	return ""
}
