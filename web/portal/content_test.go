package portal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/blobs"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/web/webtest"
)

const repositoriesAt = "/registries/mycontainerregistry/repositories"

// shelf is a house whose registry holds something: what the registry's door does, without its HTTP.
type shelf struct {
	*house
	files *blobs.Files
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	s := shelf{house: newHouse(t)}
	files, err := blobs.OpenFiles(t.TempDir())
	s.must(err)
	t.Cleanup(func() { files.Close() })
	s.files = files
	s.portal.Contents, s.portal.Blobs, s.portal.Registries, s.portal.History, s.portal.Figures = s.db, files, s.db, s.db, s.db
	s.portal.Outbox = &delivery.Outbox{
		Store: s.db, Now: s.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(s.Now).Next,
	}
	return s
}

func (s shelf) blob(repository, content string) map[string]any {
	s.t.Helper()
	ctx := s.t.Context()
	digest := artifact.DigestOf([]byte(content), "")
	id, err := s.files.Create(ctx)
	s.must(err)
	_, err = s.files.Append(ctx, id, 0, strings.NewReader(content))
	s.must(err)
	size, err := s.files.Commit(ctx, id, digest)
	s.must(err)
	s.must(s.db.LinkBlob(ctx, "mycontainerregistry", repository, digest, size))
	return map[string]any{"digest": digest, "size": size}
}

// push stores a manifest and gives its digest.
func (s shelf) push(repository, tag string, document map[string]any) string {
	s.t.Helper()
	document["schemaVersion"] = 2
	raw, err := json.Marshal(document)
	s.must(err)
	m, err := artifact.ParseManifest(raw, "", "")
	s.must(err)
	change := event.Change{Kind: event.PutManifest, Registry: "mycontainerregistry", Repository: repository, Tag: tag, Digest: m.Digest, Manifest: m, Time: s.Now(), Actor: "ci"}
	if m.Kind == artifact.Chart {
		change.Chart = artifact.ChartInfo{Name: "web", Version: "1.0.0"}
	}
	_, err = s.portal.Outbox.Record(s.t.Context(), change)
	s.must(err)
	return m.Digest
}

func typed(d map[string]any, mediaType string) map[string]any {
	d["mediaType"] = mediaType
	return d
}

// image pushes one and gives its digest.
func (s shelf) image(repository, tag, config string) string {
	s.t.Helper()
	return s.push(repository, tag, map[string]any{
		"mediaType": artifact.OCIManifest, "config": typed(s.blob(repository, config), "application/vnd.oci.image.config.v1+json"),
		"layers": []any{typed(s.blob(repository, "layer of "+config), "application/vnd.oci.image.layer.v1.tar+gzip")},
	})
}

func at(repository, reference string) string {
	return repositoriesAt + "/" + repository + "?" + url.Values{"at": {reference}}.Encode()
}

func command(name, repository, tag, digest string) string {
	return "/registries/mycontainerregistry/content/" + name + "?" + url.Values{"repository": {repository}, "tag": {tag}, "digest": {digest}}.Encode()
}

// says wants words in parts of a page.
func says(page *webtest.Page, want map[string][]string) {
	for selector, words := range want {
		for _, word := range words {
			page.Says(selector, word)
		}
	}
}

