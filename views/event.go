package views

import (
	"net/url"
	"strings"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// Events is the list of what happened in a registry. Its page answers htmx with EventList alone.
type Events struct {
	Registry registry.Name
	Filter   EventFilter
	Page     event.Page
	Live     string // address of the stream that keeps the rows up to date; "" on older pages
	Now      time.Time
}

// EventFilter is what the list's address says; zero fields do not narrow. Before and After are keyset pages.
type EventFilter struct {
	Text, Action, Range string
	Before, After       event.ID
}

// EventPage is one event with the verdict of every webhook there was.
type EventPage struct {
	Shell    Shell
	Event    event.Event
	Verdicts []VerdictRow
}

// VerdictRow is what one webhook did about an event.
type VerdictRow struct {
	Verdict  webhook.Verdict
	Registry registry.Name
	Delivery *delivery.Delivery // nil unless it fired
}

// Values are the parameters of the filter in an address.
func (f EventFilter) Values() url.Values {
	return given(map[string]string{
		"q": f.Text, "action": f.Action, "range": f.Range, "before": string(f.Before), "after": string(f.After),
	})
}

// Query is the filter as an address carries it, with a leading "?" unless it is empty.
func (f EventFilter) Query() string {
	q := f.Values()
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Newest is the same filter on its first page.
func (f EventFilter) Newest() EventFilter {
	f.Before, f.After = "", ""
	return f
}

func (f EventFilter) narrows() bool { return f.Text+f.Action+f.Range != "" }

func (e Events) path() string { return EventsPath(e.Registry) }

func (e Events) older() string {
	if !e.Page.Older || len(e.Page.Events) == 0 {
		return ""
	}
	f := e.Filter.Newest()
	f.Before = e.Page.Events[len(e.Page.Events)-1].ID
	return e.path() + f.Query()
}

func (e Events) newer() string {
	if !e.Page.Newer {
		return ""
	}
	f := e.Filter.Newest()
	if len(e.Page.Events) > 0 {
		f.After = e.Page.Events[0].ID
	}
	return e.path() + f.Query()
}

func (e Events) footer() string {
	all := e.Page.Events
	if len(all) == 0 {
		return "No events"
	}
	return spanned(all[0].Time, all[len(all)-1].Time, e.Now, e.Live != "")
}

// EventRowID is the id of an event's line in the list.
func EventRowID(id event.ID) string { return "ev-" + string(id) }

// imageOf names an event's target as lists do.
func imageOf(ev event.Event) string {
	return delivery.Image{Repository: ev.Target.Repository, Tag: ev.Target.Tag}.String()
}

// fired counts the webhooks that the event fired.
func (p EventPage) fired() int {
	n := 0
	for _, v := range p.Verdicts {
		if v.Verdict.Fires {
			n++
		}
	}
	return n
}

func (p EventPage) counted() string {
	return ui.Count(p.fired()) + " of " + ui.Plural(len(p.Verdicts), "webhook", "webhooks") + " fired"
}

func (p EventPage) live() string {
	return LivePath(p.Event.Registry, "event", url.Values{"id": {string(p.Event.ID)}})
}

// told is what happened, as a sentence.
func told(ev event.Event) string {
	switch ev.Action {
	case event.Push:
		if ev.Target.Tag == "" {
			return "An image was pushed by its digest, without a tag."
		}
		return "An image was pushed under a tag."
	case event.Delete:
		if ev.Target.Digest == "" {
			return "A tag was deleted."
		}
		return "An image was deleted."
	case event.Quarantine:
		return "A pushed image entered quarantine."
	case event.ChartPush:
		return "A Helm chart was pushed."
	case event.ChartDelete:
		return "A Helm chart was deleted."
	case event.Ping:
		return "Somebody pinged a webhook. Nothing in the registry changed."
	case event.Noticed:
		return "Another webhook began to fail, was disabled or works again. Nothing in the registry changed."
	}
	return "Something happened to the registry's content."
}

// chartOf names a Helm chart with its version; "" for other artifacts.
func chartOf(t event.Target) string { return strings.TrimSpace(t.Chart.Name + " " + t.Chart.Version) }

// sourceOf says who told of the event.
func sourceOf(ev event.Event) string {
	if ev.Source == "builtin" {
		return "Built-in registry"
	}
	return ev.Source
}

// actor is who caused an event, with which program and from where.
func actor(ev event.Event) string {
	var parts []string
	if ev.Actor != "" {
		parts = append(parts, ev.Actor)
	}
	if ev.Request.UserAgent != "" {
		parts = append(parts, "with "+ev.Request.UserAgent)
	}
	if ev.Request.Addr != "" {
		parts = append(parts, "from "+ev.Request.Addr)
	}
	return strings.Join(parts, " ")
}
