package event

import (
	"time"

	"dockbell/models/registry"
)

// Filter narrows a registry's events; zero fields do not narrow.
type Filter struct {
	Registry registry.Name
	Action   Action
	Text     string // part of a repository or tag, or the start of an event ID
	Since    time.Time
	Before   ID // keyset paging: older than this event
	After    ID // keyset paging: newer than this event
	Limit    int
}

// Page is one page of events, newest first.
type Page struct {
	Events []Event
	Older  bool // there are older ones
	Newer  bool // there are newer ones
}
