package views

import (
	"strconv"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// RecoverPanel asks since when what failed of a webhook is sent again.
type RecoverPanel struct {
	Hook    webhook.Webhook
	Moments []RecoverMoment
	Error   string
}

// RecoverMoment is one answer, with what it would send again.
type RecoverMoment struct {
	Since time.Time // zero: ever
	Text  string
	Lost  delivery.Recoverable
}

// RecoverMoments are the answers: since the webhook began to fail, if it does, and a few usual ones.
func RecoverMoments(failingSince, now time.Time) []RecoverMoment {
	var all []RecoverMoment
	if !failingSince.IsZero() {
		all = append(all, RecoverMoment{Since: failingSince, Text: "Since it began to fail, " + failingSince.UTC().Format("2 January 15:04:05 UTC")})
	}
	return append(all,
		RecoverMoment{Since: now.Add(-time.Hour), Text: "Since an hour ago"},
		RecoverMoment{Since: now.Add(-24 * time.Hour), Text: "Since yesterday, " + now.Add(-24*time.Hour).UTC().Format("15:04 UTC")},
		RecoverMoment{Text: "All that ever failed"},
	)
}

// Value is the answer as the form sends it: microseconds, 0 for ever.
func (m RecoverMoment) Value() string {
	if m.Since.IsZero() {
		return "0"
	}
	return strconv.FormatInt(m.Since.UnixMicro(), 10)
}

// ParseMoment reads an answer; chosen is false when it is none.
func ParseMoment(value string) (since time.Time, chosen bool) {
	us, err := strconv.ParseInt(value, 10, 64)
	if err != nil || us < 0 {
		return time.Time{}, false
	}
	if us == 0 {
		return time.Time{}, true
	}
	return time.UnixMicro(us), true
}

func (m RecoverMoment) count() string {
	switch {
	case m.Lost.Total() == 0:
		return "nothing"
	case m.Lost.Waiting == 0:
		return ui.Plural(m.Lost.Failed, "delivery", "deliveries")
	default:
		return ui.Plural(m.Lost.Failed, "delivery", "deliveries") + " and " + ui.Count(m.Lost.Waiting) + " that wait for a retry"
	}
}

func (p RecoverPanel) back() string { return WebhookPath(p.Hook.Registry, p.Hook.Name) }

// recovering says how far the last recovery is; "" when there is nothing to tell any more.
func (p WebhookPage) recovering() string {
	r := p.Recovery
	if r == nil || r.Total == 0 || !r.Runs() && p.Shell.Now.Sub(r.Started) > recoveryShown {
		return ""
	}
	text := "Recovered at "
	if r.Runs() {
		text = "Recovering since "
	}
	text += ui.When(r.Started, p.Shell.Now) + ": " + ui.Count(r.Delivered) + " of " + ui.Plural(r.Total, "delivery", "deliveries") + " arrived"
	for _, more := range []struct {
		n    int
		says string
	}{{r.Failed, " failed again"}, {r.Waiting, " to be sent"}, {r.Dropped(), " dropped"}} {
		if more.n > 0 {
			text += ", " + ui.Count(more.n) + more.says
		}
	}
	return text + "."
}

// recoveryShown is how long a recovery that is through is told of.
const recoveryShown = time.Hour

func (p WebhookPage) recoverRuns() bool { return p.Recovery != nil && p.Recovery.Runs() }

// recoverKind marks a recovery of which something failed again.
func (p WebhookPage) recoverKind() string {
	if p.Recovery.Failed > 0 {
		return "warn"
	}
	return ""
}
