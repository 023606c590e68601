package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestAxeIsTheRecordedFile(t *testing.T) {
	list, err := os.Open("testdata/axe/VENDOR")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	seen := 0
	for lines := bufio.NewScanner(list); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if strings.HasPrefix(lines.Text(), "#") || len(f) != 5 {
			continue
		}
		content, err := os.ReadFile("testdata/axe/" + f[0])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f[4] {
			t.Errorf("%s: SHA-256 %x, recorded %s", f[0], sum, f[4])
		}
		seen++
	}
	if seen != 1 {
		t.Errorf("VENDOR lists %d files, want 1", seen)
	}
}

// narrow is the smallest width at which nothing may scroll sideways.
const narrow = 360

// sound holds the page that is open to what every page promises: axe-core finds nothing in either theme, nothing scrolls sideways on a small phone,
// no trouble in the console, in the policy or on the network.
func (v *tab) sound() {
	v.t.Helper()
	v.calm()
	for _, fault := range v.faults() {
		v.t.Errorf("%s in look %s: %s", v.address(), v.look.name, fault)
	}
}

// faults is what axe-core and the rulers find; afterwards the page is shown as before.
func (v *tab) faults() []string {
	v.t.Helper()
	v.scripts(true) // of a page loaded without scripts none runs belatedly
	eval[bool](v, v.b.axe+";true")
	all := v.axe(`{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}`)
	v.theme(!v.look.dark)
	// The other theme changes colours alone.
	all = append(all, v.axe(`{type: 'rule', values: ['color-contrast', 'link-in-text-block']}`)...)
	v.theme(v.look.dark)
	v.resize(narrow)
	if over := eval[[]string](v, `(() => {
		const page = document.scrollingElement;
		if (page.scrollWidth <= page.clientWidth) return [];
		const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > page.clientWidth + 1);
		return wide.slice(-3).map(e => e.outerHTML.slice(0, 160)).concat(page.scrollWidth + ' px');
	})()`); len(over) > 0 {
		all = append(all, fmt.Sprintf("scrolls sideways at %d px: %s", narrow, strings.Join(over, " | ")))
	}
	v.resize(v.look.width)
	if cut := eval[[]string](v, `[...document.querySelectorAll('.gridbox')].filter(g => g.scrollWidth > g.clientWidth + 1)
		.map(g => g.scrollWidth + ' px of table in ' + g.clientWidth + ' px: ' + (g.querySelector('caption')?.textContent ?? ''))`); len(cut) > 0 {
		all = append(all, fmt.Sprintf("cuts off at %d px: %s", v.look.width, strings.Join(cut, " | ")))
	}
	v.scripts(!v.look.plain)
	return all
}

func (v *tab) axe(only string) []string {
	v.t.Helper()
	return eval[[]string](v, `axe.run(document, {runOnly: `+only+`, resultTypes: ['violations']}).then(r => r.violations.map(x =>
		'axe ' + x.id + ': ' + x.help + ': ' + x.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | ')))`)
}

// testChecksFindFaults breaks every promise on purpose: a check that finds nothing proves something only when it can find.
func testChecksFindFaults(t *testing.T, b *chromium) {
	const head = `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>T</title></head><body><main><h1>T</h1>`
	pages := map[string]struct{ body, policy, want string }{
		"good":      {body: `<p>Fine</p>`},
		"axe":       {body: `<img src="/good.png">`, want: "axe image-alt"},
		"contrast":  {body: `<p style="color:#ddd;background:#fff">Pale</p>`, want: "axe color-contrast"},
		"dark":      {body: `<style>@media (prefers-color-scheme: dark) { p { background: #111; color: #222 } }</style><p>Dark on dark</p>`, want: "axe color-contrast"},
		"sideways":  {body: `<div style="width:400px">Wide</div>`, want: "scrolls sideways"},
		"cut":       {body: `<div class="gridbox" tabindex="0" style="overflow-x:auto;width:300px"><div style="width:310px">Wide</div></div>`, want: "cuts off at"},
		"console":   {body: `<script>console.error("told")</script>`, want: "console: error"},
		"exception": {body: `<script>throw new Error("thrown")</script>`, want: "exception: "},
		"policy":    {body: `<script>1</script>`, policy: "script-src 'self'", want: "policy: script-src"},
		"style":     {body: `<p style="color:red">x</p>`, policy: "style-src 'self'", want: "policy: style-src"},
		"dialog":    {body: `<script>alert("shown")</script>`, want: "dialog: shown"},
		"foreign":   {body: `<img alt="x" src="http://evil.test/x.png">`, want: "foreign: http://evil.test/x.png"},
		"missing":   {body: `<img alt="x" src="/none.png">`, want: "status: 404"},
	}
	mux := http.NewServeMux()
	for name, p := range pages {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", p.policy)
			fmt.Fprint(w, head+p.body+`</main></body></html>`)
		})
	}
	for _, there := range []string{"GET /favicon.ico", "GET /good.png"} {
		mux.HandleFunc(there, func(http.ResponseWriter, *http.Request) {})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			v := b.tab(t, server.URL, desk)
			v.open("/" + name)
			got := append(v.faults(), v.taken()...)
			if p.want == "" && len(got) > 0 {
				t.Errorf("a good page is blamed: %q", got)
			}
			if p.want != "" && !strings.Contains(strings.Join(got, "\n"), p.want) {
				t.Errorf("found %q, want %q", got, p.want)
			}
		})
	}
}
