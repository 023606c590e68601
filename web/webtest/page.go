package webtest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Page is what came back: a whole page, a part of one, or a place to go to.
type Page struct {
	Code   int
	Header http.Header
	Body   string
	t      testing.TB
	what   string // the request, for messages
	doc    *goquery.Document
}

// Status wants this status; with another one the test ends.
func (p *Page) Status(want int) *Page {
	p.t.Helper()
	if p.Code != want {
		p.t.Fatalf("%s: status %d, want %d:\n%.800s", p.what, p.Code, want, p.Text("body"))
	}
	return p
}

// Place is where the answer sends the browser: by 303 after a form, by a header when htmx asked.
func (p *Page) Place() string {
	p.t.Helper()
	if p.Header.Get("HX-Redirect") == "" {
		return p.Status(http.StatusSeeOther).Header.Get("Location")
	}
	return p.Header.Get("HX-Redirect")
}

// Leads wants to be sent to this place.
func (p *Page) Leads(to string) *Page {
	p.t.Helper()
	if got := p.Place(); got != to {
		p.t.Fatalf("%s leads to %q, want %q", p.what, got, to)
	}
	return p
}

// LeadsLike wants to be sent to a place that begins so; what follows is the server's to choose.
func (p *Page) LeadsLike(beginning string) *Page {
	p.t.Helper()
	if got := p.Place(); !strings.HasPrefix(got, beginning) {
		p.t.Fatalf("%s leads to %q, want it to begin with %q", p.what, got, beginning)
	}
	return p
}

// Doc is the answer as HTML.
func (p *Page) Doc() *goquery.Document {
	p.t.Helper()
	if p.doc == nil {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(p.Body))
		must(p.t, err)
		p.doc = doc
	}
	return p.doc
}

// Find gives the elements of a selector.
func (p *Page) Find(selector string) *goquery.Selection {
	p.t.Helper()
	return p.Doc().Find(selector)
}

// Text is what an element says, blanks put together.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return Squeeze(p.Find(selector).Text())
}

// Says wants words in an element.
func (p *Page) Says(selector, words string) *Page {
	p.t.Helper()
	if got := p.Text(selector); !strings.Contains(got, words) {
		p.t.Errorf("%s: %s says %q, want %q", p.what, selector, got, words)
	}
	return p
}

// Lacks wants no element of this selector.
func (p *Page) Lacks(selector string) *Page {
	p.t.Helper()
	if n := p.Find(selector).Length(); n > 0 {
		p.t.Errorf("%s: %d of %s, want none", p.what, n, selector)
	}
	return p
}

// Value is what a control holds.
func (p *Page) Value(selector string) string {
	p.t.Helper()
	control := p.Find(selector)
	switch {
	case control.Is("textarea"):
		return control.Text()
	case control.Is("select"):
		return control.Find("option[selected]").AttrOr("value", "")
	}
	return control.AttrOr("value", "")
}

// Form is what the browser would send of a form as it stands, without its buttons.
func (p *Page) Form(selector string) url.Values {
	p.t.Helper()
	form := url.Values{}
	p.Find(selector).Find("input[name], textarea[name], select[name]").Each(func(_ int, control *goquery.Selection) {
		name, kind := control.AttrOr("name", ""), control.AttrOr("type", "")
		_, checked := control.Attr("checked")
		_, disabled := control.Attr("disabled")
		switch {
		case disabled, (kind == "checkbox" || kind == "radio") && !checked:
		case control.Is("textarea"):
			form.Add(name, strings.TrimPrefix(control.Text(), "\n"))
		case control.Is("select"):
			chosen := control.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = control.Find("option").First()
			}
			form.Add(name, chosen.AttrOr("value", chosen.Text()))
		default:
			form.Add(name, control.AttrOr("value", map[bool]string{true: "on"}[kind == "checkbox"]))
		}
	})
	return form
}

// Squeeze puts blanks together, as a browser shows them.
func Squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }
