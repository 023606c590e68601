package views

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// masked is what stands in place of a secret.
const masked = webhook.Masked

// DeliveryPage is one delivery: what was sent, what came back, and every attempt.
type DeliveryPage struct {
	Shell    Shell
	Delivery delivery.Delivery
	Event    event.Event
	Attempts []delivery.Attempt  // oldest first
	Others   []delivery.Delivery // of the same event to other webhooks
	Most     int                 // attempts of the webhook's schedule; 0 when the webhook is gone
	View     DeliveryView
	MayWrite bool
	Busy     bool // an attempt is under way
}

// DeliveryView is what the address says of a delivery's page.
type DeliveryView struct {
	Response bool
	Raw      bool
	Attempt  int // its number; 0 is the newest
}

// Values are the view as an address carries it.
func (v DeliveryView) Values() url.Values {
	q := url.Values{}
	if v.Response {
		q.Set("view", "response")
	}
	if v.Raw {
		q.Set("body", "raw")
	}
	if v.Attempt != 0 {
		q.Set("attempt", strconv.Itoa(v.Attempt))
	}
	return q
}

// PathOf is the address of the page in another view.
func (p DeliveryPage) PathOf(v DeliveryView) string {
	path := DeliveryPath(p.Delivery.Registry, p.Delivery.ID)
	if q := v.Values(); len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

// DeliveryParts are what an open page draws anew when an attempt begins or ends, by the place where they stand.
func DeliveryParts(p DeliveryPage) map[string]templ.Component {
	return map[string]templ.Component{
		"#delivery-head": deliveryHead(p), "#dl-sentence": deliverySentence(p), "#dl-exchange": exchange(p),
		"#dl-counted": counted(p), "#attempts": Attempts(p),
	}
}

// Shown is the attempt that the page shows; false before the first.
func (p DeliveryPage) Shown() (delivery.Attempt, bool) {
	for _, a := range p.Attempts {
		if a.Number == p.View.Attempt {
			return a, true
		}
	}
	if len(p.Attempts) == 0 {
		return delivery.Attempt{}, false
	}
	return p.Attempts[len(p.Attempts)-1], true
}

func (p DeliveryPage) view(response bool) string {
	v := p.View
	v.Response, v.Raw = response, false
	return p.PathOf(v)
}

func (p DeliveryPage) raw(on bool) string {
	v := p.View
	v.Raw = on
	return p.PathOf(v)
}

func (p DeliveryPage) attempt(n int) string {
	v := p.View
	v.Attempt, v.Raw = n, false
	return p.PathOf(v)
}

func (p DeliveryPage) live() string {
	q := p.View.Values()
	q.Set("id", p.Delivery.ID.String())
	return LivePath(p.Delivery.Registry, "delivery", q)
}

func (p DeliveryPage) here() string { return p.PathOf(p.View) }
func (p DeliveryPage) path() string { return DeliveryPath(p.Delivery.Registry, p.Delivery.ID) }

// state is the word at the right of the head with its kind: what happens next.
func (p DeliveryPage) state() (kind, text string) {
	d := p.Delivery
	switch {
	case p.Busy:
		return "live warn", "Sending"
	case d.Hold.By != "":
		return "warn", held(d.Hold, p.Shell.Now)
	case d.State == delivery.Delivered:
		return "", "Delivered"
	case d.State == delivery.Failed:
		return "bad", "Failed"
	case d.State == delivery.Cancelled:
		return "off", "Cancelled"
	case d.Last.At.IsZero() || !d.Next.After(p.Shell.Now):
		return "live warn", "Waiting to be sent"
	}
	return "live warn", "Retry " + ui.Until(d.Next, p.Shell.Now)
}

// counted says how many of how many attempts were made.
func (p DeliveryPage) counted() string {
	n := p.Delivery.Attempts
	if p.Most >= n && p.Most > 0 {
		return ui.Count(n) + " of " + ui.Count(p.Most)
	}
	return ui.Plural(n, "attempt", "attempts")
}

// coming is the step above the attempts: what is planned or under way; "" when nothing is.
func (p DeliveryPage) coming() (title, text string) {
	d, now := p.Delivery, p.Shell.Now
	switch {
	case p.Busy:
		return ordinal(d.Attempts) + " try is under way", "its result appears here by itself"
	case d.State == delivery.Cancelled:
		return "Cancelled", "Its webhook was disabled or deleted before this was sent, or somebody dropped what waited."
	case d.State != delivery.Pending:
		return "", ""
	case d.Hold.By != "":
		return heldTitle(d), heldNext(d.Hold, now)
	case !d.Next.After(now):
		return ordinal(d.Attempts+1) + " try is queued", "it starts in a moment"
	}
	text = ui.Until(d.Next, now)
	if p.MayWrite {
		text += ", or redeliver now"
	}
	return ordinal(d.Attempts+1) + " try due " + ui.When(d.Next, now), text
}

// newest are the attempts, newest first.
func (p DeliveryPage) newest() []delivery.Attempt {
	all := make([]delivery.Attempt, 0, len(p.Attempts))
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		all = append(all, p.Attempts[i])
	}
	return all
}

