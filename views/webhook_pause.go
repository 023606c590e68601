package views

import (
	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// ResumePanel asks what becomes of what a pause kept.
type ResumePanel struct {
	Chosen

	Waiting   delivery.Waiting
	Send      delivery.Choice
	Rate      string // deliveries per minute, as it was typed
	RateError string
	Error     string
}

// choices are the answers, each with what it sends and drops.
func (p ResumePanel) choices() []struct {
	Choice     delivery.Choice
	Text, Hint string
} {
	n := p.Waiting
	dropped := func(n int) string {
		if n == 0 {
			return ""
		}
		return "; " + ui.Plural(n, "older one is", "older ones are") + " dropped"
	}
	none := "nothing waits"
	if n.All > 0 {
		none = ui.Plural(n.All, "delivery is", "deliveries are") + " dropped"
	}
	return []struct {
		Choice     delivery.Choice
		Text, Hint string
	}{
		{delivery.SendAll, "All, in order", ui.Plural(n.All, "delivery", "deliveries")},
		{delivery.SendNewest, "The newest of every tag", ui.Plural(n.Newest, "delivery", "deliveries") + dropped(n.All-n.Newest)},
		{delivery.SendNone, "None", none},
	}
}

func (p ResumePanel) rateField() ui.Field {
	return ui.Field{
		ID: "r-rate", Name: "rate", Label: "Deliveries per minute", Value: p.Rate, Error: p.RateError, Autocomplete: "off",
		Hint:  "How fast what waited is sent to each receiver, so that it is not flooded. Empty: as fast as it answers",
		Attrs: templ.Attributes{"inputmode": "numeric"},
	}
}

// statusWord is what the STATUS of a webhook says.
func statusWord(w webhook.Webhook) string {
	switch {
	case w.Status != webhook.Enabled:
		return "Disabled"
	case w.IsPaused():
		return "Paused"
	}
	return "Enabled"
}

// pauseCommand pauses an enabled webhook, or asks how it goes on.
func (p WebhookPage) pauseCommand() ui.Action {
	if p.Hook.IsPaused() {
		return ui.Action{Text: "Resume", Icon: "play", Href: p.path() + "/resume", Attrs: intoOverlay(p.path() + "/resume")}
	}
	return ui.Action{Text: "Pause", Icon: "pause", Form: "cmds", FormAction: p.path() + "/pause"}
}

// probing says how a dead endpoint is tried.
func (p WebhookPage) probing() string {
	c := p.Health.Circuit
	next := "the next try is due now"
	if c.ProbeAt.After(p.Shell.Now) {
		next = "next try at " + c.ProbeAt.UTC().Format("15:04:05 UTC")
	}
	return ui.Count(c.Dead) + " attempts in a row found no receiver, so one delivery at a time is tried; " + next +
		". The others wait and lose no attempt; the first answer lets them through. Redeliver or Recover failed tries at once."
}

func (p WebhookPage) kept() string {
	switch p.Waiting.All {
	case 0:
		return "Nothing waits yet. Events that happen meanwhile are kept; a ping still works."
	case 1:
		return "1 delivery waits. Events that happen meanwhile are kept; a ping still works."
	}
	return ui.Count(p.Waiting.All) + " deliveries wait. Events that happen meanwhile are kept; a ping still works."
}
