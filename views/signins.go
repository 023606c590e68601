package views

import (
	"dockbell/models/account"
)

// Request is what a program asks of a person: to act for them.
type Request struct {
	Code  account.Code
	Typed string // what was typed as a code
	Error string
}

// SignInList are the programs that are signed in.
type SignInList struct {
	All    []account.Grant
	Base   string // address under which each has its own
	Whose  bool   // several people's: the names are shown
	Anchor string // id of the heading
}

func (l SignInList) revoke(g account.Grant) string { return l.Base + "/" + g.ID + "/revoke" }

// how tells people by which way somebody signed in.
func how(m account.Method) string {
	switch m {
	case account.ByPassword:
		return "User name and password"
	case account.BySecret:
		return "Client secret"
	case account.ByDevice:
		return "Code on the device page"
	case account.ByBrowser:
		return "Browser"
	case account.ByIdentity:
		return "Managed identity"
	}
	return string(m)
}

// clientOf is the program of a grant; one that signs in for itself has its token's name.
func clientOf(g account.Grant) string {
	if g.Kind == account.KindToken {
		return "API token " + g.Name
	}
	return account.ClientTitle(g.Asker.Client)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
