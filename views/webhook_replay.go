package views

import (
	"time"

	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// ReplayPanel asks which part of the history is sent again to a webhook.
type ReplayPanel struct {
	Hook   webhook.Webhook
	Kind   delivery.ReplayKind
	From   string // as it was typed, in UTC; "" is the beginning
	To     string // "" is now
	Count  int    // deliveries that it would make
	Errors map[string]string
}

// replayTime is how a browser sends a time; replaySeconds with its seconds.
const (
	replayTime    = "2006-01-02T15:04"
	replaySeconds = "2006-01-02T15:04:05"
)

// Range reads the times; what cannot be read is noted at its field.
func (p *ReplayPanel) Range() delivery.Range {
	read := func(field, text string) time.Time {
		for _, layout := range []string{replayTime, replaySeconds} {
			if at, err := time.Parse(layout, text); err == nil {
				return at
			}
		}
		if text != "" {
			p.Refuse(field, "Write the time in UTC as 2026-05-31T18:30.")
		}
		return time.Time{}
	}
	in := delivery.Range{From: read("from", p.From), To: read("to", p.To)}
	if !in.To.IsZero() && !in.From.Before(in.To) {
		p.Refuse("to", "The end lies before the beginning.")
	}
	return in
}

// Refuse notes what is wrong with a field; "" is about the whole.
func (p *ReplayPanel) Refuse(field, said string) {
	if p.Errors == nil {
		p.Errors = map[string]string{}
	}
	if p.Errors[field] == "" {
		p.Errors[field] = said
	}
}

func (p ReplayPanel) back() string   { return WebhookPath(p.Hook.Registry, p.Hook.Name) }
func (p ReplayPanel) action() string { return p.back() + "/replay" }

func (p ReplayPanel) kinds() []struct {
	Kind       delivery.ReplayKind
	Text, Hint string
} {
	return []struct {
		Kind       delivery.ReplayKind
		Text, Hint string
	}{
		{delivery.Missed, "What it missed", "Events that it matches and that were never sent to it, such as those from before it was made"},
		{delivery.Again, "What it was sent", "Its deliveries, whatever became of them, with the same IDs and bytes"},
	}
}

func (p ReplayPanel) timeField(id, name, label, value, hint string) ui.Field {
	return ui.Field{
		ID: id, Name: name, Label: label, Value: value, Type: "datetime-local", Error: p.Errors[name], Hint: hint, Autocomplete: "off",
	}
}

func (p ReplayPanel) fromField() ui.Field {
	return p.timeField("r-from", "from", "From (UTC)", p.From, "Empty: since the registry’s beginning")
}

func (p ReplayPanel) toField() ui.Field {
	return p.timeField("r-to", "to", "Until (UTC)", p.To, "Empty: until now")
}

func (p ReplayPanel) counted() string {
	if len(p.Errors) > 0 {
		return ""
	}
	return ui.Plural(p.Count, "delivery", "deliveries") + " would be sent."
}

func (p ReplayPanel) countAgain() ui.Action { return countAgain(p.action(), "replay-form") }

// countAgain asks for a dialog anew with what its form says now.
func countAgain(action, form string) ui.Action {
	return ui.Action{
		Text: "Count", FormMethod: "get", FormAction: action, Form: form,
		Attrs: templ.Attributes{"hx-get": action, "hx-include": "#" + form, "hx-target": "#overlay"},
	}
}

// replaying says how far a replay is; "" when there is nothing to tell any more.
func (p WebhookPage) replaying() string {
	r := p.Replay
	if r == nil {
		return ""
	}
	done := ui.Count(r.Made) + " of " + ui.Plural(r.Total, "delivery", "deliveries")
	switch {
	case r.State == delivery.ReplayRunning:
		return "Sending again: " + done + " so far."
	case p.Shell.Now.Sub(r.Changed) > time.Hour:
		return ""
	case r.State == delivery.ReplayStopped:
		return "Sending again was stopped because the webhook was disabled: " + done + "."
	}
	return "Sent again at " + ui.When(r.Changed, p.Shell.Now) + ": " + ui.Plural(r.Made, "delivery", "deliveries") + "."
}

func (p WebhookPage) replayRuns() bool {
	return p.Replay != nil && p.Replay.State == delivery.ReplayRunning
}

// DropPanel asks before what waits for a webhook is dropped.
type DropPanel struct {
	Chosen

	Repository string
	Retries    bool
	Count      int
}

// Which is what would be dropped.
func (p DropPanel) Which() delivery.Which {
	return delivery.Which{Repository: p.Repository, Retries: p.Retries}
}

func (p DropPanel) repositoryField() ui.Field {
	return ui.Field{
		ID: "d-repository", Name: "repository", Label: "Repository", Value: p.Repository, Mono: true, Autocomplete: "off",
		Hint: "Empty: of every repository", Attrs: templ.Attributes{"spellcheck": "false", "autocapitalize": "off"},
	}
}

func (p DropPanel) retriesField() ui.Field {
	x := ui.Field{ID: "d-retries", Name: "retries", Label: "Only what was tried before and waits for a retry"}
	if p.Retries {
		x.Value = "on"
	}
	return x
}

func (p DropPanel) countAgain() ui.Action { return countAgain(p.at("drop"), "drop-form") }
