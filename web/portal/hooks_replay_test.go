package portal_test

import (
	"net/http"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

// TestANewWebhookGetsWhatItMissed: counted before, made by the worker, told on the page and on the page of the event.
func TestANewWebhookGetsWhatItMissed(t *testing.T) {
	h := newHouse(t)
	r := newReceiver(t, http.StatusOK, "")
	h.listens("firsthook", r.url, webhook.Draft{})
	for _, tag := range []string{"v1", "v2", "v3"} {
		h.push("team/api", tag)
		h.wait(time.Minute)
	}
	h.dispatches()
	h.settled()
	hook := h.listens("latehook", r.url, webhook.Draft{})
	b := h.signedIn(owner, account.Owner)
	const at = "/registries/mycontainerregistry/webhooks/latehook"
	b.Get(at).Says(".cmdbar, main", "Send again")
	b.Get(at+"/replay").Status(http.StatusOK).Says("dialog", "3 deliveries would be sent.")
	since := h.Now().Add(-2 * time.Minute).UTC().Format("2006-01-02T15:04:05")
	b.Get(at+"/replay?kind=missed&from="+since).Says("dialog", "2 deliveries would be sent.")
	b.Get(at+"/replay?kind=again").Says("dialog", "0 deliveries would be sent.")
	b.Get(at+"/replay?from=yesterday").Status(http.StatusUnprocessableEntity).Says("dialog", "Write the time in UTC")
	b.Post(at+"/replay", "kind", "missed", "to", "soon").Status(http.StatusUnprocessableEntity).Says("dialog", "Write the time in UTC")
	b.Post(at+"/replay", "kind", "some").Status(http.StatusUnprocessableEntity).Says("#err-sum", "Choose what is sent")
	h.signedIn("rea", account.Reader).Post(at+"/replay", "kind", "missed").Status(http.StatusForbidden)

	b.Post(at+"/replay", "kind", "missed").Leads(at)
	b.Get(at).Says("#toasts", "3 deliveries are sent again").Says("#hook-replay", "Sending again: 0 of 3 deliveries so far.")
	b.Post(at+"/replay", "kind", "again").Status(http.StatusUnprocessableEntity).Says("#err-sum", "is under way")
	h.must(h.portal.Replays.Work(t.Context()))
	h.settled()
	b.Get(at).Says("#hook-replay", "Sent again at").Says("#hook-replay", "3 deliveries").Says("#dl-body", "v2")
	b.Get(at+"/replay/progress").Says("#hook-replay", "3 deliveries")
	page, err := h.db.Deliveries(t.Context(), delivery.Filter{WebhookID: hook.ID})
	h.must(err)
	if len(page.Deliveries) != 3 || page.Deliveries[0].State != delivery.Delivered {
		t.Fatalf("%d deliveries, the last %+v", len(page.Deliveries), page.Deliveries[0])
	}
	b.Get("/registries/mycontainerregistry/events/"+string(page.Deliveries[0].EventID)).Says("main", "latehook").Says("main", "Somebody sent it later.").Says("main", "2 of 2 webhooks fired")
	b.Get(at+"/replay?kind=again").Says("dialog", "3 deliveries would be sent.")
}

// TestDropWhatWaits: counted before, by repository or all.
func TestDropWhatWaits(t *testing.T) {
	h := newHouse(t)
	h.listens("deployprod", "https://hooks.example.com/", webhook.Draft{})
	b := h.signedIn(owner, account.Owner)
	const at = "/registries/mycontainerregistry/webhooks/deployprod"
	b.Get(at).Lacks(`a[href="` + at + `/drop"]`)
	b.Post(at + "/pause").Leads(at)
	for _, repository := range []string{"team/api", "team/api", "team/web"} {
		h.push(repository, "v1")
	}
	h.wait(time.Second)
	b.Get(at).Says(".cmdbar, main", "Drop waiting")
	b.Get(at+"/drop").Says("dialog", "3 deliveries wait.")
	b.Get(at+"/drop?repository=team/web").Says("dialog", "1 delivery waits.")
	b.Get(at+"/drop?retries=on").Says("dialog", "0 deliveries wait.")
	b.Post(at+"/drop", "repository", "team/web").Leads(at)
	b.Get(at).Says("#toasts", "1 delivery was dropped").Says("#hook-notice", "2 deliveries wait")
	b.Post(at + "/drop").Leads(at)
	b.Get(at).Says("#toasts", "2 deliveries were dropped").Says("#hook-notice", "Nothing waits yet")
	h.signedIn("rea", account.Reader).Post(at + "/drop").Status(http.StatusForbidden)
}
