package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"dockbell/models/delivery"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// eachHouse runs a journey in a whole Dockbell on every database there is.
func eachHouse(t *testing.T, journey func(t *testing.T, h *runningHouse, db func() *store.DB)) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := startHouse(t, "--database="+dsn)
		journey(t, h, func() *store.DB {
			t.Helper()
			key, err := loadKey(Config{Database: DSN(dsn), KeyFile: filepath.Join(h.data, "key")})
			if err != nil {
				t.Fatal(err)
			}
			return storetest.OpenWith(t, store.Options{DSN: dsn, Key: key})
		})
	})
}

// browser is the owner's, signed in.
func (h *runningHouse) browser() *webtest.Browser {
	h.t.Helper()
	b := webtest.New(h.t, h.url)
	b.SignIn(houseOwner, housePassword).Leads("/")
	return b
}

// bells are the webhooks of the first journey: the same pushes ring each of them otherwise.
var bells = []struct{ name, actions, scope string }{
	{"everything", "push delete quarantine chart_push chart_delete", ""},
	{"pushes", "push", ""},
	{"plaindeletes", "delete", ""},
	{"charts", "chart_push chart_delete", "charts/*:*"},
	{"oneapp", "push delete", "test/app:v1"},
	{"switchedoff", "push", ""},
}

func (h *runningHouse) hang(b *webtest.Browser, r *recorder) {
	h.t.Helper()
	for _, bell := range bells {
		form := hookForm(bell.name, r.at(bell.name), "actions", bell.actions, "scope", bell.scope, "signed", "")
		if bell.name == "switchedoff" {
			form.Set("status", "disabled")
		}
		b.Send(hooksPath, form).LeadsLike(hooksPath)
	}
}

// chapter is what somebody does and which webhooks it rings with what.
type chapter struct {
	command string
	rings   []string
}

func rings(lines ...string) []string { return lines }

// image is what a push of an image under a tag rings.
func image(ref string) []string {
	return rings("everything: push "+ref, "everything: quarantine "+ref, "pushes: push "+ref)
}

