package views

import (
	"strings"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// WebhooksPath is the address of a registry's list of webhooks.
func WebhooksPath(r registry.Name) string { return RegistryPath(string(r)) + "/webhooks" }

// WebhookPath is the address of one webhook; its commands lie under it.
func WebhookPath(r registry.Name, w webhook.Name) string {
	return WebhooksPath(r) + "/" + string(w)
}

// BulkPath is the address of a command on several webhooks. No webhook can be called "-".
func BulkPath(r registry.Name, command string) string { return WebhooksPath(r) + "/-/" + command }

// DeliveriesPath is the address of a registry's delivery history.
func DeliveriesPath(r registry.Name) string { return RegistryPath(string(r)) + "/deliveries" }

// DeliveryPath is the address of one delivery.
func DeliveryPath(r registry.Name, id delivery.ID) string {
	return DeliveriesPath(r) + "/" + id.String()
}

// EventsPath is the address of a registry's events.
func EventsPath(r registry.Name) string { return RegistryPath(string(r)) + "/events" }

// EventPath is the address of one event.
func EventPath(r registry.Name, id event.ID) string { return EventsPath(r) + "/" + string(id) }

// InboxPath is the address of the page that shows what came to a registry's inboxes.
func InboxPath(r registry.Name) string { return RegistryPath(string(r)) + "/inbox" }

// StreamPath is the address of a registry's live updates.
func StreamPath(r registry.Name) string { return RegistryPath(string(r)) + "/stream" }

// actionWord is an action as a chip shows it: "chart push".
func actionWord(a event.Action) string { return strings.ReplaceAll(string(a), "_", " ") }

func actionKind(a event.Action) string {
	if a == event.Quarantine {
		return "quar"
	}
	return ""
}

// short is the beginning of a long id, with an ellipsis.
func short(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[:6] + "…"
}

func failed(r delivery.Result) bool { return !r.At.IsZero() && r.Cause != "" }

// address takes a masked URI apart so that its host can stand out: https needs no mention.
func address(masked string) (scheme, host, rest string) {
	scheme, after, found := strings.Cut(masked, "://")
	if !found {
		return "", "", masked
	}
	end := strings.IndexAny(after, "/?")
	if end < 0 {
		end = len(after)
	}
	if scheme == "https" {
		return "", after[:end], after[end:]
	}
	return scheme + "://", after[:end], after[end:]
}