func TestRepositoryPages(t *testing.T) {
	s := newShelf(t)
	hook := s.webhook("deployprod")
	config := `{"os":"linux","architecture":"arm64","created":"2026-01-02T03:04:05Z","config":{"Entrypoint":["/server","--port=80"],"Env":["HELLO=<world>"],"Labels":{"vendor":"acme"}},"history":[{"created_by":"COPY server /","comment":"by hand"}]}`
	child := s.image("team/api", "", config)
	s.wait(time.Minute)
	index := s.push("team/api", "v1", map[string]any{"mediaType": artifact.OCIIndex, "manifests": []any{
		map[string]any{"mediaType": artifact.OCIManifest, "digest": child, "size": 5, "platform": map[string]any{"os": "linux", "architecture": "arm64"}},
	}})
	s.push("team/api", "", map[string]any{
		"mediaType": artifact.OCIManifest, "artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json", "config": typed(s.blob("team/api", "{}"), "application/vnd.oci.empty.v1+json"),
		"layers": []any{}, "subject": map[string]any{"mediaType": artifact.OCIIndex, "digest": index, "size": 5},
	})
	s.push("charts/web", "1.0.0", map[string]any{
		"mediaType": artifact.OCIManifest, "config": typed(s.blob("charts/web", `{"name":"web","version":"1.0.0","description":"Serves <things>"}`), artifact.HelmConfig),
		"layers": []any{typed(s.blob("charts/web", "chart"), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")},
	})
	for range 3 {
		s.db.CountPull("mycontainerregistry", "team/api", index)
	}
	s.must(s.db.FlushPulls(t.Context()))

	b := s.signedIn("rea", account.Reader)
	list := b.Get(repositoriesAt).Status(http.StatusOK).Lacks("a[href*='/content/delete']")
	says(list, map[string][]string{
		".head p": {"2 repositories · 2 tags"}, ".list a[href$='team/api']": {"1 tag", "3 pulls"}, ".list a[href$='charts/web']": {"1 chart"}, "h2": {"charts/web"},
	})
	b.Get(repositoriesAt+"?q=TEAM").Says(".list", "team/api").Lacks(".list a[href*='charts']")
	b.Get(repositoriesAt+"?q=%25").Says("main", "No repository’s name contains “%”")
	says(b.Get(repositoriesAt+"/team/api"), map[string][]string{
		"header .sub": {"1 webhook listens here", string(hook.Name)}, "tbody": {"v1", "arm64", "Ready"}, "dl.props": {"docker pull mycontainerregistry.dock.example.com/team/api:v1"},
	})
	page := b.Get(at("team/api", "v1")).Status(http.StatusOK).Lacks("button[name='state']")
	says(page, map[string][]string{
		"dl.props": {index, "@" + index, "v1"}, ".gridbox:first-of-type": {"Platforms", "arm64"}, ".tree": {"Signature"}, "section[aria-labelledby='called']": {"deployprod", "push"},
	})
	says(b.Get(at("team/api", child)), map[string][]string{
		"main": {"/server --port=80", "HELLO=<world>", "vendor=acme", "COPY server /", "by hand", "linux/arm64", "No webhook was called because of this digest"},
	})
	says(b.Get(at("charts/web", "1.0.0")), map[string][]string{
		"main": {"Serves <things>", "helm pull oci://mycontainerregistry.dock.example.com/charts/web --version 1.0.0"},
	})
	b.Get(at("team/api", "nosuch")).Status(http.StatusNotFound)
	b.Get("/search?q=charts").Says("main", "charts/web")
}

func TestTagPages(t *testing.T) {
	s := newShelf(t)
	for i := range 30 {
		s.image("team/api", fmt.Sprintf("v%02d", i), `{}`)
		s.wait(time.Minute)
	}
	b := s.signedIn("rea", account.Reader)
	first := b.Get(repositoriesAt+"/team/api").Says(".pager", "30 tags, newest first").Says("tbody tr:first-child", "v29").Says("tbody tr:last-child", "v05")
	older := first.Find(".pager a").AttrOr("href", "")
	if _, err := s.portal.Outbox.Record(t.Context(), event.Change{Kind: event.DeleteTag, Registry: "mycontainerregistry", Repository: "team/api", Tag: "v05", Time: s.Now()}); err != nil {
		t.Fatal(err)
	}
	b.Get(older).Says("tbody tr:first-child", "v04").Says("tbody tr:last-child", "v00") // although the last tag of the first page is gone
}

// TestDeletingContent: the question counts what goes, the answer is done through the outbox, and locks refuse it.
func TestDeletingContent(t *testing.T) {
	s := newShelf(t)
	s.webhook("deployprod")
	one := s.image("team/api", "v1", `{"n":1}`)
	s.image("team/api", "v2", `{"n":2}`)
	s.image("team/api", "also1", `{"n":1}`)
	s.image("team/other", "v1", `{"n":1}`)
	b := s.signedIn("con", account.Contributor)
	b.Get(command("delete", "team/api", "v1", "")).Status(http.StatusOK).Says("dialog", "Remove tag v1?").Says("dialog", "manifest stays").Says("dialog", "No webhook is told")
	b.Post(command("delete", "team/api", "v1", "")).Leads(repositoriesAt + "/team/api")
	b.Get(command("delete", "team/api", "", one)).Says("dialog", "1 tag goes with it: also1")
	b.Post(command("lock", "team/api", "also1", one), "locked", "yes").Leads(at("team/api", "also1"))
	if b.Get(at("team/api", "also1")).Says("main", "Locked").Says("main", "no deleting").Find("button[form='lock'][value='no']").Length() != 1 {
		t.Error("there is no way to unlock it")
	}
	b.Post(command("delete", "team/api", "", one)).Status(http.StatusUnprocessableEntity).Says("dialog", "is locked against changes")
	b.Post(command("lock", "team/api", "also1", one), "locked", "no").Leads(at("team/api", "also1"))
	b.Post(command("delete", "team/api", "", one)).Leads(repositoriesAt + "/team/api")
	b.Get(at("team/api", one)).Status(http.StatusNotFound)
	b.Get(command("delete", "team/api", "", "")).Says("dialog", "1 manifest and 1 tag go").Says("dialog", "told of 1 deletion")
	b.Post(command("delete", "team/api", "", ""), "confirm", "team/ap").Status(http.StatusUnprocessableEntity).Says("dialog", "exactly as it is written")
	b.Post(command("delete", "team/api", "", ""), "confirm", "team/api").Leads(repositoriesAt)
	b.Get(repositoriesAt + "/team/api").Status(http.StatusNotFound)
	b.Get(command("delete", "../x", "", "")).Status(http.StatusNotFound)
	events, err := s.db.Events(t.Context(), event.Filter{Registry: "mycontainerregistry", Action: event.Delete, Limit: 10})
	if err != nil || len(events.Events) != 2 || events.Events[0].Actor != "con" || events.Events[0].Request.Host != "mycontainerregistry.dock.example.com" {
		t.Errorf("%+v, %v", events, err)
	}
	s.signedIn("rea", account.Reader).Post(command("delete", "team/other", "", ""), "confirm", "team/other").Status(http.StatusForbidden)
}

// TestQuarantineInThePortal: an owner sees what is held and lets it go; the push is told then.
func TestQuarantineInThePortal(t *testing.T) {
	s := newShelf(t)
	reg, err := s.db.Registry(t.Context(), "mycontainerregistry")
	s.must(err)
	reg.Policies = registry.Policies{Quarantine: true}
	s.must(s.db.UpdateRegistry(t.Context(), reg))
	digest := s.image("team/api", "v1", `{"n":1}`)
	s.wait(time.Minute)
	s.image("team/api", "v2", `{"n":2}`)
	b := s.signedIn(owner, account.Owner)
	page := b.Get(repositoriesAt+"/team/api").Says(".list .badge.quar", "2").Says(".callout", "2 tags are in quarantine").Says("tbody", "Quarantined")
	b.Get(page.Find(".callout a").AttrOr("href", "")).Says(".pager", "2 tags in quarantine")
	if b.Get(at("team/api", "v1")).Says(".callout", "in quarantine").Find("button[form='rule'][value='Passed']").Length() != 1 {
		t.Error("there is no way to release it")
	}
	s.signedIn("con", account.Contributor).Post(command("rule", "team/api", "v1", digest), "state", "Passed").Status(http.StatusForbidden)
	b.Post(command("rule", "team/api", "v1", digest), "state", "Failed").Leads(at("team/api", "v1"))
	b.Get(at("team/api", "v1")).Says("main", "was rejected")
	b.Post(command("rule", "team/api", "v1", digest), "state", "Passed").Leads(at("team/api", "v1"))
	b.Get(at("team/api", "v1")).Says("main", "Released")
	b.Get(repositoriesAt+"/team/api").Says(".callout", "1 tag is in quarantine")
	b.Get(repositoriesAt+"/team/api?held=1").Says("tbody", "v2").Lacks("tbody a[href*='v1']")
	b.Post(command("lock", "team/api", "v1", digest), "locked", "yes").Leads(at("team/api", "v1"))
	record := b.Get("/settings/audit?q=content.lock").Status(http.StatusOK).Says("tbody", "team/api@"+digest).Says("tbody", "deleteEnabled: – → false")
	if n := record.Find("tbody tr").Length(); n != 2 { // the manifest and the tag
		t.Errorf("%d locks are on record", n)
	}
	record = b.Get("/settings/audit?q=quarantine.rule").Says("tbody", "quarantineState: – → Failed").Says("tbody", owner)
	if n := record.Find("tbody tr").Length(); n != 2 { // what was refused is not among them
		t.Errorf("%d rulings are on record", n)
	}
	pushes, err := s.db.Events(t.Context(), event.Filter{Registry: "mycontainerregistry", Action: event.Push, Limit: 10})
	if err != nil || len(pushes.Events) != 1 || pushes.Events[0].Target.Tag != "v1" {
		t.Errorf("%+v, %v", pushes, err)
	}
}