// chapters are commands of the four clients in their users' words.
var chapters = []chapter{
	{"crane auth login H -u U -p P --insecure", nil},
	{"skopeo login --tls-verify=false -u U -p P H", nil},
	{"oras login --plain-http -u U -p P H", nil},
	{"helm registry login H --plain-http -u U -p P", nil},
	{"crane append --insecure -f l1.tar -t H/test/app:v1", rings("everything: push test/app:v1", "everything: quarantine test/app:v1", "oneapp: push test/app:v1", "pushes: push test/app:v1")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/test/app:v2", image("test/app:v2")},
	{"crane tag --insecure H/test/app:v1 stable", image("test/app:stable")},
	{"crane copy --insecure H/test/app:v1 H/test/app2:v1", image("test/app2:v1")},
	{"crane copy --insecure H/test/app:v1 H/test/app2:v1", nil},
	{"crane append --insecure --oci-empty-base -f l1.tar -t H/stage/amd:x", image("stage/amd:x")},
	{"crane append --insecure --oci-empty-base -f l2.tar -t H/stage/arm:x", image("stage/arm:x")},
	{"crane index append --insecure -m H/stage/amd:x -m H/stage/arm:x -t H/test/multi:v1", image("test/multi:v1")},
	{"skopeo copy --insecure-policy --all --src-tls-verify=false docker://H/test/multi:v1 oci:layout:v1", nil},
	{"skopeo copy --insecure-policy --all --dest-tls-verify=false oci:layout:v1 docker://H/test/skmulti:v1", image("test/skmulti:v1")},
	{"oras push --plain-http H/test/art:v1 sbom.json:application/json --artifact-type application/vnd.example.thing", image("test/art:v1")},
	{"oras attach --plain-http H/test/app:v2 sbom.json:application/spdx+json --artifact-type application/spdx+json", nil},
	{"oras cp -r --from-plain-http --to-plain-http H/test/app:v2 H/test/appcp:v2", image("test/appcp:v2")},
	{"helm create mychart", nil},
	{"helm package mychart", nil},
	{"helm push mychart-0.1.0.tgz oci://H/charts --plain-http", rings(
		"charts: chart_push charts/mychart:0.1.0", "everything: chart_push charts/mychart:0.1.0", "pushes: push charts/mychart:0.1.0",
	)},
	{"crane delete --insecure H/test/app:stable", nil},
	{"crane delete --insecure H/test/app@DIGEST(H/test/app:v1)", rings(
		"everything: delete test/app of v1", "oneapp: delete test/app of v1", "plaindeletes: delete test/app of v1",
	)},
	{"skopeo delete --tls-verify=false docker://H/test/app2:v1", rings("everything: delete test/app2 of v1", "plaindeletes: delete test/app2 of v1")},
	{"oras manifest delete --plain-http -f H/test/art@DIGEST(H/test/art:v1)", rings("everything: delete test/art of v1", "plaindeletes: delete test/art of v1")},
	{"crane delete --insecure H/test/multi@DIGEST(H/test/multi:v1)", rings("everything: delete test/multi of v1", "plaindeletes: delete test/multi of v1")},
	{"crane delete --insecure H/charts/mychart@DIGEST(H/charts/mychart:0.1.0)", rings(
		"charts: chart_delete charts/mychart of 0.1.0", "everything: chart_delete charts/mychart of 0.1.0", "plaindeletes: delete charts/mychart of 0.1.0",
	)},
}

// TestAPushRingsABell is the first journey: real clients push and delete, and each webhook's receiver takes exactly the calls
// that Azure's contract gives it. Then the portal tells the same.
func TestAPushRingsABell(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *runningHouse, db func() *store.DB) {
		token := readCredentials(t, h.command("token", "create", "--name", "ci", "--role", "contributor", "--database="+h.database()))
		clients := webtest.NewClients(t, h.host(), token.ClientID, token.ClientSecret)
		clients.WriteLayer("l1.tar", "one")
		clients.WriteLayer("l2.tar", "two")
		clients.Write("sbom.json", []byte(`{"spdxVersion":"SPDX-2.3"}`))
		r, b := newRecorder(t), h.browser()
		h.hang(b, r)
		known := facts{}
		total := 0
		for _, step := range chapters {
			clients.Run(step.command)
			calls := r.take(len(step.rings))
			total += len(step.rings)
			agent, _, _ := strings.Cut(step.command, " ")
			var got []string
			for _, c := range calls {
				got = append(got, known.compare(h, token, c, asker{h.host(), agent}))
			}
			if slices.Sort(got); !slices.Equal(got, step.rings) && len(got)+len(step.rings) > 0 {
				t.Errorf("%s\nrings %q\nwant  %q", step.command, got, step.rings)
			}
		}
		data := db()
		if late := r.whenIdle(data); len(late) > 0 {
			t.Errorf("more calls came than were wanted: %+v", late)
		}
		h.wantsRows(b)
		h.wantsReasons(b)
		h.stop()
		if got := r.everything(); got != total {
			t.Errorf("%d calls came in all, want %d", got, total)
		}
		h.wantsHistory(data, total)
	})
}

// database is the setting that the house was started with.
func (h *runningHouse) database() string {
	for _, arg := range h.args {
		if dsn, ok := strings.CutPrefix(arg, "--database="); ok {
			return dsn
		}
	}
	return ""
}

// facts are the manifests that a test has seen in the registry, by repository and digest.
type facts map[string]fact

// compare holds a call against what the registry has and gives its line.
func (f facts) compare(h *runningHouse, token credentials, c posted, by asker) string {
	h.t.Helper()
	said := c.told(h.t)
	if said.Target == nil {
		h.t.Errorf("%s was sent no target: %s", c.hook, c.body)
		return ""
	}
	target := *said.Target
	line := fmt.Sprintf("%s: %s %s", c.hook, said.Action, target.Repository)
	if strings.HasSuffix(said.Action, "delete") {
		of, ok := f[target.Repository+"@"+target.Digest]
		if !ok {
			h.t.Errorf("%s was told of a delete of %s, which nobody pushed", c.hook, target.Digest)
		}
		line += " of " + of.tag
		if said.Action == "delete" {
			of.tag = "" // a deleted manifest is named by its digest
		}
		c.wantsAzure(h.t, target.Repository, of, by)
		return line
	}
	of := h.manifest(token, target.Repository, target.Tag)
	if _, older := f[target.Repository+"@"+of.digest]; !older {
		f[target.Repository+"@"+of.digest] = of
	}
	c.wantsAzure(h.t, target.Repository, of, by)
	return line + ":" + target.Tag
}

