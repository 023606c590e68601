package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/web/webtest"
)

// testLists is what can be done with several things at once: commands on selected webhooks, filters, pages of a history, rows that
// arrive by themselves, and the search over everything.
func testLists(t *testing.T, b *chromium) {
	everyLook(t, func(t *testing.T, l look) {
		h, to := startHouse(t), startEndpoint(t)
		site := webtest.New(t, h.url)
		site.SignIn(houseOwner, housePassword)
		for _, name := range []string{"firsthook", "secondhook", "thirdhook"} {
			site.Post(hookList, "name", name, "serviceUri", to.url+"/"+name, "actions", "push", "status", "enabled", "format", "azure", "retry", "none", "timeout", "10").Status(http.StatusSeeOther)
		}
		v := b.tab(t, h.url, l)
		v.signIn(hookList)
		commandSelected(v)
		h.push("team/web:v1")
		for _, name := range []string{"firsthook", "thirdhook"} {
			if l.plain {
				v.wait("the answer after Refresh", func() bool {
					v.refresh()
					return strings.Contains(eval[string](v, cells(name)+"['HTTP STATUS']"), "200")
				})
			}
			v.row(name, "HTTP STATUS", "200")
			v.row(name, "LAST 24 H", "100%")
		}
		v.row("secondhook", "HTTP STATUS", "–") // it was disabled
		v.sound()
		v.picture("04 webhooks " + l.name)
		filterList(v)
		deleteSelected(v)
		pageHistory(v, h)
		search(v)
	})
}

func commandSelected(v *tab) {
	v.t.Helper()
	disabled := "[...document.querySelectorAll('.cmdbar [data-needs]')].map(b => b.getAttribute('aria-disabled') === 'true')"
	if !v.look.plain {
		if off := eval[[]bool](v, disabled); len(off) != 8 || strings.Contains(fmt.Sprint(off), "false") {
			v.t.Errorf("without a selection the commands are off: %v", off)
		}
	}
	v.tick("Select secondhook", true)
	if !v.look.plain {
		v.reads("[data-selcount]", "1 selected")
	}
	v.press("Disable")
	v.row("secondhook", "STATUS", "Disabled")
	v.reads("#toasts", "secondhook disabled")
	v.press("Undo")
	v.row("secondhook", "STATUS", "Enabled")
	v.tick("Select secondhook", true)
	v.press("Disable")
	v.row("secondhook", "STATUS", "Disabled")

	v.open(hookList)
	v.tick("Select firsthook", true)
	v.press("Pause")
	v.row("firsthook", "STATUS", "Paused")
	v.tick("Select firsthook", true)
	v.press("Resume")
	v.reads("dialog h2", "Resume firsthook")
	v.sound()
	v.within("dialog", "Resume", "button").click()
	v.row("firsthook", "STATUS", "Enabled")
	v.reads("#toasts", "firsthook resumed")

	v.open(hookList)
	v.tick("Select firsthook", true)
	v.press("Ping")
	v.reads("#ping-result", "Ping to firsthook answered 200")
	v.tick("Select firsthook", true)
	v.press("Configure")
	v.reads("dialog h2", "Configure webhook")
	v.holds("Webhook name", "firsthook")
	v.press("Cancel")
	v.gone("dialog")
}

func filterList(v *tab) {
	v.t.Helper()
	rows := func(n int) {
		v.t.Helper()
		v.until(fmt.Sprint(n, " rows"), fmt.Sprint("document.querySelectorAll('#hooks-body .name').length === ", n))
	}
	apply := func() {
		v.t.Helper()
		if v.look.plain {
			v.press("Apply")
		}
	}
	v.open(hookList)
	v.choose("Status", "Disabled")
	apply()
	rows(1)
	v.until("the filter in the address", "location.search.includes('status=disabled')")
	v.choose("Status", "Any status")
	apply()
	rows(3)
	v.fill("Filter by name or URI", "no such thing")
	apply()
	rows(0)
	v.sound()
	pressed := time.Time{}
	v.wait("the whole list", func() bool {
		if time.Since(pressed) > 5*time.Second && v.has("Show all 3 webhooks", "link") { // a browser that still draws the narrow page may lose a click
			v.press("Show all 3 webhooks")
			pressed = time.Now()
		}
		return !strings.Contains(v.address(), "q=no")
	})
	rows(3)
	if v.look.width == desk.width { // on phones there are cards without column heads
		v.press("NAME")
		v.until("the other order", "document.querySelector('#hooks-body .name').textContent === 'thirdhook'")
	}
}

func deleteSelected(v *tab) {
	v.t.Helper()
	v.open(hookList)
	v.tick("Select secondhook", true)
	v.tick("Select thirdhook", true)
	v.press("Delete")
	v.reads("dialog", "secondhook, thirdhook")
	v.sound()
	word := eval[string](v, "document.querySelector('dialog label code').textContent")
	v.fill("Type "+word+" to confirm", word)
	v.find(eval[string](v, "document.querySelector('dialog button').textContent.trim()"), "button").click()
	v.gone("dialog")
	v.until("one row", "document.querySelectorAll('#hooks-body .name').length === 1")
}

// pageHistory goes through a history of more than one page; with scripts new rows come while its first page is open.
func pageHistory(v *tab, h *runningHouse) {
	v.t.Helper()
	for i := range 26 {
		h.push(fmt.Sprintf("team/web:p%d", i))
	}
	newest := func(tag string) {
		v.t.Helper()
		v.until(tag+" on top", "document.querySelector('#dl-body tr')?.innerText.includes("+quoted("team/web:"+tag)+")")
	}
	v.open("/registries/" + houseRegistry + "/deliveries")
	newest("p25")
	v.press("Older")
	v.reads("#dl-body", "ping")
	v.sound()
	v.press("Newer")
	newest("p25")
	h.push("team/web:live")
	if v.look.plain {
		v.refresh()
	}
	newest("live")
}

func search(v *tab) {
	v.t.Helper()
	v.fill("Search repositories, webhooks, event IDs", "firsth")
	v.keys("\r")
	v.until("the results", "location.pathname === '/search'")
	v.sound()
	v.press("firsthook")
	v.reads("h1", "firsthook")
}
