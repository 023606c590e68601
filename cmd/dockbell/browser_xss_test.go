package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // writes an actor's name that no door takes

	"dockbell/web/webtest"
)

// hostile is a case of testdata/render_xss.json: a text that would run if a page took it for more than text.
type hostile struct{ ID, Payload string }

// key is the case's ID as a tag.
func (c hostile) key() string { return strings.ToLower(c.ID) }

// start is as much of the payload as a header may be long.
func (c hostile) start() string { return beginning(c.Payload, 2000) }

// beginning cuts a text to n bytes, between two characters.
func beginning(text string, n int) string {
	return strings.ToValidUTF8(text[:min(len(text), n)], "")
}

func hostiles(t *testing.T) []hostile {
	raw, err := os.ReadFile("testdata/render_xss.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []hostile }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 10 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	return file.Cases
}

// inert says what is wrong with how the page shows a text from outside: the exact characters must be there, as text or in a field, and
// nothing may have come of them.
func (v *tab) inert(payload string) []string {
	v.t.Helper()
	return eval[[]string](v, `(payload => {
		const faults = [], shown = [...document.querySelectorAll('input, textarea')].map(e => e.value);
		for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode();) shown.push(walk.currentNode.nodeValue);
		if (!shown.some(s => s.includes(payload))) faults.push('the text is not shown');
		if (window.__xss !== undefined) faults.push('it ran');
		const made = document.querySelector('img, iframe, script:not([src]), [onerror], [onload], hx-partial, [hx-get="/logout"]');
		if (made) faults.push('it became ' + made.outerHTML.slice(0, 80));
		return faults;
	})(`+quoted(beginning(payload, 200))+`)`)
}

// harmless fails the test for what inert finds on the page of an address.
func (v *tab) harmless(c hostile, where, payload string) {
	v.t.Helper()
	for _, fault := range v.inert(payload) {
		v.t.Errorf("%s in %s (%s): %s", c.ID, where, v.address(), fault)
	}
	v.calm()
}

// testForeignText puts every payload into every place where foreign text is shown.
func testForeignText(t *testing.T, b *chromium) {
	t.Run("raw", func(t *testing.T) { rawTextIsCaught(t, b) })
	cases := hostiles(t)
	h := startHouse(t)
	to := startHostileEndpoint(t, cases)
	site := webtest.New(t, h.url)
	site.SignIn(houseOwner, housePassword)
	site.Post(hookList, "name", "hostile", "serviceUri", to, "actions", "push", "status", "enabled", "format", "azure", "retry", "none", "timeout", "10").Status(http.StatusSeeOther)
	registry := "/registries/" + houseRegistry
	inbox := site.Post(registry + "/inbox").Place()

	// These pages are open while it comes: what arrives live is text as well.
	live, box := b.tab(t, h.url, desk), b.tab(t, h.url, phone)
	live.signIn(hookList + "/hostile")
	box.signIn(inbox)
	send(h, inbox[strings.LastIndexByte(inbox, '=')+1:], cases)
	for _, c := range cases {
		live.reads("#dl-body", "team/web:"+c.key())
		box.until(c.ID+" in the inbox", "[...document.querySelectorAll('#rq-list li')].some(li => li.textContent.includes('case="+c.key()+"'))")
		box.harmless(c, "the inbox, live", c.start())
	}
	live.calm()

	v := b.tab(t, h.url, desk)
	v.signIn("/")
	for _, c := range cases {
		v.open(site.Get(registry+"/deliveries?q="+c.key()).Find("#dl-body a").First().AttrOr("href", "") + "?view=response")
		v.harmless(c, "the answer's body", c.Payload)
		v.harmless(c, "the answer's header", c.start())
		v.reads("#dl-sentence", "Redirects are not followed")
		v.until(c.ID+" in the sentence", "document.querySelector('#dl-sentence').textContent.includes("+quoted("302 "+beginning(c.Payload, 4))+")")
		v.open(site.Get(registry+"/events?q="+c.key()).Find("tbody a").First().AttrOr("href", ""))
		v.harmless(c, "the client's name", c.start())
		v.until(c.ID+" as the actor", "[...document.querySelectorAll('dd')].some(d => d.textContent.trim().startsWith("+quoted("actor "+beginning(c.Payload, 4))+"))")
		q := url.Values{"q": {c.start()}}.Encode()
		for _, page := range []string{"/search", hookList, registry + "/deliveries", registry + "/events", registry + "/repositories"} {
			v.open(page + "?" + q)
			v.harmless(c, "the search box", c.start())
		}
		refuseHostile(v, c)
	}
	v.open(inbox)
	for _, c := range cases {
		v.harmless(c, "the inbox", c.start())
	}
	stranger := b.tab(t, h.url, desk)
	stranger.allow(http.StatusUnprocessableEntity, http.StatusUnauthorized, http.StatusTooManyRequests)
	for _, c := range cases {
		stranger.open("/sign-in")
		stranger.fill("User name", c.start())
		stranger.fill("Password", "wrong")
		stranger.press("Sign in")
		stranger.reads("[role=alert]", " ")
		stranger.harmless(c, "the sign-in form", c.start())
	}
}

// refuseHostile sends the webhook form with the payload in every field, and asks for a webhook of that name.
func refuseHostile(v *tab, c hostile) {
	v.t.Helper()
	v.allow(http.StatusUnprocessableEntity)
	v.open(hookList + "/new")
	for _, field := range []string{"Service URI", "Custom headers", "Scope"} {
		v.fill(field, c.start())
	}
	v.press("Create")
	v.reads("#err-sum", "attention")
	v.harmless(c, "the webhook form", c.start())
	v.allow(http.StatusNotFound, http.StatusBadRequest)
	v.open(hookList + "/" + url.PathEscape(beginning(c.Payload, 60)))
	for _, fault := range v.inert("") {
		v.t.Errorf("%s in a webhook's address: %s", c.ID, fault)
	}
	v.calm()
	v.allow()
}

// startHostileEndpoint answers with the payload in status line, header and body; the event's tag says which.
func startHostileEndpoint(t *testing.T, cases []hostile) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Target struct{ Tag string } }
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(raw, &sent)
		}
		conn, _, hijacked := http.NewResponseController(w).Hijack()
		if err != nil || hijacked != nil {
			t.Errorf("the request cannot be read: %v %v", err, hijacked)
			return
		}
		defer conn.Close()
		for _, c := range cases {
			if c.key() == sent.Target.Tag {
				fmt.Fprintf(conn, "HTTP/1.1 302 %s\r\nLocation: /%s\r\nX-Hostile: %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
					c.start(), url.PathEscape(c.start()), c.start(), len(c.Payload), c.Payload)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// send pushes a tag for each case with the payload as the client's name, writes it into the event as the actor, and sends it to the inbox.
func send(h *runningHouse, token string, cases []hostile) {
	h.t.Helper()
	h.push("team/web:first")
	do := func(method, path string, head http.Header, body string) *http.Response {
		h.t.Helper()
		req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
		if err != nil {
			h.t.Fatal(err)
		}
		req.Header = head
		req.SetBasicAuth(houseOwner, housePassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode >= http.StatusMultipleChoices {
			h.t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
		return resp
	}
	got := do(http.MethodGet, "/v2/team/web/manifests/first", http.Header{"Accept": {"*/*"}}, "")
	manifest, err := io.ReadAll(got.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.data, "dockbell.db")+"?_busy_timeout=10000")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	for _, c := range cases {
		do(http.MethodPut, "/v2/team/web/manifests/"+c.key(), http.Header{"Content-Type": got.Header["Content-Type"], "User-Agent": {c.start()}}, string(manifest))
		if _, err := db.Exec("update events set actor = ? where tag = ?", "actor "+c.start(), c.key()); err != nil {
			h.t.Fatal(err)
		}
		do(http.MethodPost, "/inbox/"+token+"?case="+c.key()+"&"+url.QueryEscape(c.start()), http.Header{"X-Hostile": {c.start()}, "Content-Type": {"text/html"}}, c.Payload)
	}
}

// rawTextIsCaught shows that inert finds what a page without escaping does.
func rawTextIsCaught(t *testing.T, b *chromium) {
	pages := map[string]string{
		"/ran":    `<img src="/x" onerror="window.__xss=1">`,
		"/became": `<hx-partial hx-target="body"></hx-partial>`,
		"/gone":   `<!--`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if raw := pages[r.URL.Path]; raw != "" {
			fmt.Fprint(w, "<!DOCTYPE html><title>T</title><p>", raw, "</p>")
		} else {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(s.Close)
	for path, want := range map[string][]string{
		"/ran":    {"the text is not shown", "it ran", "it became <img"},
		"/became": {"the text is not shown", "it became <hx-partial"},
		"/gone":   {"the text is not shown"},
	} {
		v := b.tab(t, s.URL, desk)
		v.open(path)
		found := func() string { return strings.Join(v.inert(pages[path]), "\n") }
		v.wait(path+" being caught", func() bool {
			for _, w := range want {
				if !strings.Contains(found(), w) {
					return false
				}
			}
			return true
		})
	}
}
