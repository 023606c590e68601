package views

import (
	"strings"

	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// Chosen are the webhooks that a dialog is about: the one of its page, or those that are selected in the list.
type Chosen struct {
	Registry registry.Name
	Hooks    []webhook.Webhook
	FromList bool
	Back     string // where the dialog was opened
}

// OnPage is the webhook of a page.
func OnPage(w webhook.Webhook) Chosen {
	return Chosen{Registry: w.Registry, Hooks: []webhook.Webhook{w}, Back: WebhookPath(w.Registry, w.Name)}
}

// InList are webhooks that are selected in the list of a registry.
func InList(r registry.Name, hooks []webhook.Webhook) Chosen {
	return Chosen{Registry: r, Hooks: hooks, FromList: true, Back: WebhooksPath(r)}
}

// Named says which webhooks they are.
func (c Chosen) Named() string { return Named(c.Hooks) }

// Named says which webhooks these are: by its name one, several by their number.
func Named(hooks []webhook.Webhook) string {
	if len(hooks) == 1 {
		return string(hooks[0].Name)
	}
	return ui.Plural(len(hooks), "webhook", "webhooks")
}

// names are all their names.
func (c Chosen) names() string {
	all := make([]string, len(c.Hooks))
	for i, w := range c.Hooks {
		all[i] = string(w.Name)
	}
	return strings.Join(all, ", ")
}

// at is the address of a command on them.
func (c Chosen) at(command string) string {
	if c.FromList {
		return BulkPath(c.Registry, command)
	}
	return WebhookPath(c.Registry, c.Hooks[0].Name) + "/" + command
}
