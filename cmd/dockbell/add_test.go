package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dockbell/models/store"
	"dockbell/web/webtest"
)

// TestAddAndPing is the second journey: somebody opens the form, mistypes, corrects, creates, pings and sees the answer; by plain
// forms and by htmx.
func TestAddAndPing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *runningHouse, db func() *store.DB) {
		r, b := newRecorder(t), h.browser()
		h.addByForms(b, r)
		h.addByHTMX(b, r)
		h.createAndPing(b, r)
		h.stop()
		if got := r.everything(); got != 4 {
			t.Errorf("%d calls came in all, want 4 pings", got)
		}
		hooks, err := db().Webhooks(t.Context(), houseRegistry)
		if err != nil || len(hooks) != 3 {
			t.Fatalf("%d webhooks are stored, %v", len(hooks), err)
		}
		for _, hook := range hooks {
			if hook.CreatedBy != houseOwner || len(hook.SigningSecrets) != 1 {
				t.Errorf("%s is by %q with %d signing secrets", hook.Name, hook.CreatedBy, len(hook.SigningSecrets))
			}
		}
	})
}

// filled is the form as the page gave it, with what somebody typed.
func filled(page *webtest.Page, pairs ...string) url.Values {
	form := page.Form("dialog form")
	for i := 0; i+1 < len(pairs); i += 2 {
		form[pairs[i]] = strings.Fields(pairs[i+1])
	}
	return form
}

// message is what the form says is wrong with a control, in the element that its description points to.
func message(page *webtest.Page, control string) string {
	for _, id := range strings.Fields(page.Find("#"+control).AttrOr("aria-describedby", "")) {
		if bad := page.Find("#" + id + ".bad, #" + id + " .bad"); bad.Length() > 0 {
			return webtest.Squeeze(bad.Text())
		}
	}
	return ""
}

// addByForms goes the way of a browser without JavaScript.
func (h *runningHouse) addByForms(b *webtest.Browser, r *recorder) {
	t := h.t
	list := b.Get(hooksPath).Status(http.StatusOK).Says("main", "No webhook is listening yet")
	add := list.Find("a[href='" + hooksPath + "/new']").First()
	page := b.Get(add.AttrOr("href", "")).Status(http.StatusOK).Says("#panel-title", "webhook")
	bad := b.Send(hooksPath, filled(page, "name", "no-hyphens", "serviceUri", "ftp://example.com", "scope", "Team/API", "actions", "")).Status(http.StatusUnprocessableEntity)
	for control, typed := range map[string]string{"w-name": "no-hyphens", "w-uri": "ftp://example.com", "w-scope": "Team/API"} {
		if bad.Find("#"+control+"[aria-invalid=true]").Length() != 1 || bad.Value("#"+control) != typed {
			t.Errorf("%s does not say what is wrong with %q", control, typed)
		}
		if message(bad, control) == "" {
			t.Errorf("%s has no message of its own", control)
		}
	}
	b.Send(hooksPath, filled(bad, "name", "deployprod", "serviceUri", r.at("deployprod"), "scope", "team/api", "actions", "push delete")).
		Leads(hooksPath + "?new=deployprod")
	rows := rowsOf(b.Get(hooksPath).Status(http.StatusOK).Says(".toast", "deployprod created"), "#hooks-list tbody tr", "Name", "Actions", "Scope", "Status", "HTTP status")
	if want := []string{"deployprod pushdelete team/api Enabled –"}; !slices.Equal(rows, want) {
		t.Errorf("the list says %q, want %q", rows, want)
	}
	taken := b.Send(hooksPath, filled(bad, "name", "DeployProd", "serviceUri", r.at("x"), "scope", "", "actions", "push")).Status(http.StatusUnprocessableEntity)
	if said := message(taken, "w-name"); !strings.Contains(said, "already") {
		t.Errorf("a name that is taken: %q", said)
	}
	to := b.Post(hooksPath + "/deployprod/ping").LeadsLike(hooksPath + "/deployprod?ping=").Place()
	b.Get(to).Status(http.StatusOK).Says("#ping-result .callout.ok", "answered 200")
	h.wantsPing(r, "deployprod")
	h.wantsAnswer(b, "deployprod")
}

// addByHTMX does the same in the page: panels and parts instead of pages.
func (h *runningHouse) addByHTMX(b *webtest.Browser, r *recorder) {
	x := b.HTMX(hooksPath)
	panel := x.Get(hooksPath + "/new").Status(http.StatusOK).Lacks("main").Lacks("header.top")
	short := x.Send(hooksPath, filled(panel, "name", "x", "serviceUri", r.at("cachepurge"), "actions", "push")).Status(http.StatusUnprocessableEntity).Lacks("main")
	if said := message(short, "w-name"); !strings.Contains(said, "5") {
		h.t.Errorf("a short name: %q", said)
	}
	x.Send(hooksPath, filled(panel, "name", "cachepurge", "serviceUri", r.at("cachepurge"), "actions", "push")).Leads(hooksPath + "?new=cachepurge")
	x.Do(http.MethodPost, hooksPath+"/cachepurge/ping", nil).Status(http.StatusOK).Lacks("main").Says(".callout.ok", "answered 200")
	h.wantsPing(r, "cachepurge")
	h.wantsAnswer(b, "cachepurge")
}

// createAndPing makes a disabled webhook and pings it with one button: a ping goes out all the same.
func (h *runningHouse) createAndPing(b *webtest.Browser, r *recorder) {
	page := b.Get(hooksPath + "/new").Status(http.StatusOK)
	form := filled(page, "name", "auditsink", "serviceUri", r.at("auditsink"), "actions", "quarantine", "then", "ping")
	form.Del("status")
	to := b.Send(hooksPath, form).LeadsLike(hooksPath + "?new=auditsink&ping=").Place()
	b.Get(to).Status(http.StatusOK).Says(".toast", "auditsink created")
	h.wantsPing(r, "auditsink")
	h.wantsAnswer(b, "auditsink")
	b.Post(hooksPath + "/auditsink/ping").LeadsLike(hooksPath + "/auditsink?ping=")
	h.wantsPing(r, "auditsink")
}

// wantsPing wants one signed ping of 104 bytes.
func (h *runningHouse) wantsPing(r *recorder, hook string) {
	h.t.Helper()
	calls := r.take(1)
	if len(calls) != 1 || calls[0].hook != hook || len(calls[0].body) != 104 {
		h.t.Fatalf("%s was pinged with %+v", hook, calls)
	}
	c := calls[0]
	if c.header.Get("webhook-id") == "" || !strings.HasPrefix(c.header.Get("webhook-signature"), "v1,") {
		h.t.Errorf("the ping of %s is not signed: %v", hook, c.header)
	}
	for _, name := range []string{"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp"} {
		c.header.Del(name)
	}
	c.wantsAzure(h.t, "", fact{}, asker{})
}

// wantsAnswer looks for the answer in the webhook's row and in its history.
func (h *runningHouse) wantsAnswer(b *webtest.Browser, hook string) {
	h.t.Helper()
	rows := rowsOf(b.Get(hooksPath).Status(http.StatusOK), "#hooks-list tbody tr", "Name", "HTTP status")
	if !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, hook+" 200") }) {
		h.t.Errorf("the list does not show the answer of %s: %q", hook, rows)
	}
	rows = rowsOf(b.Get(hooksPath+"/"+hook).Status(http.StatusOK), "#dl-body tr", "Action", "Image", "HTTP status", "Attempts")
	if want := []string{"ping – 200 1"}; !slices.Equal(rows, want) {
		h.t.Errorf("the history of %s is %q, want %q", hook, rows, want)
	}
}