// queued says when the delivery was made and how soon after its event.
func (p DeliveryPage) queued() string {
	d := p.Delivery
	text := d.Created.UTC().Format("15:04:05.000")
	if wait := d.Created.Sub(p.Event.Time); !p.Event.Time.IsZero() && wait >= 0 {
		text += " · " + ui.Duration(wait) + " after the event"
	}
	return text
}

// exact is a moment with its day.
func exact(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }

// outcome is the line under an attempt: when, and why it failed or how it was answered.
func outcome(a delivery.Attempt, now time.Time) string {
	says := a.Sentence
	if says == "" {
		says = a.StatusText
	}
	if says == "" {
		return ui.When(a.Started, now)
	}
	return ui.When(a.Started, now) + " · " + says
}

func attemptClass(a delivery.Attempt) string {
	if a.Succeeded() {
		return ""
	}
	return "bad"
}

// ordinal is 1st, 2nd, 3rd, 4th, ... 11th, ... 21st.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// phase is one part of an attempt's time.
type phase struct {
	Name, Class string
	Time        time.Duration
}

// phases are the parts of an attempt that were reached; the rest of the time goes to the last one.
func phases(a delivery.Attempt) []phase {
	all := []phase{
		{"Name look-up", "f2", a.Phases.DNS},
		{"Connect", "f3", a.Phases.Connect},
		{"TLS handshake", "f4", a.Phases.TLS},
		{"Waiting for the first byte", "f1", a.Phases.FirstByte},
	}
	var reached []phase
	rest := a.Duration
	for _, p := range all {
		if p.Time > 0 {
			reached = append(reached, p)
			rest -= p.Time
		}
	}
	if rest <= 0 {
		return reached
	}
	if a.Status != 0 {
		return append(reached, phase{"Reading the answer", "fnone", rest})
	}
	return append(reached, phase{"Until it was given up", "fbad", rest})
}

// slice is one part of the bar of phases, in thousandths of its width.
type slice struct{ X, Width, Class string }

func cutBar(all []phase) []slice {
	var total time.Duration
	for _, p := range all {
		total += p.Time
	}
	var bar []slice
	var before time.Duration
	for _, p := range all {
		x, end := int(before*1000/total), int((before+p.Time)*1000/total)
		bar = append(bar, slice{strconv.Itoa(x), strconv.Itoa(max(end-x, 4)), p.Class})
		before += p.Time
	}
	return bar
}

// spoken is the bar in words.
func spoken(all []phase) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, p.Name+" "+precise(p.Time))
	}
	return strings.Join(parts, ", ")
}

// precise writes a phase: below a millisecond in microseconds.
func precise(d time.Duration) string {
	if d < time.Millisecond {
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	}
	return ui.Duration(d)
}

// certificate says until when the receiver's certificate is valid.
func certificate(a delivery.Attempt, now time.Time) string {
	day := a.CertExpires.UTC().Format("2 Jan 2006")
	left := a.CertExpires.Sub(now)
	switch {
	case left <= 0:
		return day + ", expired"
	case left < 48*time.Hour:
		return day + ", in " + ui.Duration(left)
	}
	return day + ", in " + ui.Count(int(left/(24*time.Hour))) + " days"
}

// statusLine is the first line of an answer.
func statusLine(a delivery.Attempt) string {
	proto := a.Proto
	if proto == "" {
		proto = "HTTP"
	}
	return proto + " " + strconv.Itoa(a.Status)
}
