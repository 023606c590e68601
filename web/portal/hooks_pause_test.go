package portal_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// TestPauseAndResume walks through both: what is kept is told everywhere, and resuming asks with numbers.
func TestPauseAndResume(t *testing.T) {
	h := newHouse(t)
	hook := h.listens("deployprod", "https://hooks.example.com/", webhook.Draft{})
	b := h.signedIn(owner, account.Owner)
	const list = "/registries/mycontainerregistry/webhooks"
	const at = list + "/deployprod"
	b.Get(at).Says(".cmdbar, main", "Pause")
	b.Post(at + "/pause").Leads(at)
	b.Get(at).Says("#toasts", "deployprod paused").Says("#hook-status", "Paused").Says("#hook-notice", "Nothing waits yet")

	var last string
	for _, tag := range []string{"v1", "v1", "v2"} {
		last = h.push("team/api", tag)
		h.wait(time.Second)
	}
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{Registry: hook.Registry})
	h.must(err)
	newest := page.Deliveries[0]
	b.Get(at).Says("#hook-notice", "3 deliveries wait").Says("#dl-body", "Kept").Says("#dl-body", "once resumed")
	b.Get(list).Says("#hooks-body", "Paused").Says("#hooks-facts", "1 enabled, 1 of them paused")
	b.Get(list+"?status=paused").Says("#hooks-body", "deployprod")
	b.Get("/registries/mycontainerregistry/events/"+string(newest.EventID)).Says("main", "Kept: the webhook is paused.")
	b.Get("/registries/mycontainerregistry/deliveries/"+newest.ID.String()).Says("#attempts", "1st try is kept").Says("#dl-sentence", "Resume it to send what waits.")

	b.Get(at+"/resume").Status(http.StatusOK).Says("dialog", "3 deliveries").Says("dialog", "2 deliveries; 1 older one is dropped").Says("dialog", "3 deliveries are dropped")
	b.Post(at+"/resume", "send", "some").Status(http.StatusUnprocessableEntity).Says("#err-sum", "Choose what is sent")
	b.Post(at+"/resume", "send", "all", "rate", "many").Status(http.StatusUnprocessableEntity).Says("dialog", "The rate is a whole number")
	h.signedIn("rea", account.Reader).Post(at+"/resume", "send", "all").Status(http.StatusForbidden)
	b.Post(at+"/resume", "send", "newest", "rate", "30").Leads(at)
	b.Get(at).Says("#toasts", "2 deliveries go out, 30 a minute. 1 delivery was dropped.").Says("#hook-status", "Enabled").Says("#dl-body", "cancelled")
	b.Post(at+"/resume", "send", "all").Status(http.StatusUnprocessableEntity).Says("#err-sum", "is not paused")

	jobs, err := h.db.Claim(t.Context(), 9, delivery.Caps{Default: 4}, time.Minute)
	h.must(err)
	if len(jobs) != 1 || jobs[0].Delivery.Action != event.Push {
		t.Errorf("%d deliveries at once of 30 a minute, last push %s", len(jobs), last)
	}
}

// TestTheFormSetsThePace and says at the fields what cannot be.
func TestTheFormSetsThePace(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	const list = "/registries/mycontainerregistry/webhooks"
	fields := func(inFlight, rate string) []string {
		return []string{
			"name", "deployprod", "location", "local", "serviceUri", "https://hooks.example.com/", "actions", "push", "status", "enabled",
			"retry", "default", "maxInFlight", inFlight, "rate", rate,
		}
	}
	for _, c := range [][]string{{"17", ""}, {"0x1", "5"}, {"4", "60001"}, {"-1", "half"}} {
		p := b.Post(list, fields(c[0], c[1])...).Status(http.StatusUnprocessableEntity).Says("dialog, aside", "attention")
		if got := p.Value("#w-in-flight") + "," + p.Value("#w-rate"); got != c[0]+","+c[1] {
			t.Errorf("%v: the form keeps %s", c, got)
		}
	}
	b.Post(list, append(fields("2", "90"), "ordered", "on")...).Status(http.StatusSeeOther)
	b.Get(list+"/deployprod").Says("main", "At most 2 at a time, at most 90 a minute; in the order of each repository")
	p := b.Get(list + "/deployprod/edit").Status(http.StatusOK)
	if got := p.Value("#w-in-flight") + "," + p.Value("#w-rate"); got != "2,90" {
		t.Errorf("the form of what is stored: %s", got)
	}
}

