package views

import (
	"net/url"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// WebhooksPage is the list of a registry's webhooks.
type WebhooksPage struct {
	Shell    Shell
	Registry registry.Registry
	Filter   WebhookFilter
	Rows     []WebhookRow
	Total    int // before the filter
	Enabled  int // those that are paused too
	Paused   int
	MayWrite bool
	Ping     *PingResult // of the ping that led here; nil without
}

// WebhookFilter is what the list is narrowed and sorted by; zero fields do not narrow.
type WebhookFilter struct {
	Text, Action, Location, Status string
	Descending                     bool // by name
}

// Paused is the choice of the status filter for webhooks that are enabled and keep what fires them.
const Paused = "paused"

// WebhookRow is one line of the list.
type WebhookRow struct {
	Webhook  webhook.Webhook
	Health   delivery.Health
	Sending  bool // a ping is on its way
	New      bool // just arrived
	Picked   bool
	MayWrite bool
	Now      time.Time
}

func (f WebhookFilter) narrows() bool { return f.Text+f.Action+f.Location+f.Status != "" }

// Query is the filter as the list's address carries it, with a leading "?" unless it is empty.
func (f WebhookFilter) Query() string {
	q := url.Values{}
	for name, value := range map[string]string{"q": f.Text, "action": f.Action, "location": f.Location, "status": f.Status} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Descending {
		q.Set("sort", "-name")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (f WebhookFilter) turned() WebhookFilter {
	f.Descending = !f.Descending
	return f
}

func (p WebhooksPage) path() string { return WebhooksPath(p.Registry.Name) }
func (p WebhooksPage) here() string { return p.path() + p.Filter.Query() }

// facts is the line under the title.
func (p WebhooksPage) facts() string {
	used := ui.Count(p.Total) + " of " + ui.Count(p.Registry.Tier.WebhookQuota()) + " webhooks used"
	if p.Total == 0 {
		return used
	}
	used += " · " + ui.Count(p.Enabled) + " enabled"
	if p.Paused > 0 {
		used += ", " + ui.Count(p.Paused) + " of them paused"
	}
	return used
}

func (p WebhooksPage) footer() string {
	if p.Filter.narrows() {
		return ui.Count(len(p.Rows)) + " of " + ui.Plural(p.Total, "webhook", "webhooks")
	}
	return ui.Plural(p.Total, "webhook", "webhooks")
}

func (p WebhooksPage) sorted() string {
	if p.Filter.Descending {
		return "descending"
	}
	return "ascending"
}

// commandLine is the same step with the Azure command line, as in Azure's how-to.
func (p WebhooksPage) commandLine() string {
	return "az acr webhook create --registry " + string(p.Registry.Name) + " --name myacrwebhook01 \\\n" +
		"  --actions delete --uri http://webhookuri.com"
}

func actionChoices() []ui.Option {
	all := []ui.Option{{Value: "", Text: "Any action"}}
	for _, s := range event.Subscribable {
		all = append(all, ui.Option{Value: string(s.Action), Text: s.Title})
	}
	return all
}

func locationChoices(r registry.Registry) []ui.Option {
	all := []ui.Option{{Value: "", Text: "All locations"}}
	for _, l := range r.Locations() {
		all = append(all, ui.Option{Value: string(l), Text: LocationTitle(l)})
	}
	return all
}

func statusChoices() []ui.Option {
	return []ui.Option{
		{Value: "", Text: "Any status"},
		{Value: string(webhook.Enabled), Text: "Enabled"},
		{Value: Paused, Text: "Paused"},
		{Value: string(webhook.Disabled), Text: "Disabled"},
	}
}

// filterField is a choice of a filter row: its label stands there already.
func filterField(id, name, value string) ui.Field { return ui.Field{ID: id, Name: name, Value: value} }

func (r WebhookRow) id() string       { return "hook-" + r.Webhook.Name.Key() }
func (r WebhookRow) answerID() string { return r.id() + "-http" }
func (r WebhookRow) trendID() string  { return r.id() + "-24h" }
func (r WebhookRow) path() string     { return WebhookPath(r.Webhook.Registry, r.Webhook.Name) }
func (r WebhookRow) name() string     { return string(r.Webhook.Name) }
func (r WebhookRow) failing() bool {
	return r.Webhook.Status == webhook.Enabled && failed(r.Health.Last)
}

func (r WebhookRow) clock() string {
	if at := r.Health.Last.At; r.Now.Sub(at) >= 24*time.Hour {
		return ui.When(at, r.Now)
	}
	return r.Health.Last.At.UTC().Format("15:04")
}
