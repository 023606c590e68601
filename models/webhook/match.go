package webhook

import (
	"fmt"
	"strings"

	"dockbell/models/event"
)

// Matches says whether an event fires the webhook and as which action: the whole rule in one place. Status, location, action and
// scope decide in this order, and the reason names the first that refuses. A ping always fires (PRODUCT.md, decision 4).
func (w Webhook) Matches(ev event.Event) Verdict {
	v := Verdict{WebhookID: w.ID, Webhook: w.Name}
	if ev.Action == event.Ping {
		v.Fires, v.As, v.Reason = true, event.Ping, "A ping is sent whatever the status, actions and scope are."
		return v
	}
	as, subscribed := w.firesAs(ev.Action)
	switch {
	case w.Status != Enabled:
		v.Reason = "The webhook was disabled. Events are dropped while it is."
	case w.Location != ev.Location:
		v.Reason = fmt.Sprintf("It happened in %s; the webhook listens to %s.", ev.Location, w.Location)
	case !subscribed:
		v.Reason = fmt.Sprintf("The action is %s; the webhook asks for %s.", ev.Action, listActions(w.Actions))
	case !w.Scope.Covers(ev.Target.Repository, ev.Target.Tag, ev.CarriedTags):
		v.Reason = fmt.Sprintf("%s is outside the scope %s.", describe(ev), w.Scope)
	default:
		v.Fires, v.As, v.Reason = true, as, w.whyItFires(ev, as)
		if w.IsPaused() {
			v.Reason += " Kept: the webhook is paused."
		}
	}
	return v
}

// firesAs gives the one action under which an event reaches the webhook: a chart's own action first, then the plain one
// (decision 3), so that a webhook with both gets one delivery.
func (w Webhook) firesAs(a event.Action) (event.Action, bool) {
	if w.Subscribed(a) {
		return a, true
	}
	if plain := a.Plain(); plain != a && w.Subscribed(plain) {
		return plain, true
	}
	return "", false
}

func (w Webhook) whyItFires(ev event.Event, as event.Action) string {
	scope := "the webhook covers everything"
	if !w.Scope.Everything() {
		scope = fmt.Sprintf("%s is inside the scope %s", describe(ev), w.Scope)
	}
	if as != ev.Action {
		return fmt.Sprintf("A Helm chart, sent as %s because the webhook does not ask for %s; %s.", as, ev.Action, scope)
	}
	return fmt.Sprintf("The webhook asks for %s and %s.", as, scope)
}

// describe names an event's image with what a scope looks at.
func describe(ev event.Event) string {
	switch {
	case ev.Target.Tag != "":
		return ev.Target.Repository + ":" + ev.Target.Tag
	case len(ev.CarriedTags) > 0:
		return fmt.Sprintf("%s (without a tag; it carried %s)", ev.Target.Repository, strings.Join(ev.CarriedTags, ", "))
	default:
		return ev.Target.Repository + " (without a tag)"
	}
}

func listActions(actions []event.Action) string {
	var words []string
	for _, a := range actions {
		words = append(words, string(a))
	}
	return strings.Join(words, ", ")
}
