package views

import (
	"cmp"
	"net/url"
	"strconv"
	"time"

	"dockbell/models/audit"
)

// AuditPath is the address of the record of changes.
const AuditPath = "/settings/audit"

// Audit is a page of the record of changes.
type Audit struct {
	Page audit.Page
	Text string // what was searched for
	Now  time.Time
}

func (a Audit) at(side string, id int64) string {
	q := url.Values{}
	if a.Text != "" {
		q.Set("q", a.Text)
	}
	q.Set(side, strconv.FormatInt(id, 10))
	return AuditPath + "?" + q.Encode()
}

func (a Audit) older() string {
	n := len(a.Page.Entries)
	if !a.Page.Older || n == 0 {
		return ""
	}
	return a.at("before", a.Page.Entries[n-1].ID)
}

func (a Audit) newer() string {
	if !a.Page.Newer || len(a.Page.Entries) == 0 {
		return ""
	}
	return a.at("after", a.Page.Entries[0].ID)
}

func (a Audit) footer() string {
	all := a.Page.Entries
	if len(all) == 0 {
		return "No changes"
	}
	return spanned(all[0].At, all[len(all)-1].At, a.Now, false)
}

// actorName is who made a change.
func actorName(a audit.Actor) string { return cmp.Or(a.Name, "Dockbell") }

// auditObject names what was changed: a thing in a registry is named with it.
func auditObject(e audit.Entry) string {
	if e.Registry == "" || e.Registry == e.Object {
		return e.Object
	}
	return e.Registry + " / " + e.Object
}

// auditValue shows a field's words; nothing is a dash.
func auditValue(words string) string { return cmp.Or(words, "–") }
