package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
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

// thing is an element of the page.
type thing struct {
	v    *tab
	id   runtime.RemoteObjectID
	what string
}

// find waits for the one element of a role and name; several roles mean any of them. Ignored ones, such as those behind a panel, are none.
func (v *tab) find(name string, roles ...string) thing {
	v.t.Helper()
	return v.within("body", name, roles...)
}

// within is find below the first element of a selector.
func (v *tab) within(selector, name string, roles ...string) thing {
	v.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		found := v.named(selector, name, roles)
		if len(found) == 1 {
			if e, err := v.thing(found[0], name); err == nil {
				return e
			}
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("%s: %d elements with role %v and name %q in %s", v.address(), len(found), roles, name, selector)
		}
	}
}

// thing is a node as a thing; an error means that the page went away meanwhile.
func (v *tab) thing(id cdp.BackendNodeID, what string) (thing, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return thing{}, err
	}
	return thing{v, r.Object.ObjectID, what}, nil
}

// has reports whether an element of that role and name is there now.
func (v *tab) has(name string, roles ...string) bool { return len(v.named("body", name, roles)) > 0 }

func (v *tab) named(selector, name string, roles []string) (found []cdp.BackendNodeID) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	root, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.querySelector(" + quoted(selector) + ")"})
	if err != nil || root.Result == nil || root.Result.ObjectID == "" {
		return nil
	}
	for _, role := range roles {
		r, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{ObjectID: root.Result.ObjectID, AccessibleName: name, Role: role})
		if err != nil {
			return nil // the page went away meanwhile
		}
		for _, n := range r.Nodes {
			if !n.Ignored && !slices.Contains(found, n.BackendDOMNodeID) {
				found = append(found, n.BackendDOMNodeID)
			}
		}
	}
	return found
}

// do runs a function with the element as this.
func (e thing) do(function string, into any) error {
	ctx, cancel := context.WithTimeout(e.v.ctx, patience)
	defer cancel()
	yes := true
	r, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: e.id, ReturnByValue: &yes})
	if err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return errors.New(thrown(r.ExceptionDetails))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(r.Result.Value, into)
}

// click moves the mouse there and presses. Something that lies over the element would get the click instead and fails the test.
func (e thing) click() {
	e.v.t.Helper()
	var at struct {
		X, Y  float64
		Above string
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := e.do(`function() {
			this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
			const r = this.getClientRects()[0];
			if (!r) return {Above: 'nothing, for it is not shown'};
			const x = r.x + r.width / 2, y = r.y + r.height / 2, hit = document.elementFromPoint(x, y);
			const mine = hit && (this.contains(hit) || hit.contains(this) || hit.closest('label')?.control === this);
			return {X: x, Y: y, Above: mine ? '' : hit ? hit.outerHTML.slice(0, 200) : 'nothing, for it is outside'};
		}`, &at)
		if err == nil && at.Above == "" {
			break
		}
		if time.Now().After(deadline) {
			e.v.t.Fatalf("%s: %s cannot be clicked: %v %s", e.v.address(), e.what, err, at.Above)
		}
	}
	mouse := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at.X, Y: at.Y}
	call(e.v, input.DispatchMouseEvent, mouse)
	mouse.Button, mouse.ClickCount, mouse.Buttons = input.MouseButtonLeft, 1, 1
	mouse.Type = input.DispatchMouseEventTypeMousePressed
	call(e.v, input.DispatchMouseEvent, mouse)
	mouse.Type, mouse.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	call(e.v, input.DispatchMouseEvent, mouse)
}

// press clicks the button or link of a name.
func (v *tab) press(name string) { v.t.Helper(); v.find(name, "button", "link").click() }

// refresh presses Refresh and waits for the new page.
func (v *tab) refresh() {
	v.t.Helper()
	eval[bool](v, "document.body.dataset.before = true")
	v.press("Refresh")
	v.until("the page anew", "document.readyState === 'complete' && !document.body.dataset.before")
}

// fields are the roles of what a text is typed into.
var fields = []string{"textbox", "searchbox", "spinbutton"}

// fill replaces the text of a field, as typed.
func (v *tab) fill(name, text string) {
	v.t.Helper()
	field := v.find(name, fields...)
	v.must(field.do("function() { this.focus(); this.select(); }", nil))
	if text == "" {
		v.keys("\b")
		return
	}
	call(v, input.InsertText, input.InsertTextParams{Text: text})
}

// keys presses keys, one after the other.
func (v *tab) keys(keys string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	v.must(chromedp.Do(ctx, chromedp.KeyEvent(keys)))
}

// value is the text in a field.
func (v *tab) value(name string) string {
	v.t.Helper()
	var text string
	v.must(v.find(name, append(slices.Clone(fields), "combobox")...).do("function() { return this.value; }", &text))
	return text
}

// holds fails the test unless a field has that text.
func (v *tab) holds(name, text string) {
	v.t.Helper()
	if got := v.value(name); got != text {
		v.t.Errorf("%s: field %s holds %q, want %q", v.address(), name, got, text)
	}
}

// tick makes a checkbox or switch as wanted.
func (v *tab) tick(name string, wanted bool) {
	v.t.Helper()
	box := v.find(name, "checkbox", "switch")
	v.wait(fmt.Sprintf("%s being %v", name, wanted), func() bool {
		var checked bool
		v.must(box.do("function() { return this.checked; }", &checked))
		if checked != wanted {
			box.click() // beside it when a live answer moves the form at that moment: then again
		}
		return checked == wanted
	})
}

// choose picks an option of a select by what it says.
func (v *tab) choose(name, option string) {
	v.t.Helper()
	var found bool
	v.must(v.find(name, "combobox").do(`function() {
		const o = [...this.options].find(o => o.text.trim() === `+quoted(option)+`);
		if (!o) return false;
		this.value = o.value;
		this.dispatchEvent(new Event('input', {bubbles: true}));
		this.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	}`, &found))
	if !found {
		v.t.Fatalf("%s has no option %q", name, option)
	}
}

// complains waits for the message at a field.
func (v *tab) complains(name, text string) {
	v.t.Helper()
	v.wait(fmt.Sprintf("field %s saying %q", name, text), func() bool {
		all := v.named("body", name, append(slices.Clone(fields), "combobox", "group", "checkbox"))
		if len(all) != 1 {
			return false
		}
		field, err := v.thing(all[0], name)
		if err != nil {
			return false
		}
		var said string
		err = field.do(`function() {
			return (this.getAttribute('aria-describedby') || '').split(/\s+/).map(id => document.getElementById(id)?.innerText || '').join(' ');
		}`, &said)
		return err == nil && strings.Contains(said, text)
	})
}

// picture saves what the tab shows, all of the page, where DOCKBELL_SHOTS names a folder.
func (v *tab) picture(name string) {
	v.t.Helper()
	folder := os.Getenv("DOCKBELL_SHOTS")
	if folder == "" {
		return
	}
	tall, err := tryEval[int64](v, "Math.max(document.scrollingElement.scrollHeight, innerHeight)")
	if err != nil {
		v.t.Logf("no picture of %s: %v", name, err)
		return
	}
	beyond := true
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: float64(v.look.width), Height: float64(tall), Scale: 1},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), shot.Data, 0o600)
	}
	if err != nil {
		v.t.Logf("no picture of %s: %v", name, err)
	}
}
