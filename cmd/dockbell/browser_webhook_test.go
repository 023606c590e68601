package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	hookList = "/registries/" + houseRegistry + "/webhooks"
	hookPage = hookList + "/deployprod"
)

// endpoint receives what webhooks send and answers with the status that is set, 200 at first.
type endpoint struct {
	url    string
	status atomic.Int64
}

func startEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.status.Store(http.StatusOK)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		status := int(e.status.Load())
		w.WriteHeader(status)
		if status == http.StatusOK {
			fmt.Fprint(w, `{"deployed":true,"to":"production"}`)
		} else {
			fmt.Fprint(w, `{"error":"pipeline store unavailable","retryable":true}`)
		}
	}))
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

// push pushes a small image as the owner.
func (h *runningHouse) push(image string) {
	h.t.Helper()
	ref, err := name.ParseReference(h.host()+"/"+image, name.Insecure)
	if err != nil {
		h.t.Fatal(err)
	}
	img, err := random.Image(1<<10, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithAuth(&authn.Basic{Username: houseOwner, Password: housePassword})); err != nil {
		h.t.Fatal(err)
	}
}

// signIn opens a page as the owner.
func (v *tab) signIn(path string) {
	v.t.Helper()
	v.open(path)
	v.fill("User name", houseOwner)
	v.fill("Password", housePassword)
	v.press("Sign in")
	v.at(path)
}

// cells is an expression for what a row's cells say, by the head of their column. A row is known by its first link.
func cells(row string) string {
	return `Object.fromEntries([...document.querySelectorAll('table.grid')].flatMap(t => {
		const r = [...t.tBodies[0].rows].find(r => r.querySelector('a')?.textContent === ` + quoted(row) + `);
		return r ? [...r.cells].map((c, i) => [t.tHead.rows[0].cells[i].textContent, c.innerText.replace(/\s+/g, ' ').trim()]) : [];
	}))`
}

// row waits until a row's cell says something.
func (v *tab) row(row, column, text string) {
	v.t.Helper()
	v.until(fmt.Sprintf("%q in column %s of row %s", text, column, row), cells(row)+"["+quoted(column)+"]?.includes("+quoted(text)+")")
}

// testWebhooks is the main job in a browser: make a webhook, push, see the row, and everything that can be done with both.
func testWebhooks(t *testing.T, b *chromium) {
	everyLook(t, func(t *testing.T, l look) {
		h, to := startHouse(t), startEndpoint(t)
		v := b.tab(t, h.url, l)
		v.signIn(hookList)
		refuseWebhook(v)
		createWebhook(v, to)
		configureWebhook(v)
		followPush(v, h, to)
		redeliver(v, to)
		readEvent(v)
		deleteWebhook(v)
	})
}

// refuseWebhook types everything wrong that can be wrong: every field says so, and keeps what was typed.
func refuseWebhook(v *tab) {
	v.t.Helper()
	v.reads("#main", "No webhook is listening yet")
	v.sound()
	v.picture("04b webhooks empty " + v.look.name)
	v.press("Add")
	v.at(hookList + "/new")
	v.reads("dialog h2", "Create webhook")
	v.sound()
	v.picture("05 create " + v.look.name)

	typed := map[string]string{
		"Webhook name": "ab", "Service URI": "ftp://example.com/hook", "Custom headers": "X-Team: platform\nno colon", "Scope": "Team/web", "Timeout in seconds": "99",
	}
	v.find("Signing, format, retries, timeout and pace", "DisclosureTriangle").click()
	for field, text := range typed {
		v.fill(field, text)
	}
	v.tick("Image push", false)
	v.tick("Status", false)
	v.allow(http.StatusUnprocessableEntity)
	v.press("Create")
	v.reads("#err-sum", "attention")
	for field, text := range typed {
		v.holds(field, text)
	}
	v.complains("Webhook name", "5")
	v.complains("Service URI", "http")
	v.complains("Custom headers", "no colon")
	v.complains("Scope", "lower")
	v.complains("Timeout in seconds", "60")
	v.complains("Trigger actions", "at least one")
	if !v.look.plain {
		v.until("the focus being on the summary", "document.activeElement.id === 'err-sum'")
	}
	v.sound()
	v.picture("05b create refused " + v.look.name)
	v.allow()
	v.press("Cancel")
	v.gone("dialog")
	v.at(hookList)
}