// TestAnOrderedWebhookIsSentInOrder by the real dispatcher: each delivery is followed by the next one, without waiting for a look.
func TestAnOrderedWebhookIsSentInOrder(t *testing.T) {
	h := newHouse(t)
	r := newReceiver(t, http.StatusOK, "")
	hook := h.listens("deployprod", r.url, webhook.Draft{Ordered: new(true)})
	_, err := h.portal.Webhooks.Pause(t.Context(), hook.Registry, hook.Name, owner)
	h.must(err)
	var want []string
	for i := range 20 {
		tag := "v" + strconv.Itoa(i)
		h.push("team/api", tag)
		h.wait(time.Millisecond)
		want = append(want, tag)
	}
	h.dispatches()
	h.wait(time.Second)
	_, _, err = h.portal.Controls.Resume(t.Context(), hook.Registry, hook.Name, delivery.Resume{Send: delivery.SendAll, By: owner})
	h.must(err)
	h.settled()
	bodies, _ := r.taken("X")
	var got []string
	for _, body := range bodies {
		_, tag, _ := strings.Cut(body, `"tag":"`)
		tag, _, _ = strings.Cut(tag, `"`)
		got = append(got, tag)
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// TestADeadEndpointIsToldOf on the page of its webhook, with the next try.
func TestADeadEndpointIsToldOf(t *testing.T) {
	h := newHouse(t)
	h.listens("deployprod", "http://127.0.0.1:9/", webhook.Draft{})
	b := h.signedIn(owner, account.Owner)
	const at = "/registries/mycontainerregistry/webhooks/deployprod"
	for range delivery.DeadAfter + 2 {
		h.push("team/api", "v1")
	}
	b.Get(at).Lacks("#hook-notice .callout")
	jobs, err := h.db.Claim(t.Context(), 5, delivery.Caps{Default: 9}, time.Minute)
	h.must(err)
	var done []delivery.Done
	for _, job := range jobs {
		a := delivery.Attempt{DeliveryID: job.Delivery.ID, Number: 1, Started: h.Now(), Cause: delivery.CauseRefused}
		done = append(done, delivery.Next(job, a, h.Now(), nil))
	}
	h.must(h.db.Finish(t.Context(), done))
	next := h.Now().Add(delivery.FirstGap).UTC().Format("15:04:05 UTC")
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{})
	h.must(err)
	b.Get(at).Says("#dl-body", "Waiting").Says("#dl-body", "probe in ")
	b.Get("/registries/mycontainerregistry/deliveries/"+page.Deliveries[0].ID.String()).Says("#delivery-head", "Waits for the endpoint").
		Says("#dl-sentence", "tried again at "+next).Says("#dl-sentence", "no receiver was found since")
	b.Get(at).Says("#hook-notice", "Nothing answers at 127.0.0.1:9. Dockbell probes it.").Says("#hook-notice", "5 attempts in a row").Says("#hook-notice", "next try at "+next)
}

// TestWhatComesBehindAnotherNamesIt: the list and the page lead to the delivery that is waited for.
func TestWhatComesBehindAnotherNamesIt(t *testing.T) {
	h := newHouse(t)
	hook := h.listens("deployprod", "https://hooks.example.com/", webhook.Draft{Ordered: new(true)})
	for range 2 {
		h.push("team/api", "v1")
		h.wait(time.Second)
	}
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{Registry: hook.Registry})
	h.must(err)
	b := h.signedIn(owner, account.Owner)
	const at = "/registries/mycontainerregistry/deliveries"
	first, second := at+"/"+page.Deliveries[1].ID.String(), at+"/"+page.Deliveries[0].ID.String()
	b.Get(at).Says("#dl-body a[href='"+first+"']:not(.name)", "behind another").Lacks("#dl-body a[href='" + second + "']:not(.name)")
	b.Get(second).Says("#delivery-head", "Waits behind another delivery").Says("#dl-sentence", "of the same repository").Says("#dl-sentence a[href='"+first+"']", "Show that delivery")
	b.Get(first).Lacks("#dl-sentence .callout").Says("#delivery-head", "Waiting to be sent")
}

