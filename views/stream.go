package views

import (
	"net/url"

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
