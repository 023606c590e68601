package views

import (
	"net/url"
	"strconv"

	"dockbell/models/registry"
)

// LivePath is the address of live updates of one kind; more narrows them. "live" says that the page asks by itself,
// so that an open tab alone keeps nobody signed in.
func LivePath(r registry.Name, show string, more url.Values) string {
	q := url.Values{"live": {"1"}, "show": {show}}
	for name, values := range more {
		q[name] = values
	}
	return StreamPath(r) + "?" + q.Encode()
}

// live is the stream of the list's cells. It says how old the page is, so that a long list need not be sent again whole.
func (p WebhooksPage) live() string {
	return LivePath(p.Registry.Name, "webhooks", url.Values{"since": {strconv.FormatInt(p.Shell.Now.Unix(), 10)}})
}
