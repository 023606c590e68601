package portal_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// TestRecoverFailed walks the way back after a receiver was repaired: the command appears, asks with numbers, and sends again.
func TestRecoverFailed(t *testing.T) {
	h := newHouse(t)
	h.portal.Registries, h.portal.History = h.db, h.db
	h.portal.Outbox = &delivery.Outbox{
		Store: h.db, Now: h.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(h.Now).Next,
	}
	b := h.signedIn(owner, account.Owner)
	hook := h.webhook("deployprod")
	const at = "/registries/mycontainerregistry/webhooks/deployprod"
	b.Get(at).Status(http.StatusOK).Lacks(`a[href="` + at + `/recover"]`)

	ev := event.Event{ID: event.ID(uuid.NewString()), Registry: hook.Registry, Location: hook.Location, Action: event.Push, Time: h.Now(), Target: event.Target{Repository: "api", Tag: "v1"}}
	h.must(h.portal.Outbox.Publish(t.Context(), ev))
	jobs, err := h.db.Claim(t.Context(), 1, delivery.Caps{Default: 4}, time.Minute)
	h.must(err)
	a := delivery.Attempt{DeliveryID: jobs[0].Delivery.ID, Number: 1, Started: h.Now(), Duration: time.Second, Status: 500, Cause: delivery.CauseStatus}
	done := delivery.Next(jobs[0], a, h.Now(), nil)
	done.Delivery.State, done.Delivery.Next = delivery.Failed, time.Time{} // as after the last retry
	h.must(h.db.Finish(t.Context(), []delivery.Done{done}))
	h.wait(time.Minute)

	b.Get(at).Says(".cmdbar, main", "Recover failed")
	p := b.Get(at+"/recover").Status(http.StatusOK).Says("dialog", "Since it began to fail").Says("dialog", "1 delivery")
	since := p.Value("dialog input[checked]")
	b.Post(at+"/recover", "since", "yesterday").Status(http.StatusUnprocessableEntity).Says("#err-sum", "Choose since when")
	b.Post(at+"/recover", "since", since).Leads(at)
	b.Get(at).Says("#toasts", "1 delivery is sent again")
	const notice = "#hook-recovery"
	b.Get(at).Says(notice, "Recovering since ").Says(notice, "0 of 1 delivery arrived, 1 to be sent.")
	b.Get(at+"/recover/progress").Says(notice+"[hx-get='"+at+"/recover/progress']", "1 to be sent")
	if del, err := h.db.Delivery(t.Context(), hook.Registry, jobs[0].Delivery.ID); err != nil || del.State != delivery.Pending || del.Retries != 0 {
		t.Errorf("%+v, %v", del, err)
	}
	h.wait(time.Second)
	jobs, err = h.db.Claim(t.Context(), 1, delivery.Caps{Default: 4}, time.Minute)
	h.must(err)
	a = delivery.Attempt{DeliveryID: jobs[0].Delivery.ID, Number: 2, Started: h.Now(), Status: 500, Cause: delivery.CauseStatus}
	h.must(h.db.Finish(t.Context(), []delivery.Done{delivery.Next(jobs[0], a, h.Now(), nil)}))
	b.Get(at).Says(notice, "Recovered at ").Says(notice, "0 of 1 delivery arrived, 1 failed again.").Lacks(notice + "[hx-get]")
	h.wait(time.Hour + time.Second)
	b = h.signedIn("ola", account.Owner)
	b.Get(at).Lacks(notice + " .callout")
	b.Post(at+"/recover", "since", since).Leads(at)
	b.Post(at+"/recover", "since", since).Leads(at)
	b.Get(at).Says("#toasts", "Nothing to recover")

	_, err = h.portal.Webhooks.SetStatus(t.Context(), hook.Registry, hook.Name, webhook.Disabled, owner)
	h.must(err)
	b.Post(at+"/recover", "since", since).Status(http.StatusUnprocessableEntity).Says("#err-sum", "is disabled")
	h.signedIn("rea", account.Reader).Post(at+"/recover", "since", since).Status(http.StatusForbidden)
}
