package audit

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Change is one field of a thing before and after. Secrets stand in it masked, or not at all.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Entry is one line of the record.
type Entry struct {
	ID       int64 // grows with time
	At       time.Time
	Actor    Actor
	Action   string // what was done: "webhook.create", "user.delete"
	Registry string // empty for what belongs to no registry
	Object   string // the name of what was changed
	Changes  []Change
}

type entryKey struct{}

// Note returns a context whose next change in the store is recorded as e, in the same transaction: what is changed is
// recorded, and what is recorded was changed. Time and actor are the store's to fill in.
func Note(ctx context.Context, e Entry) context.Context { return context.WithValue(ctx, entryKey{}, e) }

// Noted gives what a change made with this context is recorded as; false when nobody noted anything.
func Noted(ctx context.Context) (Entry, bool) {
	e, ok := ctx.Value(entryKey{}).(Entry)
	e.Actor = ActorOf(ctx)
	return e, ok
}

// Differences are the fields whose words are not the same in two descriptions of a thing, in the order of the second.
func Differences(before, after []Field) []Change {
	had := map[string]string{}
	for _, f := range before {
		had[f.Name] = f.Words
	}
	var all []Change
	for _, f := range after {
		if had[f.Name] != f.Words {
			all = append(all, Change{Field: f.Name, From: had[f.Name], To: f.Words})
		}
	}
	return all
}

// Field is one field of a thing in words.
type Field struct{ Name, Words string }

// Tags writes Azure's tags in words, in the order of their names.
func Tags(tags map[string]string) string {
	var all []string
	for name, value := range tags {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// Filter narrows the record; zero fields do not narrow.
type Filter struct {
	Text   string // part of a name, an action or a client
	Before int64  // keyset paging: older than this
	After  int64  // keyset paging: newer than this
	Limit  int
}

// Page is one page of the record, newest first.
type Page struct {
	Entries []Entry
	Older   bool // there are older ones
	Newer   bool // there are newer ones
}
