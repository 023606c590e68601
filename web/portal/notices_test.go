package portal_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/notice"
	"dockbell/models/webhook"
	"dockbell/views"
)

// answered pushes an image for each webhook and has its delivery end with this status, for good.
func (h *house) answered(status int) {
	h.t.Helper()
	ctx := h.t.Context()
	h.must(h.portal.Outbox.Publish(ctx, event.Event{
		ID: h.portal.Outbox.NewID(), Registry: "mycontainerregistry", Location: "local", Action: event.Push, Time: h.Now(),
		Target: event.Target{Repository: "team/web", Tag: "v1", Digest: "sha256:0"},
	}))
	jobs, err := h.db.Claim(ctx, 10, delivery.Caps{Default: 10}, time.Minute)
	h.must(err)
	var done []delivery.Done
	for _, job := range jobs {
		job.Webhook.Retry = webhook.RetryPolicy{Kind: webhook.RetryNone}
		a := delivery.Attempt{DeliveryID: job.Delivery.ID, Number: job.Delivery.Attempts, Started: h.Now(), Status: status}
		if status > 299 {
			a.Cause, a.Sentence = delivery.CauseStatus, "The receiver answered with an error. Look at its log."
		}
		done = append(done, delivery.Next(job, a, h.Now(), nil))
	}
	h.must(h.db.Finish(ctx, done))
}

func TestNoticesRingTheBellUntilTheyAreSeen(t *testing.T) {
	h := newHouse(t)
	h.webhook("deployprod")
	b, other := h.signedIn(owner, account.Owner), h.signedIn("rita", account.Reader)
	bell := func(want string) {
		t.Helper()
		if got := b.Get("/").Status(http.StatusOK).Find("#bell").AttrOr("aria-label", ""); got != want {
			t.Errorf("the bell says %q, want %q", got, want)
		}
	}
	bell("Notices")
	b.Get("/notices").Status(http.StatusOK).Says("#main", "No notices")
	h.answered(500)
	h.answered(500)
	bell("Notices, 1 new")
	page := b.Get("/notices").Status(http.StatusOK).Says("#notices", "deployprod").Says("#notices", "Began to fail").Says("#notices", "Look at its log.").Says("#notices", "New")
	if n := page.Find("#notices tr").Length(); n != 1 {
		t.Errorf("%d notices of two failures", n)
	}
	if !strings.HasPrefix(page.Find("#notices td a").Last().AttrOr("href", ""), "/registries/mycontainerregistry/deliveries/") {
		t.Error("no way to the delivery")
	}
	bell("Notices")
	if b.Get("/notices").Find("#notices .badge").Length() != 0 {
		t.Error("what was seen is still new")
	}
	h.answered(200)
	bell("Notices, 1 new")
	if live := b.HTMX("/").Get("/?live=1"); live.Find("hx-partial #bell").AttrOr("aria-label", "") != "Notices, 1 new" {
		t.Errorf("the home page is renewed without its bell: %s", live.Body)
	}
	for _, open := range []string{"/notices", "/registries/mycontainerregistry/notices"} {
		live := b.HTMX(open).Get(open+"?live=1").Status(http.StatusOK).Says("#notices", "Recovered")
		if live.Find("#n-recipients, header.top").Length() != 0 || live.Find("#bell").AttrOr("aria-label", "") != "Notices, 1 new" {
			t.Errorf("%s is renewed by more than its list and the bell: %s", open, live.Body)
		}
	}
	bell("Notices, 1 new")
	b.Get("/registries/mycontainerregistry/notices").Status(http.StatusOK).Says("#notices", "Recovered")
	bell("Notices")
	if got := other.Get("/").Find("#bell").AttrOr("aria-label", ""); got != "Notices, 2 new" {
		t.Errorf("who has seen none hears %q", got)
	}
}

func TestWhatIsNewElsewhereStaysNew(t *testing.T) {
	h := newHouse(t)
	h.registry("secondregistry")
	h.webhook("deployprod")
	h.answered(500)
	b := h.signedIn(owner, account.Owner)
	b.Get("/registries/secondregistry/notices").Status(http.StatusOK)
	if got := b.Get("/").Find("#bell").AttrOr("aria-label", ""); got != "Notices, 1 new" {
		t.Errorf("the bell says %q", got)
	}
}

func TestWhoIsToldOfNotices(t *testing.T) {
	h := newHouse(t)
	const page = "/registries/mycontainerregistry/notices"
	h.webhook("deployprod")
	h.webhook("chatops")
	_, err := h.portal.Webhooks.Update(t.Context(), webhook.Draft{Registry: "mycontainerregistry", Name: "chatops", Format: new("slack")}, 0, owner)
	h.must(err)
	b := h.signedIn(owner, account.Owner)
	if got := b.Get(page).Status(http.StatusOK).Find("#n-webhook option").Text(); got != "Nonechatops" {
		t.Errorf("to choose from: %q", got)
	}
	refused := b.Post(page, "recipients", "ada@example.com\nnobody", "webhook", "deployprod").Status(http.StatusUnprocessableEntity)
	refused.Says("#n-recipients-said", "nobody").Says("#n-webhook-said", "deployprod").Says("#n-recipients", "ada@example.com")
	b.Post(page, "recipients", "ada@example.com\nmei@example.com", "webhook", "ChatOps").Leads(page)
	saved := b.Get(page).Says("#n-recipients", "mei@example.com")
	if got := saved.Find("#n-webhook option[selected]").Text(); got != "chatops" {
		t.Errorf("chosen: %q", got)
	}
	b.Get("/settings/audit").Says("#main", "notices.update").Says("#main", "mei@example.com")
	if s := h.signedIn("rita", account.Reader); s.Post(page, "recipients", "").Code != http.StatusForbidden || s.Get(page).Find("form.card button").Length() != 0 {
		t.Error("a reader changes who is told")
	}
}

