package portal_test

import (
	"net/http"
	"testing"

	"dockbell/models/account"
	"dockbell/models/keeping"
)

func TestDataRetention(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	holds := func(history, counters, audit, inbox string) {
		t.Helper()
		page := b.Get("/settings/retention").Status(http.StatusOK)
		for id, want := range map[string]string{"history": history, "counters": counters, "audit": audit, "inbox": inbox} {
			if got := page.Find("#k-"+id).AttrOr("value", ""); got != want {
				t.Errorf("%s holds %q, want %q", id, got, want)
			}
		}
	}
	holds("30", "400", "730", "30")
	b.Get("/settings/retention").Says("#k-audit-hint", "Set by DOCKBELL_KEEP_AUDIT")

	refused := b.Post("/settings/retention", "history", "3", "counters", "a year", "audit", "1", "inbox", "7").Status(http.StatusUnprocessableEntity)
	refused.Says("#k-history-said", "from 7 to 3650").Says("#k-counters-said", "from 7 to 3650")
	if got := refused.Find("#k-counters").AttrOr("value", ""); got != "a year" {
		t.Errorf("what was typed is %q", got)
	}
	if n := refused.Find("#k-audit-said, #k-inbox-said").Length(); n != 0 {
		t.Errorf("%d fields complain that were right or are fixed", n)
	}
	holds("30", "400", "730", "30")

	b.Post("/settings/retention", "history", "90", "counters", "0", "audit", "7", "inbox", "7").Leads("/settings/retention")
	holds("90", "0", "730", "7")
	b.Get("/settings/audit").Says("#main", "dataRetention.update").Says("#main", "history")
	if got, err := h.portal.Keeping.Periods(t.Context()); err != nil || got[keeping.History] != 90 || got[keeping.Counters] != keeping.Forever || got[keeping.Audit] != 730 {
		t.Errorf("the periods are %v, %v", got, err)
	}
	if s := h.signedIn("rita", account.Reader).Get("/settings/retention"); s.Code != http.StatusForbidden {
		t.Errorf("a reader gets %d", s.Code)
	}
}
