package views

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

// TestComponents renders everything with full and with empty data, and checks what holds for all of it.
func TestComponents(t *testing.T) {
	all := samples()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for variant, component := range all[name] {
			t.Run(name+"/"+variant, func(t *testing.T) {
				text := rendered(t, component)
				doc := parsed(t, text)
				if strings.HasPrefix(text, "<!doctype html>") {
					checkPage(t, doc)
				}
				checkIDs(t, doc)
				checkControls(t, doc)
				checkPolicy(t, doc)
				checkTables(t, doc)
			})
		}
	}
}

func rendered(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parsed reads a page or a part of one; rows stand in a table, or the parser would drop them.
func parsed(t *testing.T, text string) *goquery.Document {
	t.Helper()
	if strings.HasPrefix(text, "<tr") {
		text = "<table><caption>part</caption><tbody>" + text + "</tbody></table>"
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// checkPage holds for whole pages: a title, one h1, one main, a skip link that leads there, references that lead somewhere.
func checkPage(t *testing.T, doc *goquery.Document) {
	t.Helper()
	for _, once := range []string{"h1", "main#main", "head title", "a.skip[href='#main']"} {
		if n := doc.Find(once).Length(); n != 1 {
			t.Errorf("%d of %s", n, once)
		}
	}
	if h1 := strings.TrimSpace(doc.Find("h1").Text()); h1 == "" {
		t.Error("the h1 is empty")
	}
	for _, attribute := range []string{"aria-labelledby", "aria-describedby", "popovertarget", "for", "form"} {
		doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			for id := range strings.FieldsSeq(s.AttrOr(attribute, "")) {
				if doc.Find("[id='"+id+"']").Length() == 0 {
					t.Errorf("%s=%q leads nowhere: %s", attribute, id, html(s))
				}
			}
		})
	}
}

func checkIDs(t *testing.T, doc *goquery.Document) {
	t.Helper()
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if seen[id] || id == "" {
			t.Errorf("id %q twice or empty: %s", id, html(s))
		}
		seen[id] = true
	})
}

// checkControls wants a name for everything that is typed in, chosen or pressed.
func checkControls(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		labelled := id != "" && strings.TrimSpace(doc.Find("label[for='"+id+"']").Text()) != ""
		if !labelled && s.AttrOr("aria-label", s.AttrOr("aria-labelledby", "")) == "" && s.ParentsFiltered("label").Length() == 0 && s.AttrOr("aria-hidden", "") == "" {
			t.Errorf("no label: %s", html(s))
		}
	})
	doc.Find("button, a[href], summary").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text())+s.AttrOr("aria-label", "") == "" && s.AttrOr("aria-hidden", "") == "" {
			t.Errorf("no name: %s", html(s))
		}
	})
	doc.Find("[role=img]").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("aria-label", "") == "" {
			t.Errorf("a picture without words: %s", html(s))
		}
	})
}

// checkPolicy wants nothing that the Content-Security-Policy forbids, and nothing made from data.
func checkPolicy(t *testing.T, doc *goquery.Document) {
	t.Helper()
	for _, banned := range []string{"[style]", "style", "script:not([src])", "img", "iframe", "base", "[hx-on]"} {
		doc.Find(banned).Each(func(_ int, s *goquery.Selection) { t.Errorf("%s: %s", banned, html(s)) })
	}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"):
				t.Errorf("a script in %s: %s", a.Key, html(s))
			case a.Key == "hx-trigger" && strings.Contains(value, "["), strings.HasPrefix(a.Key, "hx-") && strings.HasPrefix(value, "js:"):
				t.Errorf("htmx would need eval: %s", html(s))
			case slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) && !local(value):
				t.Errorf("%s leads away: %s", a.Key, html(s))
			}
		}
	})
}

// local reports an address of this server.
func local(address string) bool {
	return strings.HasPrefix(address, "#") || strings.HasPrefix(address, "?") ||
		strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
}

func checkTables(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("table").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.ChildrenFiltered("caption").Text()) == "" {
			t.Errorf("a table without a caption: %s", html(s))
		}
	})
	doc.Find("th").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("scope", "") == "" || strings.TrimSpace(s.Text()) == "" {
			t.Errorf("a head without words or scope: %s", html(s))
		}
	})
}

// html is the beginning of an element, to find it by.
func html(s *goquery.Selection) string {
	text, err := goquery.OuterHtml(s)
	if err != nil {
		return err.Error()
	}
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
