package views

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// WebhookPage is one webhook with its properties, charts and delivery history.
type WebhookPage struct {
	Shell     Shell
	Registry  registry.Registry
	Hook      webhook.Webhook
	Health    delivery.Health
	Lost      delivery.Recoverable // whether Recover failed would send anything again
	Waiting   delivery.Waiting     // what is held back: by a pause, until a retry, or while the endpoint is probed
	Replay    *delivery.Replay     // the last one; nil without
	Recovery  *delivery.Recovery   // the last one; nil: there was none
	History   History
	MayWrite  bool
	MayReveal bool        // may see the signing secret
	Revealed  bool        // and asked for it
	Ping      *PingResult // of the ping that led here; nil without
}

func (p WebhookPage) path() string  { return WebhookPath(p.Registry.Name, p.Hook.Name) }
func (p WebhookPage) enabled() bool { return p.Hook.Status == webhook.Enabled }
func (p WebhookPage) facts() string { return "Webhook · " + LocationTitle(p.Hook.Location) }

// Listening says in one line what a webhook does from now on.
func Listening(w webhook.Webhook) string {
	status := "Enabled, listening to "
	switch {
	case w.IsPaused():
		status = "Paused; it keeps what it hears of "
	case w.Status != webhook.Enabled:
		status = "Disabled; once enabled it listens to "
	}
	words := strings.ReplaceAll(FormOf(registry.Registry{}, w).actionTitles(), "Image", "image")
	return status + words + " in " + LocationTitle(w.Location) + "."
}

// turn is the command that enables or disables.
func (p WebhookPage) turn() ui.Action {
	a := ui.Action{Text: "Disable", Icon: "off", Form: "cmds", FormAction: p.path() + "/disable"}
	if !p.enabled() {
		a.Text, a.Icon, a.FormAction = "Enable", "play", p.path()+"/enable"
	}
	a.Attrs = templ.Attributes{"id": "cmd-turn", "hx-post": a.FormAction, "hx-swap": "none"}
	return a
}

func (p WebhookPage) pingCommand() ui.Action {
	at := p.path() + "/ping"
	return ui.Action{
		Text: "Ping", Icon: "bell", Form: "cmds", FormAction: at, Keys: "p",
		Attrs: templ.Attributes{"id": "cmd-ping", "hx-post": at, "hx-target": "#ping-result", "hx-sync": "this:drop"},
	}
}

func (p WebhookPage) format() string {
	f, _ := payload.ByName(p.Hook.Format)
	return f.Title
}

func (p WebhookPage) retries() string {
	return retryWords(p.Hook.Retry) + ", " + ui.Duration(p.Hook.Timeout) + " timeout"
}

// pace says how fast its deliveries go.
func (p WebhookPage) pace() string {
	text := "Up to " + strconv.Itoa(webhook.MostInFlight) + " at a time, as quickly as they are answered"
	if n := p.Hook.MaxInFlight; n > 0 {
		text = "At most " + strconv.Itoa(n) + " at a time"
	}
	if n := p.Hook.Rate; n > 0 {
		text += ", at most " + ui.Count(n) + " a minute"
	}
	if p.Hook.Ordered {
		text += "; in the order of each repository"
	}
	return text
}

// headers are the custom headers as they are shown: each value masked.
func (p WebhookPage) headers() []string {
	if len(p.Hook.Headers) == 0 {
		return nil
	}
	return strings.Split(p.Hook.Headers.Masked(), "\n")
}

// hours are the labels of the last 24 hours.
func (p WebhookPage) hours() []string {
	labels := make([]string, len(p.Health.Hours))
	running := p.Shell.Now.UTC().Truncate(time.Hour)
	for i := range labels {
		labels[i] = running.Add(-time.Duration(len(labels)-1-i) * time.Hour).Format("15:04")
	}
	return labels
}

// outcomes is the chart of deliveries per hour.
func (p WebhookPage) outcomes() ui.Chart {
	ok, bad := p.Health.Totals()
	chart := ui.Chart{
		Label:  "Deliveries per hour, last 24 hours: " + ui.Count(ok) + " succeeded, " + ui.Count(bad) + " failed",
		Series: []ui.Series{{Name: "succeeded " + ui.Count(ok), Class: "f1"}, {Name: "failed " + ui.Count(bad), Class: "fbad"}},
		Low:    true, Ticks: 6,
	}
	labels := p.hours()
	for i, h := range p.Health.Hours {
		chart.Bars = append(chart.Bars, ui.Bar{Label: labels[i], Values: []int{h.Succeeded, h.Failed}})
	}
	return chart
}

// answers is the chart of the time to answer.
func (p WebhookPage) answers() ui.Lines {
	median, slow := ui.Line{Class: "l1"}, ui.Line{Class: "l3"}
	for _, h := range p.Health.Hours {
		median.Values, slow.Values = append(median.Values, h.P50), append(slow.Values, h.P95)
	}
	median.Name, slow.Name = "p50 up to "+ui.Duration(median.Top()), "p95 up to "+ui.Duration(slow.Top())
	return ui.Lines{
		Label:  "Time to answer per hour, last 24 hours: median " + median.Name[4:] + ", 95th percentile " + slow.Name[4:],
		Labels: p.hours(), Lines: []ui.Line{median, slow}, Ticks: 6,
	}
}

func (p WebhookPage) quiet() bool {
	ok, bad := p.Health.Totals()
	return ok+bad == 0
}

// DeletePanel asks before webhooks are deleted, with what goes in numbers.
type DeletePanel struct {
	Chosen

	Stakes delivery.Stakes // of all of them
	Typed  string
	Error  string
}

func (d DeletePanel) title() string {
	if len(d.Hooks) == 1 {
		return "Delete webhook " + d.Named() + "?"
	}
	return "Delete " + d.Named() + "?"
}

// Word is what has to be typed: the name, or of several how many they are.
func (d DeletePanel) Word() string {
	if len(d.Hooks) == 1 {
		return string(d.Hooks[0].Name)
	}
	return "delete " + strconv.Itoa(len(d.Hooks))
}

func (d DeletePanel) button() string {
	if len(d.Hooks) == 1 {
		return "Delete webhook"
	}
	return "Delete " + ui.Plural(len(d.Hooks), "webhook", "webhooks")
}

func (d DeletePanel) waiting() string {
	if d.Stakes.Waiting == 1 {
		return "1 delivery that waits for its next attempt is dropped."
	}
	return ui.Count(d.Stakes.Waiting) + " deliveries that wait for their next attempt are dropped."
}

func (d DeletePanel) past() string {
	if d.Stakes.Past == 1 {
		return "The 1 past delivery stays in the history."
	}
	return "The " + ui.Count(d.Stakes.Past) + " past deliveries stay in the history."
}