func createWebhook(v *tab, to *endpoint) {
	v.t.Helper()
	v.press("Add")
	if !v.look.plain {
		v.until("the focus being on the name", "document.activeElement.id === 'w-name'")
	}
	v.fill("Webhook name", "deployprod")
	if !v.look.plain {
		v.reads("#name-live", "deployprod is available")
	}
	v.find("Location", "combobox")
	v.fill("Service URI", to.url+"/hooks/deploy")
	v.fill("Custom headers", "Authorization: Bearer s3cr3t\nX-Team: platform")
	for _, action := range []string{"Image push", "Image delete", "Image quarantine", "Helm chart push", "Helm chart delete"} {
		v.tick(action, action != "Image quarantine")
	}
	v.fill("Scope", "team/web:*")
	if !v.look.plain {
		v.reads("#scope-live", "Would match")
	}
	v.find("Signing, format, retries, timeout and pace", "DisclosureTriangle").click()
	v.choose("Retries", "None: one attempt, as Azure does")
	v.press("Create and ping")
	v.reads("#ping-result", "Ping to deployprod answered 200")
	v.row("deployprod", "HTTP STATUS", "200")
	v.row("deployprod", "STATUS", "Enabled")
	v.row("deployprod", "SCOPE", "team/web:*")
	v.row("deployprod", "LOCATION", "local")
	v.reads("#toasts", "deployprod created")
	v.sound()
	v.picture("08c toast " + v.look.name)

	// The name is taken now, whatever its letters' case.
	v.press("Add")
	v.allow(http.StatusUnprocessableEntity, http.StatusConflict)
	v.fill("Webhook name", "DeployProd")
	v.fill("Service URI", to.url)
	v.press("Create")
	v.complains("Webhook name", "exists already")
	v.allow()
	v.press("Cancel")
	v.gone("dialog")
}

func configureWebhook(v *tab) {
	v.t.Helper()
	v.press("deployprod")
	v.at(hookPage)
	v.press("Configure")
	v.holds("Custom headers", "Authorization: ******\nX-Team: ******")
	v.holds("Webhook name", "deployprod")
	v.fill("Scope", "team/*:*")
	v.sound()
	v.picture("05 configure " + v.look.name)
	v.press("Save")
	v.gone("dialog")
	v.reads("#toasts", "deployprod saved")
	v.reads("#main dl", "team/*:*")

	v.press("Disable")
	v.reads("#hook-status", "Disabled")
	v.reads("#hook-notice", "dropped")
	v.sound()
	v.press("Enable")
	v.reads("#hook-status", "Enabled")
	v.press("Ping")
	v.reads("#ping-result", "Ping to deployprod answered 200")
}

