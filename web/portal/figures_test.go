package portal_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"dockbell/models/account"
)

// TestFigures follows two pushes, one of whose calls fails, to every page that counts them.
func TestFigures(t *testing.T) {
	h, _, bad := told(t)
	b := h.signedIn(owner, account.Owner)
	h.push("team/api", "latest")
	h.push("team/web", "v1")
	h.settled()

	home := b.Get("/").Status(http.StatusOK)
	for _, want := range []string{"Events, 24 h4", "2 of 3", "Waiting for a retry1", "Failing webhooks1"} {
		home.Says(".figs", want)
	}
	home.Says("#home .todo", "cachepurge").Says("#home .todo", "500").Says(".feed", "team/api:latest").Says(".feed", "team/web:v1")
	if got := cells(home, "#home tbody tr:has([data-l=Registry])", "Registry", "Webhooks", "Events 24 h"); !slices.Equal(got, []string{"mycontainerregistry 2 / 500 4"}) {
		t.Errorf("the registries are %q", got)
	}

	page := b.Get(registryAt).Status(http.StatusOK).Says("#side a[href$='/repositories'] .n", "2")
	failures := "#overview tbody tr:has([data-l=Webhook])"
	if got := cells(page, failures, "Webhook", "Event", "HTTP status", "Attempts"); !slices.Equal(got, []string{"cachepurge team/api:latest push 500 1"}) {
		t.Errorf("the failures are %q", got)
	}
	to := page.Find(failures+" [data-l=Time] a").AttrOr("href", "")
	b.Get(to).Status(http.StatusOK).Says("h1", "500")
	if got := b.Get(hooksAt).Status(http.StatusOK).Find("#hooks-list [data-l='Last 24 h'] svg"); got.Length() != 2 {
		t.Errorf("%d of 2 webhooks have their 24 hours", got.Length())
	}
	if got := cells(b.Get(hooksAt), "#hooks-list tbody tr", "Name"); !slices.Equal(got, []string{"cachepurge Failing", "deployprod"}) {
		t.Errorf("the list marks %q", got)
	}
	b.Get("/search?q=team%2Fweb").Status(http.StatusOK).Says("main", "team/web")
	for _, path := range []string{"/?live=1", registryAt + "?live=1"} {
		b.HTMX(path).Get(path).Status(http.StatusOK).Lacks("main").Says("body", "cachepurge")
	}

	bad.answers(200, "")
	h.wait(6 * time.Second)
	h.settled()
	home = b.Get("/").Status(http.StatusOK).Says("#home", "Every webhook that was called answered")
	for _, want := range []string{"Events, 24 h4", "3 of 4", "Waiting for a retry0", "Failing webhooks0"} {
		home.Says(".figs", want)
	}
}

// TestRepositoriesAreShown lists what was pushed, with its tags.
func TestRepositoriesAreShown(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	digest := h.push("team/api", "v1")
	h.push("team/api", "v2")
	h.push("web", "latest")
	page := b.Get(registryAt + "/repositories/team/api").Status(http.StatusOK)
	for _, want := range []string{"team/api", "web", "v1", "v2", digest[:19]} {
		page.Says("main", want)
	}
	b.Get(registryAt+"/repositories?q=we").Status(http.StatusOK).Says("main", "web")
	h.remove("team/api", digest)
	b.Get(registryAt+"/repositories/team/api").Status(http.StatusNotFound).Says("h1", "no such repository")
}
