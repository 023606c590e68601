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
	"dockbell/web/webtest"
)

// put changes a stored webhook behind the portal's back.
func (s *site) put(w webhook.Webhook) {
	s.t.Helper()
	if err := s.mem.UpdateWebhook(s.t.Context(), w, s.stored(string(w.Name)).Version); err != nil {
		s.t.Fatal(err)
	}
}

// names are the webhooks that an answer lists.
func names(page *webtest.Page) string {
	var names []string
	page.Find("a.name").Each(func(_ int, link *goquery.Selection) { names = append(names, link.Text()) })
	return strings.Join(names, " ")
}

// heads are the columns of a table.
func heads(page *webtest.Page, in string) string {
	var heads []string
	page.Find(in + " thead th").Each(func(_ int, th *goquery.Selection) { heads = append(heads, th.Text()) })
	return strings.Join(heads, " ")
}

// property is the value beside a name on a webhook's page.
func property(page *webtest.Page, name string) string {
	return webtest.Squeeze(page.Find(".props dt").FilterFunction(func(_ int, dt *goquery.Selection) bool { return dt.Text() == name }).Next().Text())
}

func TestListOfWebhooks(t *testing.T) {
	s := newSite(t)
	s.get(hooksAt).Status(200).Says("h2", "No webhook is listening yet").Says("pre", "az acr webhook create")
	s.hook("deployprod")
	s.hook("cachepurge")
	off := s.hook("auditsink")
	off.Status, off.Actions = webhook.Disabled, []event.Action{event.Delete}
	s.put(off)
	page := s.get(hooksAt).Status(200).Says(".head p", "3 of 500 webhooks used · 2 enabled").Says(".pager", "3 webhooks")
	if got := heads(page, "#hooks-list"); got != "Select NAME LOCATION SERVICE URI ACTIONS SCOPE STATUS HTTP STATUS LAST 24 H" {
		t.Errorf("columns %q", got)
	}
	if strings.Contains(page.Body, canary) {
		t.Error("a secret is in the list")
	}
	for query, want := range map[string]string{
		"?q=PROD": "deployprod", "?q=hooks.example.com%2Facr": "auditsink cachepurge deployprod", "?action=delete": "auditsink",
		"?status=disabled": "auditsink", "?location=westus": "", "?q=" + canary: "", "?sort=-name": "deployprod cachepurge auditsink",
		"?action=nonsense&status=x&location=mars": "auditsink cachepurge deployprod",
	} {
		list := s.htmx(http.MethodGet, hooksAt+query, nil, hooksAt).Status(200).Lacks("header.top")
		if got := names(list); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if list.Find("#hooks-list").Length() != 1 || names(s.get(hooksAt+query)) != want {
			t.Errorf("%s: fragment and page differ", query)
		}
	}
}

func TestReadersSeeNoCommandsAndMayNotSendThem(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.role = account.Reader
	for _, path := range []string{hooksAt, hooksAt + "/deployprod"} {
		page := s.get(path).Status(200).Lacks("[name=name]").Lacks("a[href$='/new']").Lacks("a[href$='/edit']").Lacks("form[action$='/secret'] button")
		if got := page.Find("main .cmd").Text(); webtest.Squeeze(got) != "Refresh" {
			t.Errorf("%s has the commands %q", path, got)
		}
	}
	at := hooksAt + "/deployprod"
	for _, path := range []string{
		hooksAt, at, at + "/ping", at + "/enable", at + "/disable", at + "/delete", at + "/secret",
		hooksAt + "/-/ping", hooksAt + "/-/enable", hooksAt + "/-/disable", hooksAt + "/-/delete",
	} {
		s.post(path, with(draft(), "confirm", "deployprod")).Status(403)
		s.htmx(http.MethodPost, path, draft(), hooksAt).Status(403).Lacks("main")
	}
	for _, path := range []string{hooksAt + "/new", at + "/edit", at + "/delete", hooksAt + "/-/edit?name=deployprod", hooksAt + "/-/delete?name=deployprod"} {
		s.get(path).Status(403)
	}
	if w := s.stored("deployprod"); w.Version != 1 || len(s.mem.hooks) != 1 || len(s.mem.deliveries) != 0 {
		t.Errorf("a reader changed something: %+v", w)
	}
}

