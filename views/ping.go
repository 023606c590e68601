package views

import (
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// PingResult is what became of a ping: the callout over a list or a webhook's page.
type PingResult struct {
	Registry registry.Name
	Webhook  webhook.Name
	Host     string // of the service URI
	Delivery delivery.Delivery
	Said     string // the beginning of the answer's body, or the sentence of a failure
	Here     string // address of the page, for its Refresh link
}

// Waits reports whether the answer is still to come.
func (r PingResult) Waits() bool { return r.Delivery.Last.At.IsZero() }

func (r PingResult) path() string { return DeliveryPath(r.Registry, r.Delivery.ID) }

func (r PingResult) kind() string {
	switch {
	case r.Waits():
		return ""
	case r.Delivery.State == delivery.Delivered:
		return "ok"
	}
	return "bad"
}