// followPush pushes while the page is open: with scripts the row comes by itself, without them Refresh shows it.
func followPush(v *tab, h *runningHouse, to *endpoint) {
	v.t.Helper()
	v.open(hookPage)
	to.status.Store(http.StatusServiceUnavailable)
	if !v.look.plain {
		v.until("listening", "document.querySelector('[hx-sse\\\\:connect]')")
	}
	h.push("team/web:v1.4.2")
	if v.look.plain {
		v.wait("a row after Refresh", func() bool {
			v.refresh()
			return strings.Contains(v.text("#dl-body"), "team/web:v1.4.2 503")
		})
	}
	v.until("the push's row with its status", `[...document.querySelectorAll('#dl-body tr')].some(r => /push team\/web:v1.4.2 503/.test(r.innerText.replace(/\s+/g, ' ')))`)
	v.sound()
	v.picture("06 detail " + v.look.name)

	// Filters: by class, by text, and back.
	v.press("5xx")
	v.until("the failed one alone", "document.querySelectorAll('#dl-body tr').length === 1 && location.search.includes('5xx')")
	v.press("2xx")
	v.until("the pings alone", "document.querySelectorAll('#dl-body tr').length === 2 && location.search.includes('2xx')")
	v.press("All")
	v.until("all three", "document.querySelectorAll('#dl-body tr').length === 3")
	v.fill("Repository, tag or event ID", "nothing/like/this")
	if v.look.plain {
		v.press("Apply")
	}
	v.reads("#dl-body", "No delivery matches this filter")
	v.sound()
	v.press("Show all deliveries")
	v.until("all three again", "document.querySelectorAll('#dl-body tr').length === 3")
}

func redeliver(v *tab, to *endpoint) {
	v.t.Helper()
	row := `[...document.querySelectorAll('#dl-body tr')].find(r => r.innerText.includes('team/web'))`
	v.open(eval[string](v, row+".querySelector('a').getAttribute('href')"))
	v.reads("h1", "503")
	v.reads("#delivery", "1st try failed.")
	v.reads("#attempts", "Matched and queued")
	v.sound()
	v.picture("07 delivery " + v.look.name)
	if seen := v.text("#delivery"); strings.Contains(seen, "s3cr3t") {
		v.t.Error("the page shows a header's secret")
	}
	v.press("Raw")
	v.reads("#delivery pre", `"action":"push"`)
	v.press("Pretty")
	v.reads("#delivery pre", `"action": "push"`)
	v.within("#delivery nav", "Response 503", "link").click()
	v.reads("#delivery", `"error": "pipeline store unavailable"`)
	v.sound()
	v.picture("07b response " + v.look.name)

	to.status.Store(http.StatusOK)
	v.press("Redeliver")
	if v.look.plain {
		v.reads("#toasts", "is queued")
		v.wait("the second attempt after Refresh", func() bool {
			v.refresh()
			return strings.Contains(v.text("#attempts"), "2nd try")
		})
	}
	v.reads("#attempts li:first-child", "2nd try")
	v.reads("#attempts li:first-child .http", "200")
	v.reads("h1", "200")
	v.sound()
}

func readEvent(v *tab) {
	v.t.Helper()
	v.within("section[aria-labelledby=ev] dd", eval[string](v, "document.querySelector('section[aria-labelledby=ev] dd a').textContent"), "link").click()
	v.reads("h1", "Event")
	v.row("deployprod", "FIRED", "Fired")
	v.row("deployprod", "HTTP STATUS", "200")
	v.reads("#why-body", "team/*:*")
	v.sound()
	v.picture("event " + v.look.name)
}

func deleteWebhook(v *tab) {
	v.t.Helper()
	v.open(hookPage)
	v.press("Delete")
	v.reads("dialog h2", "deployprod")
	v.sound()
	v.picture("08 delete " + v.look.name)
	v.allow(http.StatusUnprocessableEntity)
	v.fill("Type deployprod to confirm", "deploy")
	v.press("Delete webhook")
	v.complains("Type deployprod to confirm", "deployprod")
	v.holds("Type deployprod to confirm", "deploy")
	v.allow()
	v.fill("Type deployprod to confirm", "deployprod")
	v.press("Delete webhook")
	v.at(hookList)
	v.reads("#toasts", "deployprod deleted")
	v.reads("#main", "No webhook is listening yet")

	v.allow(http.StatusNotFound)
	v.open(hookPage)
	v.answered(http.StatusNotFound)
	v.reads("h1", "no webhook called “deployprod” here")
	v.sound()
	v.picture("08b not found " + v.look.name)
}
