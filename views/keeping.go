package views

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"dockbell/models/keeping"
	"dockbell/views/ui"
)

// Keeping is for how long history is kept, with what somebody typed about it and what was wrong with that.
type Keeping struct {
	Periods keeping.Periods
	Fixed   keeping.Periods // set by the configuration: read-only here
	Typed   map[keeping.Kind]string
	Errors  map[string]string // by kind
}

func (k Keeping) field(p keeping.Period) ui.Field {
	f := ui.Field{
		ID: "k-" + string(p.Kind), Name: string(p.Kind), Label: p.Title + ", days", Value: strconv.Itoa(k.Periods[p.Kind]), Required: true,
		Hint: p.Holds, Error: k.Errors[string(p.Kind)], Attrs: templ.Attributes{"inputmode": "numeric"},
	}
	if typed, there := k.Typed[p.Kind]; there {
		f.Value = typed
	}
	if _, fixed := k.Fixed[p.Kind]; fixed {
		f.Attrs["readonly"] = true
		f.Hint += " Set by DOCKBELL_KEEP_" + strings.ToUpper(string(p.Kind)) + ", so it can’t be changed here."
	}
	return f
}

func (k Keeping) summary() []ui.FieldError {
	var all []ui.FieldError
	for _, p := range keeping.Kinds {
		all = append(all, ui.FieldError{ID: "k-" + string(p.Kind), Label: p.Title, Text: string(p.Kind)})
	}
	return summary(k.Errors, all)
}
