package views

import (
	"slices"
	"strconv"
	"strings"

	"dockbell/models/event"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// WebhookForm is the panel in which a webhook is made or changed: what is typed, as it was typed, and what is said about it.
type WebhookForm struct {
	Registry registry.Registry
	Editing  webhook.Name // "" makes a new one
	Version  int64        // of the webhook that is edited
	FromList bool         // the page below is the list, not the webhook's
	Back     string       // address of the page below
	Name     string
	Location string
	URI      string
	Headers  string
	Actions  []string
	Scope    string
	Format   string
	Retry    string // "default", "none" or "own"
	Waits    string // the own list
	Timeout  string // seconds
	InFlight string // at most; "" lets Dockbell adapt it
	Rate     string // per minute; "" is no limit
	Ordered  bool
	Enabled  bool
	Signed   bool
	Inbox    bool              // the URI is that of an inbox that was just made
	Errors   map[string]string // by field, in the spelling of faults; "" is about the whole
	Theirs   []Difference      // what is stored now, where somebody else changed it meanwhile
	Preview  ScopePreview
}

// Difference is a field in which what is stored is not what was typed.
type Difference struct{ Label, Stored string }

// NewWebhookForm is the form of a webhook that is still to be made, with the defaults of the portal: signed, enabled, push.
func NewWebhookForm(reg registry.Registry) WebhookForm {
	return WebhookForm{
		Registry: reg, Back: WebhooksPath(reg.Name), Location: string(reg.Home), Actions: []string{string(event.Push)},
		Format: payload.Formats[0].Name, Retry: string(webhook.RetryDefault),
		Timeout: seconds(webhook.DefaultTimeout.Seconds()), Enabled: true, Signed: true,
	}
}

// FormOf is the form of a webhook as it is stored, every secret as ******.
func FormOf(reg registry.Registry, w webhook.Webhook) WebhookForm {
	f := WebhookForm{
		Registry: reg, Editing: w.Name, Version: w.Version, Back: WebhookPath(reg.Name, w.Name), Name: string(w.Name),
		Location: string(w.Location), URI: w.ServiceURI.Masked(), Headers: w.Headers.Masked(), Actions: w.ActionWords(),
		Scope: w.Scope.String(), Format: w.Format, Retry: string(w.Retry.Kind), Timeout: seconds(w.Timeout.Seconds()),
		Enabled: w.Status == webhook.Enabled, Signed: len(w.SigningSecrets) > 0,
		InFlight: numberOr(w.MaxInFlight), Rate: numberOr(w.Rate), Ordered: w.Ordered,
	}
	if w.Retry.Kind == webhook.RetryOwn {
		f.Waits = w.Retry.String()
	}
	return f
}

// Against lists the fields in which what is stored differs from what was typed.
func (f WebhookForm) Against(stored WebhookForm) []Difference {
	var all []Difference
	note := func(label, typed, kept string) {
		if typed != kept {
			all = append(all, Difference{label, kept})
		}
	}
	note("Service URI", f.URI, stored.URI)
	note("Custom headers", strings.ReplaceAll(strings.TrimSpace(f.Headers), "\r\n", "\n"), stored.Headers)
	note("Trigger actions", f.actionTitles(), stored.actionTitles())
	note("Scope", f.Scope, stored.Scope)
	note("Status", f.statusWord(), stored.statusWord())
	note("Payload format", f.formatTitle(), stored.formatTitle())
	note("Retries", f.retryWord(), stored.retryWord())
	note("Timeout", f.Timeout+" s", stored.Timeout+" s")
	note("At most in flight", f.InFlight, stored.InFlight)
	note("Deliveries per minute", f.Rate, stored.Rate)
	note("Order per repository", onOff(f.Ordered), onOff(stored.Ordered))
	note("Signing", onOff(f.Signed), onOff(stored.Signed))
	return all
}

func (f WebhookForm) actionTitles() string {
	var titles []string
	for _, s := range event.Subscribable {
		if f.asks(s.Action) {
			titles = append(titles, s.Title)
		}
	}
	return strings.Join(titles, ", ")
}

func (f WebhookForm) statusWord() string {
	if f.Enabled {
		return "Enabled"
	}
	return "Disabled"
}

func (f WebhookForm) retryWord() string {
	if f.Retry == string(webhook.RetryOwn) {
		return f.Waits
	}
	return f.Retry
}

func (f WebhookForm) formatTitle() string {
	format, _ := payload.ByName(f.Format)
	return format.Title
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// numberOr writes a number that 0 leaves to Dockbell.
func numberOr(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) }

func (f WebhookForm) asks(a event.Action) bool { return slices.Contains(f.Actions, string(a)) }

// action is where the form is sent to.
func (f WebhookForm) action() string {
	if f.Editing != "" {
		return WebhookPath(f.Registry.Name, f.Editing)
	}
	return WebhooksPath(f.Registry.Name)
}

func (f WebhookForm) title() string {
	if f.Editing != "" {
		return "Configure webhook"
	}
	return "Create webhook"
}

func (f WebhookForm) sub() string {
	if f.Editing != "" {
		return string(f.Editing) + " on " + string(f.Registry.Name)
	}
	return "on " + string(f.Registry.Name)
}

func (f WebhookForm) under(path string) string { return WebhooksPath(f.Registry.Name) + "/" + path }

// formFields are the fields in the form's order with the id of their control: what the error summary links to.
var formFields = []struct{ Field, ID, Label string }{
	{"name", "w-name", "Webhook name"},
	{"location", "w-location", "Location"},
	{"serviceUri", "w-uri", "Service URI"},
	{"customHeaders", "w-headers", "Custom headers"},
	{"actions", "w-push", "Trigger actions"},
	{"scope", "w-scope", "Scope"},
	{"status", "w-status", "Status"},
	{"format", "w-format", "Payload format"},
	{"retry", "w-waits", "Retries"},
	{"timeout", "w-timeout", "Timeout"},
	{"maxInFlight", "w-in-flight", "At most in flight"},
	{"rate", "w-rate", "Deliveries per minute"},
}

// HasField reports whether the form has a field of this name, in the spelling of faults.
func (WebhookForm) HasField(name string) bool {
	return slices.ContainsFunc(formFields, func(f struct{ Field, ID, Label string }) bool { return f.Field == name })
}

func (f WebhookForm) errors() []ui.FieldError {
	var all []ui.FieldError
	for _, x := range formFields {
		if said := f.Errors[x.Field]; said != "" {
			all = append(all, ui.FieldError{ID: x.ID, Label: x.Label, Text: said})
		}
	}
	return all
}

func (f WebhookForm) errorTitle() string {
	if n := len(f.errors()); n != 1 {
		return strconv.Itoa(n) + " fields need attention"
	}
	return "1 field needs attention"
}

// advanced reports whether the folded part of the form is open: when something in it is not the default, or is wrong.
func (f WebhookForm) advanced() bool {
	plain := NewWebhookForm(f.Registry)
	return f.Errors["format"]+f.Errors["retry"]+f.Errors["timeout"]+f.Errors["maxInFlight"]+f.Errors["rate"] != "" || f.InFlight+f.Rate != "" || f.Ordered || f.Retry != plain.Retry ||
		f.Timeout != plain.Timeout || f.Signed != plain.Signed || f.Format != plain.Format
}
