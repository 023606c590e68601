package views

import (
	"github.com/a-h/templ"

	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

func (f WebhookForm) nameField() ui.Field {
	x := ui.Field{ID: "w-name", Name: "name", Value: f.Name, Required: true, Autocomplete: "off", Error: f.Errors["name"]}
	x.Attrs = templ.Attributes{"spellcheck": "false", "autocapitalize": "off", "aria-describedby": "name-live w-name-hint"}
	if f.Editing != "" {
		x.Attrs["readonly"] = true
		return x
	}
	x.Attrs["maxlength"] = "50"
	x.Attrs["autofocus"] = true
	x.Attrs["hx-get"] = f.under("check-name")
	x.Attrs["hx-trigger"] = "input changed delay:300ms"
	x.Attrs["hx-target"] = "#name-live"
	x.Attrs["hx-sync"] = "this:replace"
	return x
}

func (f WebhookForm) locationField() ui.Field {
	x := ui.Field{ID: "w-location", Name: "location", Label: "Location", Value: f.Location, Required: true, Error: f.Errors["location"]}
	x.Hint = "Replica whose events this webhook receives"
	if f.Editing != "" {
		x.Hint = "The location of a webhook cannot change"
	}
	return x
}

// locations are the choices; of a webhook that is there, its own alone.
func (f WebhookForm) locations() []ui.Option {
	if f.Editing != "" {
		return []ui.Option{{Value: f.Location, Text: LocationTitle(registry.Location(f.Location))}}
	}
	var all []ui.Option
	for _, l := range f.Registry.Locations() {
		title := LocationTitle(l)
		if l == f.Registry.Home && len(f.Registry.Replicas) > 0 {
			title += " (home)"
		}
		all = append(all, ui.Option{Value: string(l), Text: title})
	}
	if f.Location != "" && !f.Registry.Has(registry.Location(f.Location)) { // keeps what was sent
		all = append(all, ui.Option{Value: f.Location, Text: f.Location})
	}
	return all
}

func (f WebhookForm) uriField() ui.Field {
	x := ui.Field{
		ID: "w-uri", Name: "serviceUri", Label: "Service URI", Value: f.URI, Type: "text", Mono: true, Required: true, Error: f.Errors["serviceUri"],
		Hint: "POST notifications go here. https is recommended", Autocomplete: "off",
		Attrs: templ.Attributes{"inputmode": "url", "spellcheck": "false"},
	}
	if f.Inbox && x.Error == "" {
		x.OK = "An inbox was made. What comes to it is shown on the Inbox page."
	}
	return x
}

func (f WebhookForm) headersField() ui.Field {
	x := ui.Field{
		ID: "w-headers", Name: "customHeaders", Label: "Custom headers", Value: f.Headers, Mono: true, Rows: 3, Error: f.Errors["customHeaders"],
		Hint: "Sent with every POST, one Key: value per line. Values are stored encrypted and never shown again.", Autocomplete: "off",
		Attrs: templ.Attributes{"spellcheck": "false", "placeholder": "Authorization: Bearer …"},
	}
	if f.Editing != "" {
		x.Hint = "One Key: value per line. ****** keeps the value that is stored."
	}
	return x
}

func (f WebhookForm) scopeField() ui.Field {
	return ui.Field{
		ID: "w-scope", Name: "scope", Label: "Scope", Value: f.Scope, Mono: true, Error: f.Errors["scope"], Autocomplete: "off",
		Hint:  "repository:tag, or repository:* for all its tags; * and ? are wildcards, commas separate, ! excludes. Empty means all events in the registry",
		Attrs: templ.Attributes{"spellcheck": "false", "autocapitalize": "off", "aria-describedby": "w-scope-hint scope-live"},
	}
}

func (f WebhookForm) formatField() ui.Field {
	return ui.Field{
		ID: "w-format", Name: "format", Label: "Payload format", Value: f.Format, Error: f.Errors["format"],
		Hint: "What a receiver of Azure’s webhooks reads, or a message for people in a chat",
	}
}

func formats() []ui.Option {
	var all []ui.Option
	for _, f := range payload.Formats {
		all = append(all, ui.Option{Value: f.Name, Text: f.Title})
	}
	return all
}

func (f WebhookForm) retryField() ui.Field {
	return ui.Field{ID: "w-retry", Name: "retry", Label: "Retries", Value: f.Retry}
}

func retryChoices() []ui.Option {
	return []ui.Option{
		{Value: string(webhook.RetryDefault), Text: "Default: " + retryWords(webhook.RetryPolicy{Kind: webhook.RetryDefault})},
		{Value: string(webhook.RetryNone), Text: "None: one attempt, as Azure does"},
		{Value: string(webhook.RetryOwn), Text: "Own waits, listed below"},
	}
}

func (f WebhookForm) waitsField() ui.Field {
	return ui.Field{
		ID: "w-waits", Name: "waits", Label: "Own waits", Value: f.Waits, Mono: true, Error: f.Errors["retry"], Autocomplete: "off",
		Hint: "Before the 2nd, 3rd, … attempt, such as 5s, 5m, 1h", Attrs: templ.Attributes{"spellcheck": "false"},
	}
}

func (f WebhookForm) timeoutField() ui.Field {
	return ui.Field{
		ID: "w-timeout", Name: "timeout", Label: "Timeout in seconds", Value: f.Timeout, Error: f.Errors["timeout"], Autocomplete: "off",
		Hint: "For one attempt, 1 to 60. Azure waits 5", Attrs: templ.Attributes{"inputmode": "numeric"},
	}
}

func (f WebhookForm) inFlightField() ui.Field {
	return ui.Field{
		ID: "w-in-flight", Name: "maxInFlight", Label: "At most in flight", Value: f.InFlight, Error: f.Errors["maxInFlight"], Autocomplete: "off",
		Hint: "Deliveries at a time, 1 to 16. Empty: as many as the receiver answers quickly", Attrs: templ.Attributes{"inputmode": "numeric"},
	}
}

func (f WebhookForm) rateField() ui.Field {
	return ui.Field{
		ID: "w-rate", Name: "rate", Label: "Deliveries per minute", Value: f.Rate, Error: f.Errors["rate"], Autocomplete: "off",
		Hint: "Never more than so many. Empty: no limit", Attrs: templ.Attributes{"inputmode": "numeric"},
	}
}

func (f WebhookForm) orderedField() ui.Field {
	x := ui.Field{ID: "w-ordered", Name: "ordered", Label: "Keep the order of each repository: one delivery at a time, also through its retries"}
	if f.Ordered {
		x.Value = "on"
	}
	return x
}

func (f WebhookForm) signedField() ui.Field {
	x := ui.Field{ID: "w-signed", Name: "signed", Label: "Sign every request with HMAC-SHA256 (Standard Webhooks headers)"}
	if f.Signed {
		x.Value = "on"
	}
	return x
}

// submit is the word on the button that stores the form.
func (f WebhookForm) submit() string {
	if f.Editing != "" {
		return "Save"
	}
	return "Create"
}
