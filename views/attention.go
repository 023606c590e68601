package views

import (
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// FailingAttention says that a webhook's last attempt failed, and since when none succeeded.
func FailingAttention(w webhook.Webhook, h delivery.Health, now time.Time) Attention {
	a := Attention{
		Icon: "err", Kind: "bad", What: string(w.Name), Href: WebhookPath(w.Registry, w.Name), Says: "answers",
		Status: h.Last.Word(), Code: h.Last.Status, More: string(w.Registry), Do: "Open",
	}
	if h.Last.Status == 0 {
		a.Says = "does not answer"
	}
	if since := h.FailingSince; !since.IsZero() {
		a.Since = "since " + ui.When(since, now)
	}
	return a
}

// DisabledAttention says that a webhook was disabled without anybody asking for it.
func DisabledAttention(w webhook.Webhook) Attention {
	return Attention{
		Icon: "warn", Kind: "warn", What: string(w.Name), Href: WebhookPath(w.Registry, w.Name),
		Says: "was disabled", More: w.DisabledReason, Do: "Open",
	}
}

// QuotaAttention says that a registry has few webhooks left.
func QuotaAttention(r registry.Registry, used int) Attention {
	return Attention{
		Icon: "warn", Kind: "warn", What: string(r.Name), Href: WebhooksPath(r.Name),
		Says: "uses " + ui.Count(used) + " of " + ui.Count(r.Tier.WebhookQuota()) + " webhooks", More: string(r.Tier) + " quota", Do: "Review",
	}
}

// FeedLineOf is an event as it arrived.
func FeedLineOf(a event.Arrival) FeedLine {
	ev, image := a.Event, imageOf(a.Event)
	if image == "" { // a ping is about no image
		image = string(ev.ID)
	}
	return FeedLine{
		Time: ev.Time, Image: image, Href: EventPath(ev.Registry, ev.ID),
		Detail: actionWord(ev.Action) + " · " + string(ev.Registry) + " · " + ui.Plural(a.Webhooks, "webhook", "webhooks"),
	}
}

// FailureOf is a delivery whose last attempt failed.
func FailureOf(d delivery.Delivery) Failure {
	return Failure{
		Time: d.Last.At, Webhook: string(d.Webhook), Href: WebhookPath(d.Registry, d.Webhook), Image: d.Image.String(),
		Action: actionWord(d.Action), Result: d.Last, Attempts: d.Attempts, Next: d.Next, Open: d.State == delivery.Pending,
		Delivery: DeliveryPath(d.Registry, d.ID),
	}
}
