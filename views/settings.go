package views

import (
	"github.com/a-h/templ"

	"dockbell/models/account"
	"dockbell/views/ui"
)

// Users is the list of people.
type Users struct{ All []account.User }

// UserForm is what was typed about a user and what was wrong with it; without an ID it is a new one.
type UserForm struct {
	ID, Name, Role string
	Errors         map[string]string // by field: name, role, password
}

// Tokens is the list of tokens, with the one just made.
type Tokens struct {
	All         []account.Token
	New         *account.Issued // shown once
	LoginServer string          // of a registry the new token may use
}

// TokenForm is what was typed about a new token.
type TokenForm struct {
	Name, Role, Registry string
	Rights, Repositories string
	Registries           []string
	Errors               map[string]string // by field: name, role, registry, rights, repositories
}

// Networks are the rules for addresses, and the answer to a test.
type Networks struct {
	Rows                    []NetworkRow
	Tested, Answer, Refusal string
}

// NetworkRow is one rule.
type NetworkRow struct {
	Range     string
	Allowed   bool
	Note, By  string
	Removable bool
}

// NetworkRows are the rules in the order of their force: what is built in, what the configuration allows, what was added here.
func NetworkRows(configured, added []string) []NetworkRow {
	rows := []NetworkRow{
		{Range: "Link-local and metadata", Note: "169.254.0.0/16, fe80::/10, 168.63.129.16 and their like", By: "Built in, can’t be allowed"},
		{Range: "Public addresses", Allowed: true, Note: "Every address that the internet routes", By: "Built in"},
	}
	for _, r := range configured {
		rows = append(rows, NetworkRow{Range: r, Allowed: true, Note: "Read-only here", By: "Configuration"})
	}
	for _, r := range added {
		rows = append(rows, NetworkRow{Range: r, Allowed: true, By: "This page", Removable: true})
	}
	return append(rows, NetworkRow{Range: "All else", Note: "This machine, private and reserved ranges that are not listed", By: "Built in"})
}

func (f UserForm) summary() []ui.FieldError {
	return summary(f.Errors, []ui.FieldError{
		{ID: "user-name", Label: "User name", Text: "name"}, {ID: "user-role", Label: "Role", Text: "role"}, {ID: "user-pw", Label: "Password", Text: "password"},
	})
}

func (f TokenForm) summary() []ui.FieldError {
	return summary(f.Errors, []ui.FieldError{
		{ID: "token-name", Label: "Name", Text: "name"}, {ID: "token-role", Label: "Role", Text: "role"}, {ID: "token-registry", Label: "Registry", Text: "registry"},
		{ID: "token-rights", Label: "Only these rights", Text: "rights"}, {ID: "token-repositories", Label: "Only these repositories", Text: "repositories"},
	})
}

func (f TokenForm) registryOptions() []ui.Option {
	all := []ui.Option{{Value: "", Text: "All registries"}}
	for _, r := range f.Registries {
		all = append(all, ui.Option{Value: r, Text: r})
	}
	return all
}

// summary picks the errors in the order of the form; Text of the given fields is the key in errs.
func summary(errs map[string]string, fields []ui.FieldError) []ui.FieldError {
	var all []ui.FieldError
	for _, f := range fields {
		if text := errs[f.Text]; text != "" {
			f.Text = text
			all = append(all, f)
		}
	}
	return all
}

func roleOptions() []ui.Option {
	var all []ui.Option
	for _, r := range account.Roles {
		all = append(all, ui.Option{Value: string(r), Text: r.Title()})
	}
	return all
}

func autofocus() templ.Attributes { return templ.Attributes{"autofocus": true} }

func userPath(id string) string { return "/settings/users/" + id }
