package portal_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/web/webtest"
)

const registryAt = "/registries/mycontainerregistry"

// cells reads the cells with these labels of every row, row by row.
func cells(page *webtest.Page, rows string, labels ...string) []string {
	all := []string{}
	page.Find(rows).Each(func(_ int, row *goquery.Selection) {
		var line []string
		for _, label := range labels {
			line = append(line, webtest.Squeeze(row.Find("[data-l='"+label+"']").Text()))
		}
		all = append(all, strings.Join(line, " "))
	})
	return all
}

// history is what the list of deliveries shows, one line each.
func history(page *webtest.Page) []string {
	return cells(page, "#dl-body tr[id^='dl-']:not(#dl-none)", "Action", "Image", "HTTP status", "Attempts")
}

// told prepares a house in which two webhooks were called: one answers, one is broken.
func told(t *testing.T) (h *house, good, bad *receiver) {
	h = newHouse(t)
	good, bad = newReceiver(t, 200, `{"thanks":true}`), newReceiver(t, 500, "<b>it broke</b>")
	h.listens("deployprod", good.url+"/hook", webhook.Draft{Signed: new(true), HeaderText: new("X-Token: " + canary), Actions: &[]string{"push", "delete"}})
	h.listens("cachepurge", bad.url, webhook.Draft{Scope: new("team/api")})
	h.dispatches()
	return h, good, bad
}

