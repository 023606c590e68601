package portal_test

import (
	"strings"
	"testing"

	"dockbell/models/account"
)

// TestTheAPIsPageTellsWhatTheDescriptionTells: every kind of call, with the fields of its body, and without any other site.
func TestTheAPIsPageTellsWhatTheDescriptionTells(t *testing.T) {
	h := newHouse(t)
	page := h.signedIn("reader1", account.Reader).Get("/help/api").Status(200)
	said := strings.Join(strings.Fields(page.Find("main").Text()), " ")
	for _, want := range []string{
		"Webhooks", "getCallbackConfig", "properties.serviceUri", "push, delete, quarantine, chart_push, chart_delete", "Replications",
		"properties.policies.quarantinePolicy.status", "Show a webhook, without its secrets",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := page.Find("tbody tr").Length(); n < 40 {
		t.Errorf("the page tells of %d calls", n)
	}
}
