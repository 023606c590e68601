package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

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
// It waits until the element stands still: a browser that is still drawing a new width would take the click for what was there.
func (e thing) click() {
	e.v.t.Helper()
	type spot struct {
		X, Y  float64
		Above string
	}
	var at, before spot
	for deadline := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		before, at = at, spot{}
		err := e.do(`function() {
			this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
			const r = this.getClientRects()[0];
			if (!r) return {Above: 'nothing, for it is not shown'};
			const x = r.x + r.width / 2, y = r.y + r.height / 2, hit = document.elementFromPoint(x, y);
			const mine = hit && (this.contains(hit) || hit.contains(this) || hit.closest('label')?.control === this);
			return {X: x, Y: y, Above: mine ? '' : hit ? hit.outerHTML.slice(0, 200) : 'nothing, for it is outside'};
		}`, &at)
		if err == nil && at.Above == "" && at == before {
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
	v.until("a page to refresh", "document.readyState === 'complete' && document.body && (document.body.dataset.before = true)")
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

// keys presses keys, one after the other. A press and what it types come as one, as from a keyboard: where the press moves the focus,
// the text of a message of its own would go to the next element.
func (v *tab) keys(keys string) {
	v.t.Helper()
	for _, r := range keys {
		events := kb.Encode(r)
		press, release := *events[0], *events[len(events)-1]
		press.Type = kb.KeyRawDown
		if len(events) == 3 {
			press.Type, press.Text, press.UnmodifiedText = kb.KeyDown, events[1].Text, events[1].UnmodifiedText
		}
		call(v, input.DispatchKeyEvent, press)
		call(v, input.DispatchKeyEvent, release)
	}
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
