package delivery

import (
	"time"

	"dockbell/models/event"
	"dockbell/models/webhook"
)

// Entry is one event to store with the verdict for every webhook of its registry and the deliveries of those that fire.
type Entry struct {
	Event      event.Event
	Verdicts   []webhook.Verdict
	Deliveries []Delivery
}

// Job is a claimed delivery with the webhook it goes to. Its attempt is already counted: Delivery.Attempts is this attempt's number.
type Job struct {
	Delivery     Delivery
	Webhook      webhook.Webhook
	FailingSince time.Time // start of the webhook's first failed attempt after its last success; zero when the last one succeeded
}

// Done is the end of one attempt: what is written back in a batch.
type Done struct {
	Attempt  Attempt
	Delivery Delivery      // with its new State, Next, Retries and Last
	Pause    time.Duration // Retry-After: hold back the whole webhook for so long; 0 = no pause
	Disable  string        // reason for disabling the webhook (410 Gone); "" = leave it
}
