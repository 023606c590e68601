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
	To         []*webhook.Webhook // where each delivery goes; shared, so nobody may change one
	Known      bool               // set by the store: the event was stored before, and nothing of this entry was
}

// Job is a claimed delivery with the webhook it goes to. Its attempt is already counted: Delivery.Attempts is this attempt's number.
type Job struct {
	Delivery     Delivery
	Webhook      *webhook.Webhook // shared: nobody may change it
	FailingSince time.Time        // start of the webhook's first failed attempt after its last success; zero when the last one succeeded
	Turn         int64            // of the webhooks when this one was read: after a change of any webhook it must be read again
}

// Due says what a Claim could give.
type Due struct {
	At      time.Time // when it could next give something; zero: nothing waits
	Waiting []string  // webhooks for which something is due and was not claimed; where several processes do that, not in this moment
}

// Starter sends deliveries as soon as they are stored, without asking the queue for them: they are stored as claimed. All that it
// does not take waits in the queue.
type Starter interface {
	// Reserve takes room for one delivery to the webhook, which must be stored as claimed for the given lease, and then started or
	// given back. It reports false when the delivery has to wait in the queue.
	Reserve(hook *webhook.Webhook, action event.Action) (lease time.Duration, ok bool)
	// GiveBack ends reservations of which nothing was stored.
	GiveBack(jobs []Job)
	// Start sends what was reserved and stored.
	Start(jobs []Job)
}

// Done is the end of one attempt: what is written back in a batch.
type Done struct {
	Attempt  Attempt
	Delivery Delivery      // with its new State, Next, Retries and Last
	Pause    time.Duration // Retry-After: hold back the whole webhook for so long; 0 = no pause
	Disable  string        // reason for disabling the webhook (410 Gone); "" = leave it
}
