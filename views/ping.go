package views

import (
	"slices"
	"strings"
	"unicode"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// PingResult is what became of a ping: the callout over a list or a webhook's page.
type PingResult struct {
	Registry registry.Name
	Webhook  webhook.Name
	Host     string // of the service URI, with its port
	Delivery delivery.Delivery
	Attempt  delivery.Attempt // the one it made, once it did
	Here     string           // address of a page that shows the result, for those without JavaScript
}

// Waits reports whether the answer is still to come.
func (r PingResult) Waits() bool {
	return r.Delivery.Last.At.IsZero() && r.Delivery.State == delivery.Pending
}

func (r PingResult) path() string { return DeliveryPath(r.Registry, r.Delivery.ID) }

// news is the address that answers once there is a result. "live" says that the page asks by itself.
func (r PingResult) news() string { return r.path() + "/ping?live=1" }

func (r PingResult) succeeded() bool { return r.Delivery.State == delivery.Delivered }

func (r PingResult) kind() string {
	switch {
	case r.Waits():
		return ""
	case r.succeeded():
		return "ok"
	}
	return "bad"
}

// said is what the receiver replied, or the sentence of a failure.
func (r PingResult) said() string {
	ev := strings.TrimSuffix(short(string(r.Delivery.EventID)), "…")
	if !r.succeeded() {
		if slices.Contains(doubtful, r.Attempt.Status) {
			return r.Attempt.Sentence + " A ping has neither target nor request, and some receivers refuse it for that: push an image to be sure."
		}
		return r.Attempt.Sentence
	}
	if reply := excerpt(r.Attempt.ResponseBody); reply != "" {
		return r.Host + " replied “" + reply + "” to event " + ev + "."
	}
	return r.Host + " took event " + ev + "."
}

// doubtful are the answers by which receivers refuse a body that is not an image's.
var doubtful = []int{400, 422, 500}

// excerpt is the beginning of an answer's body on one line; "" when it is no text.
func excerpt(body []byte) string {
	const most = 60
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 4*most)]), "")), " ")
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}