func TestDeliveriesAreListed(t *testing.T) {
	h, _, _ := told(t)
	b := h.signedIn(owner, account.Owner)
	b.Get(registryAt+"/deliveries").Status(http.StatusOK).Says("#dl-body", "appears here")
	api := h.push("team/api", "latest")
	h.push("team/web", "v1")
	h.settled()
	h.wait(2 * time.Hour)
	h.remove("team/api", api)
	h.settled()
	b.SignIn(owner, password).Leads("/") // two hours are too long for a session
	page := b.Get(registryAt + "/deliveries").Status(http.StatusOK)
	want := []string{"delete team/api 200 1", "push team/web:v1 200 1", "push team/api:latest 500 2", "push team/api:latest 200 1"}
	got := history(page)
	if slices.Sort(got[1:]); len(got) != len(want) || got[0] != want[0] || !slices.Equal(got[1:], sorted(want[1:])) {
		t.Errorf("the list says %q, want %q", got, want)
	}
	for query, want := range map[string][]string{
		"?status=2xx":                    {"delete team/api 200 1", "push team/api:latest 200 1", "push team/web:v1 200 1"},
		"?status=5xx":                    {"push team/api:latest 500 2"},
		"?status=none":                   {},
		"?action=delete":                 {"delete team/api 200 1"},
		"?q=team%2Fw":                    {"push team/web:v1 200 1"},
		"?q=latest":                      {"push team/api:latest 200 1", "push team/api:latest 500 2"},
		"?q=nothing":                     {},
		"?range=1h":                      {"delete team/api 200 1"},
		"?action=push&status=5xx&q=team": {"push team/api:latest 500 2"},
		"?action=nonsense&status=x":      {"delete team/api 200 1", "push team/api:latest 200 1", "push team/api:latest 500 2", "push team/web:v1 200 1"},
	} {
		for how, list := range map[string]*webtest.Page{
			"page": b.Get(registryAt + "/deliveries" + query), "part": b.HTMX(registryAt + "/deliveries").Get(registryAt + "/deliveries" + query).Lacks("main"),
		} {
			if got := sorted(history(list.Status(http.StatusOK))); !slices.Equal(got, want) {
				t.Errorf("%s as a %s: %q, want %q", query, how, got, want)
			}
		}
	}
	b.Get(registryAt+"/deliveries?q=nothing").Says("#dl-none", "matches this filter")
	if got := history(b.Get(hooksAt + "/cachepurge")); !slices.Equal(got, []string{"push team/api:latest 500 2"}) {
		t.Errorf("the history of one webhook is %q", got)
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// TestHistoryPages: a page of 25, the next older one, and back, without a row twice or missing.
func TestHistoryPages(t *testing.T) {
	h := newHouse(t)
	h.listens("deployprod", newReceiver(t, 204, "").url, webhook.Draft{})
	h.dispatches()
	b := h.signedIn(owner, account.Owner)
	const pushes = 60
	for n := range pushes {
		h.push("team/api", fmt.Sprintf("v%02d", n))
		h.wait(time.Second)
	}
	h.settled()
	for _, list := range []struct {
		at, rows, label string
		events          int // for each push
	}{{registryAt + "/deliveries", "#dl-body tr", "Image", 1}, {registryAt + "/events", "#ev-body tr", "Image", 2}} {
		var seen []string
		at, pages := list.at, 0
		page := b.Get(at).Status(http.StatusOK)
		for ; pages < 9; pages++ {
			got := cells(page, list.rows, list.label)
			if pages*25+25 <= pushes*list.events && len(got) != 25 {
				t.Errorf("%s has %d rows", at, len(got))
			}
			seen = append(seen, got...)
			older := page.Find(".pager a[href*='before=']")
			if older.Length() == 0 {
				break
			}
			at = older.First().AttrOr("href", "")
			page = b.Get(at).Status(http.StatusOK)
		}
		if len(seen) != pushes*list.events {
			t.Errorf("%s: %d rows on %d pages, want %d", list.at, len(seen), pages+1, pushes*list.events)
		}
		for i, image := range seen {
			if want := fmt.Sprintf("team/api:v%02d", pushes-1-i/list.events); image != want {
				t.Fatalf("%s: row %d is %s, want %s", list.at, i, image, want)
			}
		}
		for back := 0; back < 9; back++ {
			newer := page.Find(".pager a[href*='after=']")
			if newer.Length() == 0 {
				if got := cells(page, list.rows, list.label); back != pages || got[0] != "team/api:v59" || len(got) != 25 {
					t.Errorf("%s: %d steps back end at %q", list.at, back, got)
				}
				break
			}
			page = b.Get(newer.First().AttrOr("href", "")).Status(http.StatusOK)
		}
	}
}

// TestPageOfADelivery shows what was sent and what came back, secrets masked, and nothing of it is code.
func TestPageOfADelivery(t *testing.T) {
	h, good, _ := told(t)
	b := h.signedIn(owner, account.Owner)
	h.push("team/api", "latest")
	var at, broken string
	for _, del := range h.settled() {
		to := registryAt + "/deliveries/" + del.ID.String()
		if del.Webhook == "deployprod" {
			at = to
		} else {
			broken = to
		}
	}
	page := b.Get(at).Status(http.StatusOK).Says("h1", "200").Says("#dl-counted", "1 of 10").Says("#attempts", "1st try").Says("#attempts", "Matched and queued")
	bodies, ids := good.taken("webhook-id")
	request := page.Says("#dl-exchange", "POST").Says("#dl-exchange", good.url+"/hook").Text("#dl-exchange")
	for _, want := range []string{"webhook-signature", "AzureContainerRegistry/1.0", "X-Token******", "application/json; charset=utf-8", `"repository": "team/api"`} {
		if !strings.Contains(request, want) {
			t.Errorf("the request does not say %q: %s", want, request)
		}
	}
	if raw := b.Get(at + "?body=raw").Find("#dl-exchange pre").First().Text(); raw != bodies[0] {
		t.Errorf("the raw body is %q, sent was %q", raw, bodies[0])
	}
	if file := b.Get(at + "/body").Status(http.StatusOK); file.Body != bodies[0] || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file is %q, %q", file.Body, file.Header.Get("Content-Disposition"))
	}
	page.Says("main", ids[0]).Says("main", "cachepurge")
	response := b.Get(at + "?view=response").Status(http.StatusOK)
	for _, want := range []string{"X-Answered-By", "receiver", `"thanks": true`, "Waiting for the first byte", "Total", "127.0.0.1:"} {
		response.Says("#dl-exchange", want)
	}
	failed := b.Get(broken+"?view=response").Status(http.StatusOK).Says("h1", "500").Says("#dl-sentence", "1st try failed").Says("#attempts", "2nd try due")
	if got := failed.Find("#dl-exchange pre").Text(); got != "<b>it broke</b>" || failed.Find("#dl-exchange pre b").Length() != 0 {
		t.Errorf("the answer is shown as %q", got)
	}
	for _, p := range []string{at, at + "?view=response", at + "?body=raw", broken} {
		for how, page := range map[string]*webtest.Page{"page": b.Get(p), "part": b.HTMX(at).Get(p).Lacks("main")} {
			if strings.Contains(page.Status(http.StatusOK).Body, canary) {
				t.Errorf("%s as a %s shows a secret", p, how)
			}
		}
	}
	for _, wrong := range []string{"/deliveries/1", "/deliveries/x", "/deliveries/99999999999999999999", "/events/nothing", "/events/%00"} {
		b.Get(registryAt + wrong).Status(http.StatusNotFound)
	}
	b.Get(strings.Replace(at, "mycontainerregistry", "nosuchregistry", 1)).Status(http.StatusNotFound)
}

// TestRedeliver sends the same bytes under the same id again: by a form, by htmx, and not for a reader.
func TestRedeliver(t *testing.T) {
	h, _, bad := told(t)
	b := h.signedIn(owner, account.Owner)
	h.push("team/api", "latest")
	at := ""
	for _, del := range h.settled() {
		if del.Webhook == "cachepurge" {
			at = registryAt + "/deliveries/" + del.ID.String()
		}
	}
	bad.answers(202, "")
	b.Post(at + "/redeliver").Leads(at)
	h.settled()
	b.Get(at).Status(http.StatusOK).Says(".toast", "Sent again").Says("h1", "202").Says("#attempts", "2nd try")
	b.HTMX(at).Post(at+"/redeliver").Status(http.StatusOK).Lacks("main").Says(".steps", "try")
	for _, del := range h.settled() {
		if del.Webhook == "cachepurge" && (del.State != delivery.Delivered || del.Attempts != 3) {
			t.Errorf("after two redeliveries it is %s with %d attempts", del.State, del.Attempts)
		}
	}
	bodies, _ := bad.taken("webhook-id")
	if len(bodies) != 3 || bodies[0] != bodies[1] || bodies[1] != bodies[2] {
		t.Errorf("%d calls came: %q", len(bodies), bodies)
	}
	reader := h.signedIn("ben", account.Reader)
	reader.Get(at).Status(http.StatusOK).Lacks("[formaction$='/redeliver']")
	reader.Post(at + "/redeliver").Status(http.StatusForbidden)
	b.Post(hooksAt + "/cachepurge/disable").Leads(hooksAt + "/cachepurge")
	b.Post(at+"/redeliver").Status(http.StatusConflict).Says("main", "Enable it, then redeliver")
	b.Post(hooksAt+"/cachepurge/delete", "confirm", "cachepurge").Leads(hooksAt)
	b.Post(at+"/redeliver").Status(http.StatusConflict).Says("main", "was deleted")
	b.Get(at).Status(http.StatusOK).Says("main", "(deleted)")
	b.Post(registryAt + "/deliveries/1/redeliver").Status(http.StatusNotFound)
	if bodies, _ := bad.taken("x"); len(bodies) != 3 {
		t.Errorf("a refused redelivery was sent: %d calls", len(bodies))
	}
}

// TestRetries: a failed delivery is tried again when its time has come, and the page says when that is.
func TestRetries(t *testing.T) {
	h, _, bad := told(t)
	b := h.signedIn(owner, account.Owner)
	h.push("team/api", "latest")
	h.settled()
	row := func() string {
		return cells(b.Get(hooksAt+"/cachepurge").Status(http.StatusOK), "#dl-body tr", "HTTP status", "Attempts", "Next retry")[0]
	}
	if got := row(); !strings.HasPrefix(got, "500 1 in ") {
		t.Errorf("after the first attempt: %q", got)
	}
	h.wait(6 * time.Second)
	h.settled()
	if got := row(); !strings.HasPrefix(got, "500 2 in ") {
		t.Errorf("after the second: %q", got)
	}
	bad.answers(200, "")
	h.wait(6 * time.Minute)
	h.settled()
	if got := row(); got != "200 3 –" {
		t.Errorf("after the third: %q", got)
	}
}

// TestEvents lists what happened and says of each webhook why it fired or not.
func TestEvents(t *testing.T) {
	h, _, _ := told(t)
	b := h.signedIn(owner, account.Owner)
	b.Get(registryAt+"/events").Status(http.StatusOK).Says("#ev-none", "No event yet")
	digest := h.push("team/web", "v1")
	h.wait(time.Minute)
	h.remove("team/web", digest)
	h.settled()
	list := func(query string) []string {
		return cells(b.Get(registryAt+"/events"+query).Status(http.StatusOK), "#ev-body tr:not(#ev-none)", "Action", "Image", "Actor")
	}
	all := []string{"delete team/web ci", "push team/web:v1 ci", "quarantine team/web:v1 ci"}
	if got := list(""); got[0] != all[0] || !slices.Equal(sorted(got), all) {
		t.Errorf("the events are %q", got)
	}
	for query, want := range map[string][]string{"?action=push": all[1:2], "?q=v1": all[1:], "?q=nothing": {}, "?action=delete": all[:1]} {
		if got := sorted(list(query)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	to := b.Get(registryAt+"/events?action=push").Find("#ev-body a[href*='/events/']").AttrOr("href", "")
	page := b.Get(to).Status(http.StatusOK).Says("main", digest).Says("main", "crane/0.22").Says("main", "PUT dock.example.com")
	got := cells(page, "#why-body tr", "Webhook", "Fired", "HTTP status", "Why")
	want := []string{
		"cachepurge Not fired – team/web:v1 is outside the scope team/api.",
		"deployprod Fireddelivery to deployprod 200 The webhook asks for push and the webhook covers everything.",
	}
	if !slices.Equal(sorted(got), want) {
		t.Errorf("the reasons are %q, want %q", got, want)
	}
}
