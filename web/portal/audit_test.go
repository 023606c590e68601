package portal_test

import (
	"strings"
	"testing"

	"dockbell/models/account"
)

// TestTheAuditLogTellsWhatThePortalChanged: by whom, and with the portal; people and tokens too; nobody but owners reads it.
func TestTheAuditLogTellsWhatThePortalChanged(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Post("/settings/users", "name", "ben", "password", "several unusual words", "role", "reader").Leads("/settings/users")
	b.Post("/settings/tokens", "name", "ci deploy", "role", "contributor", "registry", "mycontainerregistry").Status(201)
	b.Post("/settings/networks", "networks", "10.0.0.0/8").Leads("/settings/networks")
	page := b.Get("/settings/audit").Status(200)
	rows := page.Find("tbody tr")
	for i, want := range []string{
		owner + " portal allowedNetworks.update allowed networks ranges: – → 10.0.0.0/8", owner + " portal token.create ci deploy role: – → contributor",
		owner + " portal user.create ben role: – → reader",
	} {
		if got := strings.Join(strings.Fields(rows.Eq(i).Text()), ""); !strings.Contains(got, strings.ReplaceAll(want, " ", "")) {
			t.Errorf("line %d says %q, not %q", i, got, want)
		}
	}
	if got := b.Get("/settings/audit?q=user.create").Status(200).Find("tbody tr").Length(); got != 2 { // the owner's too
		t.Errorf("%d changes match user.create", got)
	}
	b.Get("/settings/audit?q=no-such-thing").Status(200).Says("tbody", "No change matches")
	for range 30 {
		b.Post("/settings/networks", "networks", "10.0.0.0/8").Leads("/settings/networks")
	}
	first := b.Get("/settings/audit").Status(200)
	older, there := first.Find(".pager a").Last().Attr("href")
	if !there {
		t.Fatal("there is no way to older changes")
	}
	b.Get(older).Status(200).Says("tbody", "ci deploy")
	h.signedIn("reader1", account.Reader).Get("/settings/audit").Status(403)
}

// TestShowingASecretIsRecorded: on a page and in a fragment alike; a page that shows none is no line.
func TestShowingASecretIsRecorded(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	const hooks = "/registries/mycontainerregistry/webhooks"
	b.Send(hooks, with(draft(), "location", "local")).LeadsLike(hooks)
	recorded := func(want int) {
		t.Helper()
		page := b.Get("/settings/audit?q=webhook.getSigningSecrets").Status(200)
		if want == 0 {
			page.Says("tbody", "No change matches")
			return
		}
		if got := page.Says("tbody", "deployprod").Says("tbody", owner).Find("tbody tr").Length(); got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
	}
	b.Get(hooks + "/deployprod").Status(200).Lacks("#signing code")
	recorded(0)
	b.Post(hooks+"/deployprod/secret").Status(200).Says("#signing code", "whsec_")
	recorded(1)
	b.HTMX(hooks+"/deployprod").Do("POST", hooks+"/deployprod/secret", nil).Status(200).Says("code", "whsec_")
	recorded(2)
}
