package webhook

import (
	"slices"
	"strings"
	"time"

	"dockbell/models/event"
	"dockbell/models/fault"
)

// ParseActions reads action words without regard to case, in the form's order; faults are at field "actions".
func ParseActions(words []string) ([]event.Action, error) {
	asked := map[event.Action]bool{}
	for _, w := range words {
		a := event.Action(strings.ToLower(w))
		if !slices.ContainsFunc(event.Subscribable, func(s event.SubscribableAction) bool { return s.Action == a }) {
			return nil, fault.In("actions", "%q is not an action. Choose from push, delete, quarantine, chart_push and chart_delete.", w)
		}
		asked[a] = true
	}
	var all []event.Action
	for _, s := range event.Subscribable {
		if asked[s.Action] {
			all = append(all, s.Action)
		}
	}
	if len(all) == 0 {
		return nil, fault.In("actions", "Choose at least one action.")
	}
	return all, nil
}

// ParseStatus reads a status without regard to case; "" is enabled. Faults are at field "status".
func ParseStatus(word string) (Status, error) {
	switch s := Status(strings.ToLower(word)); s {
	case "":
		return Enabled, nil
	case Enabled, Disabled:
		return s, nil
	}
	return "", fault.In("status", "The status is enabled or disabled.")
}

// ParseTimeout reads the seconds one attempt may take; 0 is the default. Faults are at field "timeout".
func ParseTimeout(seconds int) (time.Duration, error) {
	d := time.Duration(seconds) * time.Second
	if seconds == 0 {
		d = DefaultTimeout
	}
	if d < MinTimeout || d > MaxTimeout {
		return 0, fault.In("timeout", "The timeout is a whole number of seconds from 1 to 60.")
	}
	return d, nil
}

// CheckInFlight takes how many deliveries may be in flight; 0 lets Dockbell adapt it. Faults are at field "maxInFlight".
func CheckInFlight(n int) error {
	if n < 0 || n > MostInFlight {
		return fault.In("maxInFlight", "Deliveries in flight are a whole number from 1 to %d; empty or 0 lets Dockbell adapt it to how quickly the receiver answers.", MostInFlight)
	}
	return nil
}

// CheckRate takes how many deliveries may begin in a minute; 0 is no limit. Faults are at field "rate".
func CheckRate(n int) error {
	if n < 0 || n > MaxRate {
		return fault.In("rate", "The rate is a whole number of deliveries per minute from 1 to %d; empty or 0 is no limit.", MaxRate)
	}
	return nil
}

// maxRetries and maxWait bound an own retry list.
const (
	maxRetries = 20
	maxWait    = 7 * 24 * time.Hour
)

// ParseRetry reads "default", "none" or an own list of waits such as "5s, 5m, 1h"; "" is default. Faults are at field "retry".
func ParseRetry(text string) (RetryPolicy, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", string(RetryDefault):
		return RetryPolicy{Kind: RetryDefault}, nil
	case string(RetryNone):
		return RetryPolicy{Kind: RetryNone}, nil
	}
	p := RetryPolicy{Kind: RetryOwn}
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := time.ParseDuration(item)
		if err != nil || d < time.Second || d > maxWait {
			return p, fault.In("retry", "%q is not a wait from 1s to 168h. Write the waits as 5s, 5m, 1h.", item)
		}
		p.Steps = append(p.Steps, d)
	}
	if len(p.Steps) == 0 || len(p.Steps) > maxRetries {
		return p, fault.In("retry", "An own retry list has 1 to %d waits, such as 5s, 5m, 1h.", maxRetries)
	}
	return p, nil
}

// String writes the policy as ParseRetry reads it.
func (p RetryPolicy) String() string {
	if p.Kind != RetryOwn {
		return string(p.Kind)
	}
	var words []string
	for _, d := range p.Steps {
		words = append(words, shortDuration(d))
	}
	return strings.Join(words, ", ")
}

func shortDuration(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if s == "" || !strings.ContainsAny(s[len(s)-1:], "hms") {
		return d.String()
	}
	return s
}