// TestPauseResumeAndDropInTheList: the commands work on what is selected, with the sum of what waits before; a disabled webhook stays as
// it is.
func TestPauseResumeAndDropInTheList(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"alpha1", "beta22", "gamma3", "delta4"} {
		h.listens(name, "https://hooks.example.com/", webhook.Draft{})
	}
	_, err := h.portal.Webhooks.SetStatus(t.Context(), "mycontainerregistry", "gamma3", webhook.Disabled, owner)
	h.must(err)
	b := h.signedIn(owner, account.Owner)
	const list = "/registries/mycontainerregistry/webhooks"
	const three = "?name=alpha1&name=beta22&name=gamma3"
	b.Get(list).Says(".cmdbar", "Pause").Says(".cmdbar", "Resume").Says(".cmdbar", "Drop waiting")
	b.Get(list+"/-/resume"+three).Status(http.StatusUnprocessableEntity).Says("main", "None of the selected webhooks is paused.")
	part := b.HTMX(list).Post(list+"/-/pause", "name", "alpha1", "name", "beta22", "name", "gamma3").Says("#toasts", "2 webhooks paused").
		Says("#toasts", "1 webhook is disabled and stays so").Says("hx-partial[hx-target='#hook-alpha1']", "Paused").Says("hx-partial[hx-target='#hooks-facts']", "2 of them paused")
	if part.Find("hx-partial[hx-target='#hook-delta4']").Length() != 0 {
		t.Error("a webhook that was not selected is drawn anew")
	}
	b.Post(list+"/-/pause", "name", "alpha1").Leads(list)
	b.Get(list).Says("#toasts", "Nothing to pause")
	for _, repository := range []string{"team/api", "team/api", "team/web"} {
		h.push(repository, "v1")
		h.wait(time.Second)
	}
	b.Get(list+"/-/drop"+three).Says("dialog h2, dialog header", "Drop what waits for 3 webhooks").Says("dialog", "6 deliveries wait.").Says("main", "alpha1")
	b.HTMX(list).Get(list+"/-/drop"+three+"&repository=team/web").Says("dialog", "2 deliveries wait.").Lacks("main")
	b.Post(list+"/-/drop", "name", "alpha1", "name", "beta22", "repository", "team/web").Leads(list)
	b.Get(list).Says("#toasts", "2 deliveries were dropped")

	dialog := b.Get(list+"/-/resume"+three).Says("dialog", "Resume 2 webhooks").Says("dialog", "4 deliveries").Says("dialog", "2 deliveries; 2 older ones are dropped")
	if n := dialog.Find("dialog input[name=name]").Length(); n != 2 {
		t.Errorf("the dialog is about %d webhooks, want the two that are paused", n)
	}
	b.Post(list+"/-/resume", "name", "alpha1", "name", "beta22", "send", "all", "rate", "many").Status(http.StatusUnprocessableEntity).Says("dialog", "The rate is a whole number")
	h.signedIn("rea", account.Reader).Post(list+"/-/resume", "name", "alpha1", "send", "all").Status(http.StatusForbidden)
	b.Post(list+"/-/resume", "name", "alpha1", "name", "beta22", "send", "newest").Leads(list)
	b.Get(list).Says("#toasts", "2 webhooks resumed").Says("#toasts", "2 deliveries go out now. 2 deliveries were dropped.").Says("#hooks-facts", "3 enabled")
}
