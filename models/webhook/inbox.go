package webhook

import "regexp"

// inboxPath is an inbox's token and nothing that could lead elsewhere.
var inboxPath = regexp.MustCompile(`^/inbox/[A-Za-z0-9_-]+(\?.*)?\z`)

// OwnInbox recognises the inboxes of the installation that is reached at public: the only addresses that Networks need not allow.
func OwnInbox(public string) func(URI) bool {
	home := StoredURI(public)
	return func(u URI) bool { return u.user == "" && u.Same(home) && inboxPath.MatchString(u.rest) }
}