func TestUnknownWebhook(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.get(hooksAt+"/deployprot").Status(404).Says("main", "deployprot").Says("main a", "deployprod")
	for _, command := range []string{"/edit", "/delete"} {
		s.get(hooksAt + "/nothere" + command).Status(404)
	}
	for _, command := range []string{"", "/ping", "/enable", "/disable", "/delete", "/secret"} {
		s.post(hooksAt+"/nothere"+command, draft()).Status(404)
	}
	s.get("/registries/nosuchone/webhooks").Status(404)
}

func TestPageOfAWebhook(t *testing.T) {
	s := newSite(t)
	w := s.hook("deployprod")
	at := hooksAt + "/deployprod"
	page := s.get(hooksAt+"/DeployProd").Status(200).Says("h1", "deployprod").Says("#hook-status", "Enabled").Lacks("#hook-notice .callout")
	for name, want := range map[string]string{
		"Service URI": "https://******@hooks.example.com/acr", "Custom headers": "Authorization: ******", "Trigger actions": "push",
		"Scope": "All events", "Location": "East US", "Retries": "10 attempts over 75 h 35 min, 10 s timeout", "Signing": "HMAC-SHA256",
		"Created": "by mei",
	} {
		if got := property(page, name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(page.Body, canary) {
		t.Error("a secret is on the page")
	}
	if got := heads(page, "#history"); got != "ID ACTION IMAGE HTTP STATUS TIMESTAMP DURATION ATTEMPTS NEXT RETRY" {
		t.Errorf("columns %q", got)
	}
	s.htmx(http.MethodGet, at+"?status=5xx", nil, at).Status(200).Lacks("main").Says("#history", "No delivery")
	w.Status, w.DisabledReason = webhook.Disabled, "hooks.example.com answered 410 Gone."
	s.put(w)
	s.get(at).Status(200).Says("#hook-notice", "answered 410 Gone").Says(".cmd", "Enable")
}

func TestSigningSecretIsShownOnDemandToThoseWhoMaySeeIt(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	at := hooksAt + "/deployprod"
	s.role = account.Contributor
	s.get(at).Status(200).Says("#signing", "Show secret")
	s.post(at+"/secret", nil).Status(200).Says("h1", "deployprod").Says("#signing code", "whsec_"+canary)
	s.htmx(http.MethodPost, at+"/secret", nil, at).Status(200).Lacks("main").Says("code", "whsec_"+canary)

	before := s.get(at).Status(200)
	if to, _ := before.Find("#signing button[formaction]").Attr("formaction"); to != at+"/secret/renew" {
		t.Errorf("renewing goes to %q", to)
	}
	s.post(at+"/secret/renew", nil).Leads(at)
	s.get(at).Says("#toasts", "Signing secret renewed")
	all := s.post(at+"/secret", nil).Status(200).Says("#signing", "whsec_"+canary).Says("#signing", "until ")
	if n := all.Find("#signing code").Length(); n != 2 {
		t.Errorf("%d secrets are shown, want the new one and the one before", n)
	}
	s.role = account.Reader
	s.post(at+"/secret/renew", nil).Status(403)
}

func TestEnableAndDisable(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	at := hooksAt + "/deployprod"
	s.post(at+"/disable", nil).Leads(at)
	if s.stored("deployprod").Status != webhook.Disabled {
		t.Error("still enabled")
	}
	after := s.get(at).Status(200).Says(".toast", "deployprod disabled").Says("#hook-status", "Disabled").Says(".toast button", "Undo")
	undo, _ := after.Find(".toast form").Attr("action")
	part := s.htmx(http.MethodPost, undo, nil, at).Status(200).Says("#toasts", "deployprod enabled")
	if s.stored("deployprod").Status != webhook.Enabled {
		t.Error("undo did nothing")
	}
	for _, target := range []string{"#hook-status", "#hook-cmds", "#hook-notice"} {
		if part.Find("hx-partial[hx-target='"+target+"']").Length() != 1 {
			t.Errorf("%s stays as it was", target)
		}
	}
	s.htmx(http.MethodPost, at+"/enable", nil, at).Status(200).Says("#toasts", "deployprod enabled").Lacks("#toasts form")
}

func TestCommandsOnSelectedRows(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"alpha1", "beta22", "gamma3"} {
		s.hook(name)
	}
	both := url.Values{"name": {"alpha1", "GAMMA3"}}
	part := s.htmx(http.MethodPost, hooksAt+"/-/disable", both, hooksAt).Status(200).Says("#toasts", "2 webhooks disabled")
	if s.stored("alpha1").Status+s.stored("gamma3").Status != "disableddisabled" || s.stored("beta22").Status != webhook.Enabled {
		t.Error("not exactly the selected ones were disabled")
	}
	if part.Find("hx-partial[hx-target='#hook-alpha1'] input[checked]").Length() != 1 || part.Find("hx-partial[hx-target='#hook-beta22']").Length() != 0 {
		t.Error("the rows of the selected ones are to come back, still selected")
	}
	part.Says("hx-partial[hx-target='#hooks-facts']", "3 of 500 webhooks used · 1 enabled")
	undo, _ := part.Find("#toasts form").Attr("action")
	s.post(undo, nil).Leads(hooksAt)
	if s.stored("alpha1").Status+s.stored("gamma3").Status != "enabledenabled" {
		t.Error("undo did not enable both")
	}
	s.post(hooksAt+"/-/disable", nil).Status(422)
	s.post(hooksAt+"/-/disable", url.Values{"name": {"nothere"}}).Status(404)
	s.get(hooksAt+"/-/edit?name=alpha1").Status(200).Says("#panel-title", "Configure webhook").Says("dialog header", "alpha1")
	s.get(hooksAt + "/-/edit?name=alpha1&name=beta22").Status(422)
	panel := s.htmx(http.MethodGet, hooksAt+"/-/edit?name=beta22", nil, hooksAt+"?status=enabled").Status(200).Lacks("main")
	if panel.Find("footer a[href='"+hooksAt+"?status=enabled']").Length() != 1 || panel.Value("#w-name") != "beta22" {
		t.Error("Cancel leads elsewhere than to the list as it was filtered")
	}
}

func TestPing(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.hooks[0].Status = webhook.Disabled // a ping works all the same
	at := hooksAt + "/deployprod"
	s.htmx(http.MethodPost, at+"/ping", nil, at).Status(200).Lacks("main").
		Says(".callout.ok", "Ping to deployprod answered 200 in 66 ms. hooks.example.com replied “ok” to event event-1.")
	to := s.post(at+"/ping", nil).LeadsLike(at + "?ping=").Place()
	s.get(to).Status(200).Says("#ping-result .callout.ok", "answered 200")
	s.get(at + "?ping=999").Status(200).Lacks("#ping-result .callout")
	s.hook("cachepurge")
	s.get(strings.Replace(to, "deployprod", "cachepurge", 1)).Status(200).Lacks("#ping-result .callout")
}

func TestPingThatFails(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.answer = delivery.Attempt{Started: noon, Status: 400, Cause: delivery.CauseStatus, Sentence: "hooks.example.com answered 400 Bad Request."}
	at := hooksAt + "/deployprod"
	s.htmx(http.MethodPost, at+"/ping", nil, at).Status(200).Says(".callout.bad", "answered 400").Says(".callout.bad", "A ping has neither target nor request")
	s.mem.answer = delivery.Attempt{Started: noon, Cause: delivery.CauseRefused, Sentence: "hooks.example.com refused the connection."}
	s.htmx(http.MethodPost, at+"/ping", nil, at).Status(200).Says(".callout.bad", "got no answer: Refused hooks.example.com refused the connection.")
}

func TestPingWhoseAnswerTakesLonger(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.answer = delivery.Attempt{}
	at := hooksAt + "/deployprod"
	waits := s.htmx(http.MethodPost, at+"/ping", nil, at).Status(200).Says(".callout", "Waiting for hooks.example.com to answer")
	news, _ := waits.Find("[hx-trigger=load]").Attr("hx-get")
	s.htmx(http.MethodGet, news, nil, at).Status(200).Says(".callout", "Waiting") // held until patience ends
	s.mem.answer = delivery.Attempt{Started: noon, Status: 204, Duration: 3 * time.Second}
	s.mem.send(&delivery.Feed{})
	s.htmx(http.MethodGet, news, nil, at).Status(200).Says(".callout.ok", "answered 204 in 3 s. hooks.example.com took event event-1.")
	s.get(strings.Replace(news, "/deliveries/", "/deliveries/9", 1)).Status(404)
}

func TestPingOfSelectedRows(t *testing.T) {
	s := newSite(t)
	s.hook("alpha1")
	s.hook("beta22")
	one := s.htmx(http.MethodPost, hooksAt+"/-/ping", url.Values{"name": {"alpha1"}}, hooksAt).Status(200)
	one.Says("hx-partial[hx-target='#ping-result']", "Ping to alpha1 answered 200").Says("hx-partial[hx-target='#hook-alpha1']", "200")
	s.post(hooksAt+"/-/ping", url.Values{"name": {"alpha1"}}).LeadsLike(hooksAt + "?ping=")
	s.mem.answer = delivery.Attempt{}
	both := url.Values{"name": {"alpha1", "beta22"}}
	many := s.htmx(http.MethodPost, hooksAt+"/-/ping", both, hooksAt).Status(200).Says("#toasts", "2 webhooks pinged")
	many.Says("hx-partial[hx-target='#hook-beta22'] .pill.live", "Sending")
	s.post(hooksAt+"/-/ping", both).Leads(hooksAt)
	s.get(hooksAt).Says(".toast", "2 webhooks pinged")
	if len(s.mem.deliveries) != 6 {
		t.Errorf("%d pings, want 6", len(s.mem.deliveries))
	}
}

func TestDelete(t *testing.T) {
	s := newSite(t)
	s.hook("deployprod")
	s.mem.stakes = delivery.Stakes{Waiting: 3, Past: 1204}
	at := hooksAt + "/deployprod/delete"
	ask := s.get(at).Status(200).Says("h1", "deployprod").Says("#dialog-title", "Delete webhook deployprod?").Says("label[for=d-confirm]", "Type deployprod to confirm")
	ask.Says(".why", "hooks.example.com").Says(".why", "3 deliveries that wait for their next attempt are dropped.").Says(".why", "The 1,204 past deliveries stay")
	s.htmx(http.MethodGet, at, nil, hooksAt+"/deployprod").Status(200).Lacks("main").Says("#dialog-title", "Delete webhook deployprod?")
	for _, typed := range []string{"", "deploy", "DEPLOYPROD"} {
		no := s.post(at, url.Values{"confirm": {typed}}).Status(422).Says("#d-confirm-said", "Nothing was deleted")
		if no.Value("#d-confirm") != typed || no.Find("main").Length() != 1 {
			t.Errorf("typed %q: it is to be kept, on the page", typed)
		}
		s.htmx(http.MethodPost, at, url.Values{"confirm": {typed}}, at).Status(422).Lacks("main").Says("#d-confirm-said", "Nothing was deleted")
	}
	if len(s.mem.hooks) != 1 {
		t.Fatal("deleted without its name")
	}
	s.post(at, url.Values{"confirm": {" deployprod "}}).Leads(hooksAt)
	s.get(hooksAt).Status(200).Says(".toast", "deployprod deleted").Says("h2", "No webhook is listening yet")
}

func TestDeleteOfSelectedRows(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"alpha1", "beta22", "gamma3"} {
		s.hook(name)
	}
	s.mem.stakes = delivery.Stakes{Past: 2}
	at := hooksAt + "/-/delete"
	ask := s.get(at+"?name=alpha1&name=gamma3").Status(200).Says("h1", "Webhooks").Says("#dialog-title", "Delete 2 webhooks?")
	ask.Says(".why", "alpha1, gamma3").Says(".why", "The 4 past deliveries").Says("label[for=d-confirm]", "Type delete 2 to confirm")
	both := url.Values{"name": {"alpha1", "gamma3"}}
	s.post(at, with(both, "confirm", "alpha1")).Status(422).Says("#d-confirm-said", "Type delete 2")
	s.htmx(http.MethodPost, at, with(both, "confirm", "delete 2"), hooksAt).Leads(hooksAt)
	if got := names(s.get(hooksAt).Says(".toast", "2 webhooks deleted")); got != "beta22" {
		t.Errorf("left: %s", got)
	}
	s.get(at+"?name=beta22").Status(200).Says("label[for=d-confirm]", "Type beta22 to confirm")
}
