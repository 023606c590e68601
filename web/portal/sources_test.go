package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/event"
	"dockbell/models/source"
)

const sourcesPage = "/registries/mycontainerregistry/sources"

// TestSourcesOfARegistry: made, shown once with its configuration, listed with what came, rotated and deleted.
func TestSourcesOfARegistry(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	b.Get(sourcesPage).Status(http.StatusOK).Says("h1", "Event sources").Says("main", "No event source yet")
	b.Get(sourcesPage+"/new").Status(http.StatusOK).Says("dialog h2", "Add source")
	bad := b.Post(sourcesPage, "name", "../x", "kind", "ftp", "rate", "many", "space", "-1", "networks", "here").Status(http.StatusUnprocessableEntity)
	for _, field := range []string{"src-name", "src-kind", "src-rate", "src-space", "src-networks"} {
		if bad.Find("#err-sum a[href='#"+field+"']").Length() != 1 {
			t.Errorf("nothing is said about %s", field)
		}
	}
	made := b.Post(sourcesPage, "name", "edge", "kind", "distribution", "rate", "50", "space", "1", "networks", "10.0.0.0/8").Status(http.StatusCreated)
	token := made.Find(".callout .props code").Eq(1).Text()
	if !strings.HasPrefix(token, "dks_") || !strings.Contains(made.Text(".callout pre"), `"https://dock.example.com/ingest/edge", headers: {Authorization: ["Bearer `+token+`"]}`) {
		t.Errorf("the token %q and its configuration are %q", token, made.Text(".callout"))
	}
	list := b.Get(sourcesPage).Says("td[data-l=Name]", "edge").Says("td[data-l=Rate]", "50/s").Says("td[data-l='Last event']", "never")
	if strings.Contains(list.Body, token) {
		t.Error("the token is shown a second time")
	}
	b.Post(sourcesPage, "name", "EDGE", "kind", "zot", "rate", "").Status(http.StatusUnprocessableEntity).Says("#err-sum", "There is a source edge already")
	src, err := h.db.Source(t.Context(), "edge")
	h.must(err)
	ev := event.Event{ID: "0b2c3d4e-0000-4000-8000-000000000001", Registry: "mycontainerregistry", Location: "local", Action: event.Push, Time: h.Now(), Source: "edge",
		Target: event.Target{Repository: "team/app", Tag: "v1"}}
	_, err = h.portal.Outbox.Take(t.Context(), source.Arrival{Source: src, At: h.Now(), Addr: "10.0.0.9", Body: []byte(`{"events":[]}`), Verdicts: []source.Verdict{
		{ID: "e-1", Outcome: source.Accepted, Event: ev.ID}, {ID: "e-2", Outcome: source.Rejected, Reason: "<b>It names no tag.</b>"},
	}}, []event.Event{ev})
	h.must(err)
	b.Get(sourcesPage).Says("td[data-l=Accepted]", "1").Says("td[data-l=Rejected]", "1").Says("td[data-l='Last event']", ":")
	page := b.Get(sourcesPage+"/Edge").Status(http.StatusOK).Says("h1", "edge").Says("main", "10.0.0.0/8").Says("main", "KiB of 1 MiB").Lacks(".callout.warn").Says(".reqs", "2 events").Says(".reqs", "<b>It names no tag.</b>").Says(".reqs pre", `"events"`)
	if got := page.Find(".reqs a").AttrOr("href", ""); got != "/registries/mycontainerregistry/events/"+string(ev.ID) {
		t.Errorf("the accepted event leads to %q", got)
	}
	_, err = h.portal.Outbox.Take(t.Context(), source.Arrival{Source: src, At: h.Now(), Body: make([]byte, 1<<20), Verdicts: []source.Verdict{{ID: "e-3", Outcome: source.Ignored}}}, nil)
	h.must(err)
	b.Get(sourcesPage).Says("td[data-l=Name]", "Full")
	b.Get(sourcesPage+"/edge").Says(".callout.warn", "This source is full: 1 MiB of 1 MiB.")
	if p := b.Get(sourcesPage+"/edge/edit").Status(http.StatusOK).Says("dialog h2", "Limits of edge").Lacks("#src-name"); p.Value("#src-rate")+p.Value("#src-space")+p.Value("#src-networks") != "50110.0.0.0/8" {
		t.Error("the limits that it has do not stand in the form")
	}
	b.Post(sourcesPage+"/edge/edit", "rate", "50", "space", "much", "networks", "").Status(http.StatusUnprocessableEntity).Says("#err-sum", "Space in MiB")
	b.Post(sourcesPage+"/edge/edit", "rate", "60", "space", "2", "networks", "").Leads(sourcesPage + "/edge")
	b.Get(sourcesPage+"/edge").Says("main", "1 MiB of 2 MiB").Says("main", "60/s").Says("main", "Everywhere").Lacks(".callout.warn")
	b.Get(sourcesPage + "/-/edit?source=edge").Leads(sourcesPage + "/edge/edit")
	b.Get(sourcesPage + "/-/rotate?source=edge").Leads(sourcesPage + "/edge/rotate")
	b.Get(sourcesPage + "/-/delete").Leads(sourcesPage)
	b.Get(sourcesPage+"/edge/rotate").Says("dialog h2", "Rotate the token of edge?")
	if again := b.Post(sourcesPage + "/edge/rotate").Status(http.StatusOK).Find(".callout .props code").Eq(1).Text(); again == token || !strings.HasPrefix(again, "dks_") {
		t.Errorf("rotated from %q to %q", token, again)
	}
	b.Get(sourcesPage+"/edge/delete").Says("dialog h2", "Delete source edge?")
	b.Post(sourcesPage + "/edge/delete").Leads(sourcesPage)
	b.Get(sourcesPage + "/edge").Status(http.StatusNotFound)
}

