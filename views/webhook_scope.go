package views

import (
	"strconv"
	"strings"
	"time"

	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// ScopePreview is what a scope means in its registry: which repositories it reaches, which of the last events would have fired.
type ScopePreview struct {
	Error        string // why the scope cannot be read; the rest is empty then
	Meaning      string // the scope written out, where that says more than what was typed
	Warning      string
	Contents     bool     // the registry's repositories are known
	Repositories []string // the first of those it reaches
	Matching     int      // how many it reaches of those that were looked at
	Bounded      bool     // there are more repositories than were looked at
	Fired        int      // of the last events
	Looked       int      // how many they are
}

func (p ScopePreview) summary() string {
	var parts []string
	if p.Contents {
		repositories := ui.Plural(p.Matching, "repository", "repositories")
		if p.Matching == 0 {
			repositories = "no repository yet"
		}
		if p.Bounded {
			repositories = "at least " + repositories
		}
		parts = append(parts, repositories)
	}
	switch p.Looked {
	case 0:
		parts = append(parts, "no event to compare with yet")
	case 1:
		parts = append(parts, ui.Count(p.Fired)+" of the only event so far")
	default:
		parts = append(parts, ui.Count(p.Fired)+" of the last "+ui.Count(p.Looked)+" events")
	}
	return strings.Join(parts, "; ")
}

// retryWords says how often a delivery is attempted: "10 attempts over 75 h 35 min".
func retryWords(p webhook.RetryPolicy) string {
	waits := p.Waits()
	if len(waits) == 0 {
		return "1 attempt"
	}
	var total time.Duration
	for _, w := range waits {
		total += w
	}
	return strconv.Itoa(len(waits)+1) + " attempts over " + span(total)
}

// span writes a length of time without turning hours into days.
func span(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return ui.Duration(d)
	case m == 0:
		return strconv.Itoa(h) + " h"
	}
	return strconv.Itoa(h) + " h " + strconv.Itoa(m) + " min"
}
