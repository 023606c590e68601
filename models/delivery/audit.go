package delivery

import (
	"context"
	"strconv"

	"dockbell/models/audit"
	"dockbell/models/event"
)

// noted is a context in which a decision about content is put on record: a lock raises no event, and the event of a release
// does not say who decided.
func noted(ctx context.Context, c event.Change) context.Context {
	e := audit.Entry{Registry: string(c.Registry), Object: objectOf(c)}
	switch c.Kind {
	case event.Rule:
		e.Action, e.Changes = "quarantine.rule", []audit.Change{{Field: "quarantineState", To: string(c.Ruling.State)}}
	case event.SetLocks:
		e.Action = "content.lock"
		for _, one := range []struct {
			field   string
			allowed *bool
		}{{"deleteEnabled", c.Locks.Delete}, {"writeEnabled", c.Locks.Write}, {"readEnabled", c.Locks.Read}, {"listEnabled", c.Locks.List}} {
			if one.allowed != nil {
				e.Changes = append(e.Changes, audit.Change{Field: one.field, To: strconv.FormatBool(*one.allowed)})
			}
		}
	default:
		return ctx
	}
	return audit.Note(ctx, e)
}

// objectOf names what a change is about as clients do: repository, repository:tag or repository@digest.
func objectOf(c event.Change) string {
	switch {
	case c.Tag != "":
		return c.Repository + ":" + c.Tag
	case c.Digest != "":
		return c.Repository + "@" + c.Digest
	}
	return c.Repository
}