// TestExternalRegistries are made with their source; they have no repositories.
func TestExternalRegistries(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	const path = "/registries/new/external"
	b.Get(path).Status(http.StatusOK).Says("dialog h2", "Connect a registry").Says("h1", "All registries")
	b.Post(path, "registry", "mycontainerregistry", "name", "hub", "kind", "dockerhub").Status(http.StatusUnprocessableEntity).Says("#err-sum", "There is a registry of that name already")
	b.Post(path, "registry", "x", "name", "hub", "kind", "dockerhub").Status(http.StatusUnprocessableEntity).Says("#err-sum", "5 to 50")
	made := b.Post(path, "registry", "acmehub1", "name", "hub", "kind", "dockerhub", "location", "West US", "rate", "0").Status(http.StatusCreated)
	if address := made.Find(".callout .props code").Eq(0).Text(); !strings.HasPrefix(address, "https://dock.example.com/ingest/hub/dks_") {
		t.Errorf("the address is %q", address)
	}
	b.Get("/registries/acmehub1").Status(http.StatusOK).Says("main", "Events come in from outside").Lacks("#side a[href$='/repositories']")
	b.Get("/registries/acmehub1/repositories").Status(http.StatusNotFound)
	b.Get("/registries/acmehub1/sources").Says("td[data-l=Location]", "West US").Says("td[data-l=Rate]", "No limit")
	b.Get("/registries/acmehub1/sources/hub").Says("main", "0 B of 10 GiB")
	b.Get("/registries/acmehub1/sources/hub").Says("pre", "/ingest/hub/<token>")
	b.Get(sourcesPage + "/hub").Status(http.StatusNotFound)
}

// TestSourcesAreForOwnersToChange: others see them, and no body of a request.
func TestSourcesAreForOwnersToChange(t *testing.T) {
	h := newHouse(t)
	made, err := h.portal.Sources.Create(t.Context(), source.Draft{Name: "edge", Kind: "quay", Registry: "mycontainerregistry"}, "tests")
	h.must(err)
	_, err = h.portal.Outbox.Take(t.Context(), source.Arrival{Source: made.Source, At: h.Now().Add(-time.Minute), Body: []byte(`{"canary":1}`), Verdicts: []source.Verdict{{ID: "1", Outcome: source.Ignored}}}, nil)
	h.must(err)
	_, err = h.portal.Outbox.Take(t.Context(), source.Arrival{Source: made.Source, At: h.Now(), Body: []byte("{}"), Verdicts: []source.Verdict{{ID: "2", Outcome: source.Rejected, Reason: "its tag breaks the rules"}}}, nil)
	h.must(err)
	reader := h.signedIn("reader1", account.Reader)
	if n := reader.Get(sourcesPage+"/edge").Says(".seg [aria-current]", "All").Find(".reqs > li").Length(); n != 2 {
		t.Errorf("%d requests are shown, want both", n)
	}
	only := reader.Get(sourcesPage+"/edge?only=rejected").Says(".seg [aria-current]", "Rejected only").Says(".reqs", "its tag breaks the rules")
	if n := only.Find(".reqs > li").Length(); n != 1 {
		t.Errorf("%d requests are shown, want the rejected one alone", n)
	}
	page := reader.Get(sourcesPage + "/edge").Status(http.StatusOK).Lacks("a[href$='/delete']")
	if strings.Contains(page.Body, "canary") {
		t.Error("a reader sees the body")
	}
	reader.Get(sourcesPage).Status(http.StatusOK).Lacks("a[href$='/new']").Lacks(".pick")
	for _, path := range []string{sourcesPage + "/new", sourcesPage + "/edge/rotate", sourcesPage + "/edge/edit", sourcesPage + "/edge/delete", "/registries/new/external"} {
		reader.Get(path).Status(http.StatusForbidden)
	}
	reader.Post(sourcesPage + "/edge/rotate").Status(http.StatusForbidden)
}