// manifest asks the registry what a tag names.
func (h *runningHouse) manifest(token credentials, repository, tag string) fact {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/v2/"+repository+"/manifests/"+tag, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	token.bearer(req)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s:%s is answered %s, %v", repository, tag, resp.Status, err)
	}
	of := fact{tag: tag, mediaType: resp.Header.Get("Content-Type"), digest: digestOf(string(body)), size: len(body)}
	if strings.HasPrefix(repository, "charts/") {
		of.chart = [2]string{strings.TrimPrefix(repository, "charts/"), tag}
	}
	return of
}

// wantsRows looks for a delivery's row on its webhook's page and in the list, as they are after everything was sent.
func (h *runningHouse) wantsRows(b *webtest.Browser) {
	h.t.Helper()
	rows := rowsOf(b.Get(hooksPath+"/charts").Status(http.StatusOK), "#dl-body tr", "Action", "Image", "HTTP status", "Attempts")
	if want := []string{"chart delete charts/mychart:0.1.0 200 1", "chart push charts/mychart:0.1.0 200 1"}; !slices.Equal(rows, want) {
		h.t.Errorf("the history of charts is %q, want %q", rows, want)
	}
	list := rowsOf(b.Get(hooksPath).Status(http.StatusOK), "#hooks-list tbody tr", "Name", "HTTP status")
	for i, row := range list {
		list[i] = strings.Join(strings.Fields(row)[:2], " ") // the time of the answer is left out
	}
	if want := []string{"charts 200", "everything 200", "oneapp 200", "plaindeletes 200", "pushes 200", "switchedoff –"}; !slices.Equal(list, want) {
		h.t.Errorf("the list says %q, want %q", list, want)
	}
}

// rowsOf reads the cells with these labels of every row.
func rowsOf(page *webtest.Page, rows string, labels ...string) []string {
	var all []string
	page.Find(rows).Each(func(_ int, row *goquery.Selection) {
		var cells []string
		for _, label := range labels {
			cells = append(cells, webtest.Squeeze(row.Find("[data-l='"+label+"']").Text()))
		}
		all = append(all, strings.Join(cells, " "))
	})
	return all
}

// wantsReasons opens the page of an event and wants a reason for every webhook.
func (h *runningHouse) wantsReasons(b *webtest.Browser) {
	h.t.Helper()
	events := b.Get("/registries/" + houseRegistry + "/events?" + url.Values{"q": {"test/app"}, "action": {"delete"}}.Encode()).Status(http.StatusOK)
	link := events.Find("main tbody a[href*='/events/']").Last().AttrOr("href", "")
	page := b.Get(link).Status(http.StatusOK)
	got := rowsOf(page, "#why-body tr", "Webhook", "Fired", "HTTP status", "Why")
	for name, want := range map[string][2]string{
		"everything":   {"Fired", "The webhook asks for delete and the webhook covers everything."},
		"pushes":       {"Not fired", "The action is delete; the webhook asks for push."},
		"plaindeletes": {"Fired", "The webhook asks for delete and the webhook covers everything."},
		"charts":       {"Not fired", "The action is delete; the webhook asks for chart_push, chart_delete."},
		"oneapp":       {"Fired", "inside the scope test/app:v1"},
		"switchedoff":  {"Not fired", "The webhook was disabled."},
	} {
		if !slices.ContainsFunc(got, func(row string) bool {
			return strings.HasPrefix(row, name+" "+want[0]) && strings.Contains(row, want[1])
		}) {
			h.t.Errorf("%s does not say of %s that it was %q because %q: %q", link, name, want[0], want[1], got)
		}
	}
	if len(got) != len(bells) {
		h.t.Errorf("%d of %d webhooks have a reason: %q", len(got), len(bells), got)
	}
}

// wantsHistory counts what was kept: as many deliveries as there were calls, each delivered by its first attempt.
func (h *runningHouse) wantsHistory(db *store.DB, total int) {
	h.t.Helper()
	page, err := db.Deliveries(h.t.Context(), delivery.Filter{Registry: houseRegistry, Limit: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(page.Deliveries) != total || page.Older {
		h.t.Errorf("the history has %d deliveries, want %d", len(page.Deliveries), total)
	}
	for _, del := range page.Deliveries {
		if del.State != delivery.Delivered || del.Attempts != 1 || del.Last.Status != http.StatusOK {
			h.t.Errorf("%s to %s is %s after %d attempts: %s", del.Image, del.Webhook, del.State, del.Attempts, del.Last.Word())
		}
	}
}
