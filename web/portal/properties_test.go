package portal_test

import (
	"net/http"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/event"
	"dockbell/models/registry"
)

func TestProperties(t *testing.T) {
	s := newShelf(t)
	b := s.signedIn(owner, account.Owner)
	b.Get(registryAt+"/properties").Status(http.StatusOK).Says("main", "Quarantine").Says("nav", "Retention").Lacks("input[checked]")
	b.Post(registryAt+"/properties", "quarantine", "on", "anonymousPull", "on").Leads(registryAt + "/properties")
	reg, err := s.db.Registry(t.Context(), "mycontainerregistry")
	if want := (registry.Policies{Quarantine: true, AnonymousPull: true}); err != nil || reg.Policies != want || reg.AdminUser {
		t.Errorf("%+v, %v", reg, err)
	}
	if n := b.Get(registryAt + "/properties").Find("input[checked]").Length(); n != 2 {
		t.Errorf("%d switches are on", n)
	}
	b.Post(registryAt+"/properties", "announceUntag", "on", "adminUser", "on").Leads(registryAt + "/properties")
	reg, err = s.db.Registry(t.Context(), "mycontainerregistry")
	if want := (registry.Policies{AnnounceUntag: true}); err != nil || reg.Policies != want || !reg.AdminUser {
		t.Errorf("%+v, %v", reg, err)
	}
	rea := s.signedIn("rea", account.Reader)
	rea.Get(registryAt+"/properties").Says("main", "Owners can change this").Lacks("main form button")
	rea.Post(registryAt+"/properties", "quarantine", "on").Status(http.StatusForbidden)
}

func TestRetentionPage(t *testing.T) {
	s := newShelf(t)
	s.portal.Cleaner.Recorder = s.portal.Outbox
	for _, tag := range []string{"v1", "v2", "v3"} {
		s.image("team/api", tag, `{"tag":"`+tag+`"}`)
		s.wait(time.Hour)
	}
	b := s.signedIn(owner, account.Owner)
	b.Get(registryAt+"/retention").Status(http.StatusOK).Says("section[aria-labelledby='plan']", "Nothing").Lacks("button[form='run']")
	b.Get(registryAt+"/retention?try=1&keepTags=2").Says("section[aria-labelledby='plan'] tbody", "v1").Says("#plan", "would delete now")
	b.Get(registryAt+"/retention?try=1&keepTags=x&keep=Up").Status(http.StatusUnprocessableEntity).Says("#r-keep-tags-said", "whole number").Says("#r-keep-said", "no repository")
	b.Post(registryAt+"/retention", "untaggedDays", "-3").Status(http.StatusUnprocessableEntity).Says("#r-untagged-said", "whole number")
	b.Post(registryAt+"/retention", "keepTags", "1", "keep", "*:v2").Leads(registryAt + "/retention")
	b.Get(registryAt+"/retention").Says("section[aria-labelledby='plan'] tbody", "v1").Says("main", "1 deletion")
	b.Get("/settings/audit?q=retention").Says("tbody", "keepTags: 0 → 1").Says("tbody", "*:v2")
	s.signedIn("con", account.Contributor).Post(registryAt + "/retention/run").Status(http.StatusForbidden)
	b.Post(registryAt + "/retention/run").Leads(registryAt + "/retention")
	b.Get(registryAt+"/retention").Says("#toasts", "1 deletion done").Says("section[aria-labelledby='plan']", "Nothing")
	tags, _, err := s.db.Tags(t.Context(), "mycontainerregistry", "team/api", "", 10)
	if err != nil || len(tags) != 2 || tags[0] != "v2" || tags[1] != "v3" {
		t.Errorf("%q, %v", tags, err)
	}
	told, err := s.db.Events(t.Context(), event.Filter{Registry: "mycontainerregistry", Action: event.Delete, Limit: 10})
	if err != nil || len(told.Events) != 1 || told.Events[0].Actor != "retention" {
		t.Errorf("%+v, %v", told, err)
	}
}

func TestAccessPage(t *testing.T) {
	s := newShelf(t)
	b := s.signedIn(owner, account.Owner)
	b.Post("/settings/tokens", "name", "deploy", "role", "reader", "rights", "admin", "repositories", "Team").Status(http.StatusUnprocessableEntity).
		Says("#token-rights-said", "pull, push, delete and quarantine").Says("#token-repositories-said", "team/*")
	b.Post("/settings/tokens", "name", "deploy", "role", "reader", "rights", "pull", "repositories", "team/*").Status(http.StatusCreated)
	s.registry("otherregistry")
	_, err := s.portal.Accounts.IssueToken(t.Context(), account.TokenDraft{Name: "elsewhere", Role: "reader", Registry: "otherregistry"}, owner)
	s.must(err)
	page := b.Get(registryAt+"/access").Status(http.StatusOK).Says("main", "docker login mycontainerregistry.dock.example.com -u "+owner).
		Says("main", "az acr login --name mycontainerregistry").Says("tbody", "deploy").Says("tbody", "team/*").Says("tbody", "Pull, Push, Delete, Quarantine").Says("main", "admin user is off")
	if got := page.Text("tbody"); len(got) == 0 || page.Find("tbody tr").Length() != 2 { // not the token of another registry
		t.Errorf("%s", got)
	}
	b.Post(registryAt+"/properties", "adminUser", "on").Leads(registryAt + "/properties")
	first := b.Post(registryAt+"/access", "do", "show").Status(http.StatusOK).Text("section[aria-labelledby='keys'] dl")
	if again := b.Post(registryAt+"/access", "do", "show").Text("section[aria-labelledby='keys'] dl"); again != first {
		t.Errorf("the passwords changed by themselves: %s and %s", first, again)
	}
	if renewed := b.Post(registryAt+"/access", "do", "renew2").Text("section[aria-labelledby='keys'] dl"); renewed == first {
		t.Error("the second password was not renewed")
	}
	rea := s.signedIn("rea", account.Reader)
	rea.Get(registryAt+"/access").Says("main", "You may").Says("main", "Pull").Lacks("tbody").Lacks("section[aria-labelledby='keys']")
	rea.Post(registryAt+"/access", "do", "show").Status(http.StatusForbidden)
}
