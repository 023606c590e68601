package main

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// testKeyboard makes a webhook with Tab, Space and Enter alone: every stop is visible, none is lost, and the panel keeps the focus.
func testKeyboard(t *testing.T, b *chromium) {
	for _, l := range []look{desk, deskPlain} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			h, to := startHouse(t), startEndpoint(t)
			v := b.tab(t, h.url, l)
			v.open(hookList)
			v.tabTo("User name")
			v.keys(houseOwner + kb.Tab + housePassword + kb.Enter)
			v.at(hookList)
			v.keys(kb.Tab)
			if got := v.focused(); got != "Skip to content" {
				t.Errorf("the first stop is %q", got)
			}
			v.tabTo("Add")
			v.keys(kb.Enter)
			v.reads("dialog h2", "Create webhook")
			if l.plain {
				v.tabTo("Webhook name")
			} else {
				v.until("the focus on the name", "document.activeElement.id === 'w-name'")
				v.staysInPanel()
			}
			v.keys("deployprod")
			v.tabTo("Service URI")
			v.keys(to.url)
			v.tabTo("Image delete")
			v.keys(" ")
			v.tabTo("Create and ping")
			v.keys(kb.Enter)
			v.row("deployprod", "HTTP STATUS", "200")
			v.row("deployprod", "ACTIONS", "push delete")
			if !l.plain {
				shortcuts(v)
			}
		})
	}
}

// focused is the name of what has the focus.
func (v *tab) focused() string {
	v.t.Helper()
	return eval[string](v, `(() => {
		const e = document.activeElement;
		return e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.textContent.trim();
	})()`)
}

// tabTo presses Tab until the focus is on an element of that name, and wants every stop on the way to be seen.
func (v *tab) tabTo(name string) {
	v.t.Helper()
	for range 60 {
		if v.focused() == name {
			return
		}
		v.keys(kb.Tab)
		if hidden := eval[string](v, `(() => {
			const e = document.activeElement;
			if (e === document.body) return '';
			const r = e.getBoundingClientRect(), ring = getComputedStyle(e);
			if (r.width === 0 || r.bottom <= 0 || r.right <= 0 || r.top >= innerHeight || r.left >= innerWidth) return 'outside: ' + e.outerHTML.slice(0, 120);
			return ring.outlineStyle === 'none' && ring.boxShadow === 'none' ? 'no ring: ' + e.outerHTML.slice(0, 120) : '';
		})()`); hidden != "" {
			v.t.Errorf("%s: the focus cannot be seen, %s", v.address(), hidden)
		}
	}
	v.t.Fatalf("%s: no stop is called %q", v.address(), name)
}

// staysInPanel goes once around: nothing behind the panel takes the focus.
func (v *tab) staysInPanel() {
	v.t.Helper()
	for range 40 {
		v.keys(kb.Tab)
		if at := eval[string](v, "document.activeElement === document.body || document.activeElement.closest('dialog') ? '' : document.activeElement.outerHTML.slice(0, 120)"); at != "" {
			v.t.Errorf("the focus left the panel for %s", at)
		}
		if eval[bool](v, "document.activeElement.id === 'w-name'") {
			return
		}
	}
	v.t.Error("the focus never comes back to the panel's first field")
}

// shortcuts are the single keys of the help page, and what turns them off.
func shortcuts(v *tab) {
	v.t.Helper()
	v.open(hookList)
	v.keys("n")
	v.reads("dialog h2", "Create webhook")
	v.until("the focus on the name", "document.activeElement.id === 'w-name'")
	v.keys("nothing is opened by typing") // into the name
	v.keys(kb.Escape)
	v.gone("dialog")
	v.at(hookList)
	v.keys("/")
	v.until("the search having the focus", "document.activeElement.id === 'q'")
	v.keys(kb.Escape)
	v.open("/help/keys")
	v.sound()
}
