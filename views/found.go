package views

import (
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Found is one thing a search found.
type Found struct{ Icon, Text, Href, Detail string }

// FoundRegistry is a registry that was found by its name.
func FoundRegistry(r registry.Registry) Found {
	return Found{Icon: "box", Text: string(r.Name), Href: RegistryPath(string(r.Name)), Detail: "Registry · " + string(r.Tier)}
}

// FoundRepository is a repository that was found by its name.
func FoundRepository(r registry.Registry, name string) Found {
	return Found{Icon: "cube", Text: name, Href: RepositoriesPath(string(r.Name)) + "/" + name, Detail: "Repository · " + string(r.Name)}
}

// FoundWebhook is a webhook that was found by its name.
func FoundWebhook(w webhook.Webhook) Found {
	return Found{Icon: "plug", Text: string(w.Name), Href: WebhookPath(w.Registry, w.Name), Detail: "Webhook · " + string(w.Registry)}
}

// FoundEvent is an event that was found by its ID.
func FoundEvent(ev event.Event) Found {
	return Found{Icon: "pulse", Text: string(ev.ID), Href: EventPath(ev.Registry, ev.ID), Detail: "Event · " + actionWord(ev.Action) + " " + imageOf(ev)}
}

// FoundDelivery is a delivery that was found by its number.
func FoundDelivery(d delivery.Delivery) Found {
	return Found{
		Icon: "send", Text: d.ID.String(), Href: DeliveryPath(d.Registry, d.ID),
		Detail: "Delivery · " + actionWord(d.Action) + " " + d.Image.String() + " to " + string(d.Webhook),
	}
}
