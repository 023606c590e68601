package views

import (
	"github.com/a-h/templ"

	"dockbell/views/ui"
)

func (s SignIn) nameField() ui.Field {
	f := ui.Field{ID: "u", Name: "username", Label: "User name", Value: s.Name, Required: true, Autocomplete: "username", Attrs: templ.Attributes{}}
	if s.Name == "" {
		f.Attrs["autofocus"] = true
	}
	f.Attrs["autocapitalize"] = "off"
	f.Attrs["spellcheck"] = "false"
	return f
}

func (s SignIn) passwordField() ui.Field {
	f := ui.Field{ID: "pw", Name: "password", Type: "password", Label: "Password", Required: true, Autocomplete: "current-password", Attrs: templ.Attributes{}}
	if s.Error != "" {
		f.Attrs["aria-invalid"] = "true"
		f.Attrs["aria-describedby"] = "in-err"
	}
	if s.Name != "" {
		f.Attrs["autofocus"] = true
	}
	return f
}
