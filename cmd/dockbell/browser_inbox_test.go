package main

import (
	"net/http"
	"strings"
	"testing"
)

// testInbox is the first webhook of somebody without an endpoint: the form offers an inbox, and its page shows what comes.
func testInbox(t *testing.T, b *chromium) {
	everyLook(t, func(t *testing.T, l look) {
		h := startHouse(t)
		v := b.tab(t, h.url, l)
		v.signIn("/registries/" + houseRegistry + "/inbox")
		v.reads("#main", "No inbox yet")
		v.open(hookList)
		v.press("Add webhook")
		v.fill("Webhook name", "tryitout")
		v.fill("Custom headers", "X-Team: platform")
		v.fill("Scope", "team/*:*")
		if !l.plain { // the answers to what was typed move what stands below, also from under a press
			v.reads("body", "tryitout is available")
			v.reads("body", "Would match no repository yet")
		}
		v.press("Use an inbox")
		v.until("an inbox's address", "document.querySelector('#w-uri')?.value.startsWith("+quoted(h.url+"/inbox/")+")")
		v.holds("Webhook name", "tryitout")
		v.holds("Custom headers", "X-Team: platform")
		v.holds("Scope", "team/*:*")
		v.sound()
		v.picture("inbox in form " + l.name)
		v.press("Create")
		v.row("tryitout", "SERVICE URI", "/inbox/")

		v.open("/registries/" + houseRegistry + "/inbox")
		v.reads("#requests", "Nothing came yet")
		h.push("team/web:v1")
		seen := func() bool { return strings.Contains(v.text("#rq-list"), "POST") }
		v.wait("the request", func() bool {
			if l.plain && !seen() {
				v.refresh()
			}
			return seen()
		})
		v.reads("#rq-list summary", "POST")
		if l.plain {
			eval[bool](v, "document.querySelector('#rq-list details').open = true")
		}
		v.reads("#rq-list", "X-Team")
		v.reads("#rq-list", "platform")
		v.reads("#rq-list pre", `"tag": "v1"`)
		v.sound()
		v.picture("inbox " + l.name)

		// It answers as it is told, and says what it cannot do.
		v.allow(http.StatusUnprocessableEntity)
		v.fill("Answers with status", "99")
		v.press("Save")
		v.complains("Answers with status", "200")
		v.holds("Answers with status", "99")
		v.allow()
		v.fill("Answers with status", "503")
		v.press("Save")
		v.reads("#main nav", "answers 503")
		v.open(hookList + "/tryitout")
		v.press("Ping")
		v.reads("#ping-result", "503")
		v.sound()

		v.open("/registries/" + houseRegistry + "/inbox")
		v.press("Delete")
		v.reads("#main", "No inbox yet")
	})
}
