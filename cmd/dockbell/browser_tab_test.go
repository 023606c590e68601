package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one visitor with a profile of its own. It finds things as people do, by role and name, and notes every trouble that a page gives.
type tab struct {
	t    *testing.T
	b    *chromium
	ctx  context.Context
	look look
	base string // what addresses without a host are under

	mu       sync.Mutex
	troubles []string
	allowed  []int64 // statuses from 400 that the story provokes
	status   int64   // of the last document
}

// tab opens a tab on a server and holds it to account at the end of the test.
func (b *chromium) tab(t *testing.T, base string, l look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	v := &tab{t: t, b: b, ctx: ctx, look: l, base: base}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s shows: %s", v.address(), v.text("body"))
			v.picture(strings.ReplaceAll("failed "+t.Name(), "/", " "))
		}
		v.calm()
		cancel()
	})
	v.must(chromedp.Listen(ctx, v.heard))
	v.must(chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, audits.Enable, cdp.Empty{})
		return err
	})))
	v.wear(l)
	return v
}

// wear shows the page as another look sees it; the page stays as it is.
func (v *tab) wear(l look) {
	v.t.Helper()
	v.look = l
	v.resize(l.width)
	v.theme(l.dark)
	v.scripts(!l.plain)
}

func (v *tab) resize(width int64) {
	v.t.Helper()
	call(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: v.look.height, DeviceScaleFactor: 1})
}

func (v *tab) theme(dark bool) {
	v.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

func (v *tab) scripts(run bool) {
	v.t.Helper()
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
}

func call[P, R any](v *tab, c cdp.Command[P, R], params P) R {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, c, params)
	v.must(err)
	return r
}

func (v *tab) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// heard notes what the page gets wrong. It runs in the loop that reads the browser's messages.
func (v *tab) heard(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		// A refused request is judged by its response below.
		if e.Entry.Source != log.EntrySourceNetwork && e.Entry.Level != log.EntryLevelVerbose && e.Entry.Level != log.EntryLevelInfo {
			v.trouble("console", e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			v.trouble("console", string(e.Type)+" "+said(e.Args))
		}
	case *runtime.EventExceptionThrown:
		v.trouble("exception", thrown(e.ExceptionDetails))
	case *audits.EventIssueAdded:
		if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil {
			v.trouble("policy", d.ViolatedDirective+" "+d.BlockedURL)
		}
	case *page.EventJavascriptDialogOpening:
		v.trouble("dialog", e.Message)
		go v.dismiss() // the page waits for it
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Host != hostOf(v.base) && u.Scheme != "data" && u.Scheme != "about" {
			v.trouble("foreign", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			v.status = e.Response.Status
		}
		if e.Response.Status >= 400 && !slices.Contains(v.allowed, e.Response.Status) {
			v.trouble("status", fmt.Sprint(e.Response.Status, " ", e.Response.URL))
		}
	}
}

// dismiss closes the dialog that a script opened.
func (v *tab) dismiss() {
	if _, err := chromedp.Call(v.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}); err != nil {
		v.t.Logf("closing a dialog: %v", err)
	}
}

func (v *tab) trouble(kind, text string) { v.troubles = append(v.troubles, kind+": "+text) }

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception == nil {
		return d.Text
	}
	return d.Text + " " + d.Exception.Description
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, string(a.Value)+a.Description)
	}
	return strings.Join(words, " ")
}

// calm fails the test for every trouble since the last call.
func (v *tab) calm() {
	v.t.Helper()
	for _, trouble := range v.taken() {
		v.t.Errorf("%s", trouble)
	}
}

// taken gives the troubles so far and forgets them.
func (v *tab) taken() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.troubles
	v.troubles = nil
	return all
}

// allow says which refusals the story is about to provoke.
func (v *tab) allow(statuses ...int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.allowed = statuses
}

// open goes to an address and waits until the page is loaded.
func (v *tab) open(address string) {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.base + address
	}
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		v.t.Fatalf("opening %s: %v", address, err)
	}
	v.until("the page being loaded", "document.readyState === 'complete' && document.body")
}

// answered is the status of the last document.
func (v *tab) answered(status int64) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.status != status {
		v.t.Errorf("%s is answered with %d, want %d", v.base, v.status, status)
	}
}

// tryEval evaluates an expression in the page, also where the page itself may run none.
func tryEval[T any](v *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

func eval[T any](v *tab, expression string) T {
	v.t.Helper()
	got, err := tryEval[T](v, expression)
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// until waits for an expression to become true; what says for whom.
func (v *tab) until(what, expression string) {
	v.t.Helper()
	v.wait(what, func() bool {
		ok, err := tryEval[bool](v, "Boolean("+expression+")")
		return err == nil && ok // an error: the page is on its way to another
	})
}

func (v *tab) wait(what string, ready func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			v.t.Fatalf("%s: %s did not happen within %s", v.address(), what, patience)
		}
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string has always a JSON form
	return string(b)
}

// at waits until the address is path, with its query.
func (v *tab) at(path string) {
	v.t.Helper()
	v.until("being at "+path, "document.readyState === 'complete' && location.pathname + location.search === "+quoted(path))
}

// address is where the tab is.
func (v *tab) address() string {
	at, err := tryEval[string](v, "location.href")
	if err != nil {
		return err.Error()
	}
	return at
}

// reads waits until what a selector finds holds a text as people see it.
func (v *tab) reads(selector, text string) {
	v.t.Helper()
	v.until(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf("[...document.querySelectorAll(%s)].some(e => e.innerText.replace(/\\s+/g, ' ').includes(%s))", quoted(selector), quoted(text)))
}

// gone waits until a selector finds nothing.
func (v *tab) gone(selector string) {
	v.t.Helper()
	v.until(selector+" being gone", "!document.querySelector("+quoted(selector)+")")
}

// text is what people see of an element; empty when it is not there.
func (v *tab) text(selector string) string {
	text, err := tryEval[string](v, "document.querySelector("+quoted(selector)+")?.innerText ?? ''")
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}