// postOffice keeps the mails that it was given, or refuses them.
type postOffice struct {
	taken []notice.Mail
	err   error
}

func (o *postOffice) Send(_ context.Context, m notice.Mail) error {
	if o.err == nil {
		o.taken = append(o.taken, m)
	}
	return o.err
}

func TestATestMail(t *testing.T) {
	h := newHouse(t)
	const page = "/registries/mycontainerregistry/notices"
	b := h.signedIn(owner, account.Owner)
	b.Get(page).Says("#n-recipients-hint", "DOCKBELL_SMTP_URL")
	b.Post(page + "/test").Leads(page)
	b.Get(page).Says("#toasts", "Nobody to mail to")
	office := &postOffice{}
	h.portal.Post = office
	b.Post(page, "recipients", "ada@example.com").Leads(page)
	b.Post(page + "/test").Leads(page)
	b.Get(page).Says("#toasts", "Test mail sent")
	if len(office.taken) != 1 || office.taken[0].To != "ada@example.com" || office.taken[0].Notice.Kind != notice.Test {
		t.Errorf("mails: %+v", office.taken)
	}
	office.err = &notice.Sentence{Words: "The mail server knows no ada.", Cause: errors.New("550 5.1.1")}
	b.Post(page + "/test").Leads(page)
	b.Get(page).Says("#toasts", "was not taken").Says("#toasts", "The mail server knows no ada.")
}

// TestAMailThatWasNotTakenIsToldOf on the page of the registry, with what comes next.
func TestAMailThatWasNotTakenIsToldOf(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.webhook("deployprod")
	h.must(h.portal.Told.Replace(ctx, "mycontainerregistry", "ada@example.com", ""))
	h.answered(500)
	office := &postOffice{err: &notice.Sentence{Words: "The mail server is away."}}
	teller := &notice.Teller{Store: h.db, Post: office, Now: h.Now, Log: h.portal.Log}
	h.must(teller.PassOn(ctx))
	h.must(teller.SendMails(ctx))
	b := h.signedIn(owner, account.Owner)
	b.Get("/registries/mycontainerregistry/notices").Says("#main", "A mail to ada@example.com was not taken").Says("#main", "The mail server is away. It is tried again")
	office.err = nil
	h.wait(time.Hour)
	h.must(teller.SendMails(ctx))
	if page := b.Get("/registries/mycontainerregistry/notices"); strings.Contains(page.Body, "was not taken") || len(office.taken) != 1 {
		t.Errorf("%d mails taken, and the page still complains", len(office.taken))
	}
}

// TestNoticesGoThroughAnotherWebhook as ordinary deliveries, once each, and never about itself.
func TestNoticesGoThroughAnotherWebhook(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.webhook("deployprod")
	h.webhook("chatops")
	chat, err := h.portal.Webhooks.Update(ctx, webhook.Draft{Registry: "mycontainerregistry", Name: "chatops", Format: new("slack")}, 0, owner)
	h.must(err)
	h.must(h.portal.Told.Replace(ctx, "mycontainerregistry", "", "chatops"))
	teller := &notice.Teller{Store: h.db, Now: h.Now, Log: h.portal.Log, Hand: func(ctx context.Context, n notice.Notice, to webhook.Webhook) error {
		return errors.Join(h.portal.Outbox.Notify(ctx, n, to, "https://dock.example.com"+views.WebhookPath(n.Registry, n.Webhook)), h.portal.Outbox.Notify(ctx, n, to, ""))
	}}
	h.answered(500) // both fail
	h.must(teller.PassOn(ctx))
	all, err := h.db.Deliveries(ctx, delivery.Filter{WebhookID: chat.ID, Action: event.Noticed})
	h.must(err)
	if len(all.Deliveries) != 1 || all.Deliveries[0].State != delivery.Pending {
		t.Fatalf("%d deliveries of two notices, one of which is about the webhook itself: %+v", len(all.Deliveries), all.Deliveries)
	}
	d, err := h.db.Delivery(ctx, "mycontainerregistry", all.Deliveries[0].ID)
	h.must(err)
	if body := string(d.Body); !strings.Contains(body, "The webhook deployprod began to fail") || !strings.Contains(body, "<https://dock.example.com/registries/mycontainerregistry/webhooks/deployprod|Open in Dockbell>") {
		t.Errorf("the body is %s", body)
	}
	b := h.signedIn(owner, account.Owner)
	b.Get("/registries/mycontainerregistry/deliveries?action=notice").Says("#dl-body", "notice")
	b.Get(views.DeliveryPath("mycontainerregistry", d.ID)).Status(http.StatusOK).Says("#main", "The webhook deployprod began to fail")
	b.Get(views.EventPath("mycontainerregistry", d.EventID)).Status(http.StatusOK).Says("#main", "Another webhook began to fail")
	_, err = h.portal.Webhooks.SetStatus(ctx, "mycontainerregistry", "chatops", webhook.Disabled, owner)
	h.must(err)
	h.wait(time.Hour)
	h.answered(200) // deployprod alone
	h.must(teller.PassOn(ctx))
	if all, err = h.db.Deliveries(ctx, delivery.Filter{WebhookID: chat.ID, Action: event.Noticed}); err != nil || len(all.Deliveries) != 1 {
		t.Errorf("a disabled webhook has %d notices (%v)", len(all.Deliveries), err)
	}
}
