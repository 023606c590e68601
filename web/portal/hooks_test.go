package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// put changes a stored webhook behind the portal's back.
func (s *site) put(w webhook.Webhook) {
	s.t.Helper()
	if err := s.mem.UpdateWebhook(s.t.Context(), w, s.stored(string(w.Name)).Version); err != nil {
		s.t.Fatal(err)
	}
}

// names are the webhooks that an answer lists.
func (a answer) names() string {
	var names []string
	a.Find("a.name").Each(func(_ int, link *goquery.Selection) { names = append(names, link.Text()) })
	return strings.Join(names, " ")
}

// heads are the columns of a table.
func (a answer) heads(in string) string {
	var heads []string
	a.Find(in + " thead th").Each(func(_ int, th *goquery.Selection) { heads = append(heads, th.Text()) })
	return strings.Join(heads, " ")
}

// property is the value beside a name on a webhook's page.
func (a answer) property(name string) string {
	return squeezed(a.Find(".props dt").FilterFunction(func(_ int, dt *goquery.Selection) bool { return dt.Text() == name }).Next().Text())
}

func TestListOfWebhooks(t *testing.T) {
	s := newSite(t)
	s.get(hooksAt).is(200).says("h2", "No webhook is listening yet").says("pre", "az acr webhook create")
	s.hook("deployprod")
	s.hook("cachepurge")
	off := s.hook("auditsink")
	off.Status, off.Actions = webhook.Disabled, []event.Action{event.Delete}
	s.put(off)
	page := s.get(hooksAt).is(200).says(".head p", "3 of 500 webhooks used · 2 enabled").says(".pager", "3 webhooks")
	if got := page.heads("#hooks-list"); got != "Select NAME LOCATION SERVICE URI ACTIONS SCOPE STATUS HTTP STATUS LAST 24 H" {
		t.Errorf("columns %q", got)
	}
	if strings.Contains(page.text, canary) {
		t.Error("a secret is in the list")
	}
	for query, want := range map[string]string{
		"?q=PROD": "deployprod", "?q=hooks.example.com%2Facr": "auditsink cachepurge deployprod", "?action=delete": "auditsink",
		"?status=disabled": "auditsink", "?location=westus": "", "?q=" + canary: "", "?sort=-name": "deployprod cachepurge auditsink",
		"?action=nonsense&status=x&location=mars": "auditsink cachepurge deployprod",
	} {
		list := s.htmx(http.MethodGet, hooksAt+query, nil, hooksAt).is(200).lacks("header.top")
		if got := list.names(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if list.Find("#hooks-list").Length() != 1 || s.get(hooksAt+query).names() != want {
			t.Errorf("%s: fragment and page differ", query)
		}
	}
}

func TestReadersSeeNoCommandsAndMayNotSendThem(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.role = account.Reader
	for _, path := range []string{hooksAt, hooksAt + "/deployprod"} {
		page := s.get(path).is(200).lacks("[name=name]").lacks("a[href$='/new']").lacks("a[href$='/edit']").lacks("form[action$='/secret'] button")
		if got := page.Find("main .cmd").Text(); squeezed(got) != "Refresh" {
			t.Errorf("%s has the commands %q", path, got)
		}
	}
	at := hooksAt + "/deployprod"
	for _, path := range []string{
		hooksAt, at, at + "/ping", at + "/enable", at + "/disable", at + "/delete", at + "/secret",
		hooksAt + "/-/ping", hooksAt + "/-/enable", hooksAt + "/-/disable", hooksAt + "/-/delete",
	} {
		s.post(path, with(draft(), "confirm", "deployprod")).is(403)
		s.htmx(http.MethodPost, path, draft(), hooksAt).is(403).lacks("main")
	}
	for _, path := range []string{hooksAt + "/new", at + "/edit", at + "/delete", hooksAt + "/-/edit?name=deployprod", hooksAt + "/-/delete?name=deployprod"} {
		s.get(path).is(403)
	}
	if w := s.stored("deployprod"); w.Version != 1 || len(s.mem.hooks) != 1 || len(s.mem.deliveries) != 0 {
		t.Errorf("a reader changed something: %+v", w)
	}
}

func TestUnknownWebhook(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.get(hooksAt+"/deployprot").is(404).says("main", "deployprot").says("main a", "deployprod")
	for _, command := range []string{"/edit", "/delete"} {
		s.get(hooksAt + "/nothere" + command).is(404)
	}
	for _, command := range []string{"", "/ping", "/enable", "/disable", "/delete", "/secret"} {
		s.post(hooksAt+"/nothere"+command, draft()).is(404)
	}
	s.get("/registries/nosuchone/webhooks").is(404)
}

func TestPageOfAWebhook(t *testing.T) {
	s := newSite(t)
	w := s.hook("deployprod")
	at := hooksAt + "/deployprod"
	page := s.get(hooksAt+"/DeployProd").is(200).says("h1", "deployprod").says("#hook-status", "Enabled").lacks("#hook-notice .callout")
	for name, want := range map[string]string{
		"Service URI": "https://******@hooks.example.com/acr", "Custom headers": "Authorization: ******", "Trigger actions": "push",
		"Scope": "All events", "Location": "East US", "Retries": "10 attempts over 75 h 35 min, 10 s timeout", "Signing": "HMAC-SHA256",
		"Created": "by mei",
	} {
		if got := page.property(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(page.text, canary) {
		t.Error("a secret is on the page")
	}
	if got := page.heads("#history"); got != "ID ACTION IMAGE HTTP STATUS TIMESTAMP DURATION ATTEMPTS NEXT RETRY" {
		t.Errorf("columns %q", got)
	}
	s.htmx(http.MethodGet, at+"?status=5xx", nil, at).is(200).lacks("main").says("#history", "No delivery")
	w.Status, w.DisabledReason = webhook.Disabled, "hooks.example.com answered 410 Gone."
	s.put(w)
	s.get(at).is(200).says("#hook-notice", "answered 410 Gone").says(".cmd", "Enable")
}

func TestSigningSecretIsShownOnDemandToThoseWhoMaySeeIt(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	at := hooksAt + "/deployprod"
	s.role = account.Contributor
	s.get(at).is(200).says("#signing", "Show secret")
	s.post(at+"/secret", nil).is(200).says("h1", "deployprod").says("#signing code", "whsec_"+canary)
	s.htmx(http.MethodPost, at+"/secret", nil, at).is(200).lacks("main").says("code", "whsec_"+canary)
}

func TestEnableAndDisable(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	at := hooksAt + "/deployprod"
	s.post(at+"/disable", nil).leads(at)
	if s.stored("deployprod").Status != webhook.Disabled {
		t.Error("still enabled")
	}
	after := s.get(at).is(200).says(".toast", "deployprod disabled").says("#hook-status", "Disabled").says(".toast button", "Undo")
	undo, _ := after.Find(".toast form").Attr("action")
	part := s.htmx(http.MethodPost, undo, nil, at).is(200).says("#toasts", "deployprod enabled")
	if s.stored("deployprod").Status != webhook.Enabled {
		t.Error("undo did nothing")
	}
	for _, target := range []string{"#hook-status", "#hook-cmds", "#hook-notice"} {
		if part.Find("hx-partial[hx-target='"+target+"']").Length() != 1 {
			t.Errorf("%s stays as it was", target)
		}
	}
	s.htmx(http.MethodPost, at+"/enable", nil, at).is(200).says("#toasts", "deployprod enabled").lacks("#toasts form")
}

func TestCommandsOnSelectedRows(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"alpha1", "beta22", "gamma3"} {
		s.hook(name)
	}
	both := url.Values{"name": {"alpha1", "GAMMA3"}}
	part := s.htmx(http.MethodPost, hooksAt+"/-/disable", both, hooksAt).is(200).says("#toasts", "2 webhooks disabled")
	if s.stored("alpha1").Status+s.stored("gamma3").Status != "disableddisabled" || s.stored("beta22").Status != webhook.Enabled {
		t.Error("not exactly the selected ones were disabled")
	}
	if part.Find("hx-partial[hx-target='#hook-alpha1'] input[checked]").Length() != 1 || part.Find("hx-partial[hx-target='#hook-beta22']").Length() != 0 {
		t.Error("the rows of the selected ones are to come back, still selected")
	}
	part.says("hx-partial[hx-target='#hooks-facts']", "3 of 500 webhooks used · 1 enabled")
	undo, _ := part.Find("#toasts form").Attr("action")
	s.post(undo, nil).leads(hooksAt)
	if s.stored("alpha1").Status+s.stored("gamma3").Status != "enabledenabled" {
		t.Error("undo did not enable both")
	}
	s.post(hooksAt+"/-/disable", nil).is(422)
	s.post(hooksAt+"/-/disable", url.Values{"name": {"nothere"}}).is(404)
	s.get(hooksAt+"/-/edit?name=alpha1").is(200).says("#panel-title", "Configure webhook").says("dialog header", "alpha1")
	s.get(hooksAt + "/-/edit?name=alpha1&name=beta22").is(422)
	panel := s.htmx(http.MethodGet, hooksAt+"/-/edit?name=beta22", nil, hooksAt+"?status=enabled").is(200).lacks("main")
	if panel.Find("footer a[href='"+hooksAt+"?status=enabled']").Length() != 1 || panel.valueOf("w-name") != "beta22" {
		t.Error("Cancel leads elsewhere than to the list as it was filtered")
	}
}

func TestPing(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.hooks[0].Status = webhook.Disabled // a ping works all the same
	at := hooksAt + "/deployprod"
	s.htmx(http.MethodPost, at+"/ping", nil, at).is(200).lacks("main").
		says(".callout.ok", "Ping to deployprod answered 200 in 66 ms. hooks.example.com replied “ok” to event event-1.")
	to := s.post(at+"/ping", nil).leads(at + "?ping=").header.Get("Location")
	s.get(to).is(200).says("#ping-result .callout.ok", "answered 200")
	s.get(at + "?ping=999").is(200).lacks("#ping-result .callout")
	s.hook("cachepurge")
	s.get(strings.Replace(to, "deployprod", "cachepurge", 1)).is(200).lacks("#ping-result .callout")
}

func TestPingThatFails(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.answer = delivery.Attempt{Started: noon, Status: 400, Cause: delivery.CauseStatus, Sentence: "hooks.example.com answered 400 Bad Request."}
	at := hooksAt + "/deployprod"
	s.htmx(http.MethodPost, at+"/ping", nil, at).is(200).says(".callout.bad", "answered 400").says(".callout.bad", "A ping has neither target nor request")
	s.mem.answer = delivery.Attempt{Started: noon, Cause: delivery.CauseRefused, Sentence: "hooks.example.com refused the connection."}
	s.htmx(http.MethodPost, at+"/ping", nil, at).is(200).says(".callout.bad", "got no answer: Refused hooks.example.com refused the connection.")
}

func TestPingWhoseAnswerTakesLonger(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.answer = delivery.Attempt{}
	at := hooksAt + "/deployprod"
	waits := s.htmx(http.MethodPost, at+"/ping", nil, at).is(200).says(".callout", "Waiting for hooks.example.com to answer")
	news, _ := waits.Find("[hx-trigger=load]").Attr("hx-get")
	s.htmx(http.MethodGet, news, nil, at).is(200).says(".callout", "Waiting") // held until patience ends
	s.mem.answer = delivery.Attempt{Started: noon, Status: 204, Duration: 3 * time.Second}
	s.mem.send(&delivery.Feed{})
	s.htmx(http.MethodGet, news, nil, at).is(200).says(".callout.ok", "answered 204 in 3 s. hooks.example.com took event event-1.")
	s.get(strings.Replace(news, "/deliveries/", "/deliveries/9", 1)).is(404)
}

func TestPingOfSelectedRows(t *testing.T) {
	s := newSite(t)
	s.hook("alpha1")
	s.hook("beta22")
	one := s.htmx(http.MethodPost, hooksAt+"/-/ping", url.Values{"name": {"alpha1"}}, hooksAt).is(200)
	one.says("hx-partial[hx-target='#ping-result']", "Ping to alpha1 answered 200").says("hx-partial[hx-target='#hook-alpha1']", "200")
	s.post(hooksAt+"/-/ping", url.Values{"name": {"alpha1"}}).leads(hooksAt + "?ping=")
	s.mem.answer = delivery.Attempt{}
	both := url.Values{"name": {"alpha1", "beta22"}}
	many := s.htmx(http.MethodPost, hooksAt+"/-/ping", both, hooksAt).is(200).says("#toasts", "2 webhooks pinged")
	many.says("hx-partial[hx-target='#hook-beta22'] .pill.live", "Sending")
	s.post(hooksAt+"/-/ping", both).leads(hooksAt)
	s.get(hooksAt).says(".toast", "2 webhooks pinged")
	if len(s.mem.deliveries) != 6 {
		t.Errorf("%d pings, want 6", len(s.mem.deliveries))
	}
}

func TestDelete(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.stakes = delivery.Stakes{Waiting: 3, Past: 1204}
	at := hooksAt + "/deployprod/delete"
	ask := s.get(at).is(200).says("h1", "deployprod").says("#dialog-title", "Delete webhook deployprod?").says("label[for=d-confirm]", "Type deployprod to confirm")
	ask.says(".why", "hooks.example.com").says(".why", "3 deliveries that wait for their next attempt are dropped.").says(".why", "The 1,204 past deliveries stay")
	s.htmx(http.MethodGet, at, nil, hooksAt+"/deployprod").is(200).lacks("main").says("#dialog-title", "Delete webhook deployprod?")
	for _, typed := range []string{"", "deploy", "DEPLOYPROD"} {
		no := s.post(at, url.Values{"confirm": {typed}}).is(422).says("#d-confirm-said", "Nothing was deleted")
		if no.valueOf("d-confirm") != typed || no.Find("main").Length() != 1 {
			t.Errorf("typed %q: it is to be kept, on the page", typed)
		}
		s.htmx(http.MethodPost, at, url.Values{"confirm": {typed}}, at).is(422).lacks("main").says("#d-confirm-said", "Nothing was deleted")
	}
	if len(s.mem.hooks) != 1 {
		t.Fatal("deleted without its name")
	}
	s.post(at, url.Values{"confirm": {" deployprod "}}).leads(hooksAt)
	s.get(hooksAt).is(200).says(".toast", "deployprod deleted").says("h2", "No webhook is listening yet")
}

func TestDeleteOfSelectedRows(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"alpha1", "beta22", "gamma3"} {
		s.hook(name)
	}
	s.mem.stakes = delivery.Stakes{Past: 2}
	at := hooksAt + "/-/delete"
	ask := s.get(at+"?name=alpha1&name=gamma3").is(200).says("h1", "Webhooks").says("#dialog-title", "Delete 2 webhooks?")
	ask.says(".why", "alpha1 , gamma3").says(".why", "The 4 past deliveries").says("label[for=d-confirm]", "Type delete 2 to confirm")
	both := url.Values{"name": {"alpha1", "gamma3"}}
	s.post(at, with(both, "confirm", "alpha1")).is(422).says("#d-confirm-said", "Type delete 2")
	s.htmx(http.MethodPost, at, with(both, "confirm", "delete 2"), hooksAt).leads(hooksAt)
	if got := s.get(hooksAt).says(".toast", "2 webhooks deleted").names(); got != "beta22" {
		t.Errorf("left: %s", got)
	}
	s.get(at+"?name=beta22").is(200).says("label[for=d-confirm]", "Type beta22 to confirm")
}
