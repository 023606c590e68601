// Package views holds the portal's pages: data in, HTML out, no input or output of their own.
package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"dockbell/models/account"
	"dockbell/views/ui"
)

// Shell is what every page has around its content.
type Shell struct {
	Title   string  // of the browser's tab; " · Dockbell" is added
	Crumbs  []Crumb // the last one is the page itself, without an address
	Menu    *Menu   // side menu; nil on pages about the whole server
	Current string  // key of the menu entry that is open
	Who     account.Principal
	Theme   string // "", "light" or "dark", from the cookie
	KeysOff bool   // single-key shortcuts are turned off, from the cookie
	Here    string // path of this page, for forms that come back to it
	Now     time.Time
	Unseen  int // notices that this person has not seen
	Toasts  []ui.Toast
	Overlay templ.Component // panel or dialog over the page; nil without
}

// Crumb is one step of the breadcrumb.
type Crumb struct{ Text, Href string }

// Admin reports whether entries for owners are shown.
func (s Shell) Admin() bool { return s.Who.May(account.Admin, "") }

// initials are the letters in the account's badge: "mei.lin" gives ML.
func (s Shell) initials() string {
	parts := strings.FieldsFunc(s.Who.Name, func(r rune) bool { return r == '.' || r == '-' || r == '_' || r == ' ' || r == '@' })
	letters := ""
	for _, p := range parts {
		if len(letters) < 2 {
			letters += string([]rune(strings.ToUpper(p))[:1])
		}
	}
	if len(parts) == 1 && len([]rune(parts[0])) > 1 {
		letters = strings.ToUpper(string([]rune(parts[0])[:2]))
	}
	return letters
}

func (s Shell) behind() bool { return s.Overlay != nil }

func pressed(on bool) string {
	if on {
		return "true"
	}
	return "false"
}

func cols(menu *Menu) string {
	if menu == nil {
		return "cols one"
	}
	return "cols"
}
