package views

import (
	"time"

	"dockbell/models/delivery"
	"dockbell/views/ui"
)

// What holds a delivery back, in the few words that a pill and a column have room for; the page of the delivery has the sentence.

// held is the state of a delivery that is held back.
func held(h delivery.Hold, now time.Time) string {
	switch h.By {
	case delivery.ByPause:
		return "Kept: the webhook is paused"
	case delivery.ByOrder:
		return "Waits behind another delivery"
	case delivery.ByRetryAfter:
		return "Waits as the receiver asked, " + ui.Until(h.Until, now)
	case delivery.ByCircuit:
		return "Waits for the endpoint"
	case delivery.ByRate:
		return "Waits for the rate, " + ui.Until(h.Until, now)
	}
	return "Waits for its turn"
}

// heldNext is what the NEXT RETRY column says of it.
func heldNext(h delivery.Hold, now time.Time) string {
	switch h.By {
	case delivery.ByPause:
		return "once resumed"
	case delivery.ByOrder:
		return "behind another"
	case delivery.ByRetryAfter:
		return ui.Until(h.Until, now) + ", as asked"
	case delivery.ByCircuit:
		return "probe " + ui.Until(h.Until, now)
	case delivery.ByRate:
		return ui.Until(h.Until, now) + ", by its rate"
	}
	return "in its turn"
}

// heldTitle is the step above the attempts.
func heldTitle(d delivery.Delivery) string {
	try := ordinal(d.Attempts+1) + " try "
	switch d.Hold.By {
	case delivery.ByPause:
		return try + "is kept"
	case delivery.ByRetryAfter, delivery.ByRate:
		return try + "is put off"
	}
	return try + "waits"
}
