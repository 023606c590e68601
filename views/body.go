package views

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"dockbell/models/delivery"
	"dockbell/views/ui"
)

// hexShown is how much of a body that is not text is written in hexadecimal.
const hexShown = 8 << 10

// Body is a request's or an answer's body as pages show it: text, or hexadecimal where it is not text.
type Body struct {
	Content   []byte
	Truncated bool // it was longer when it came
	Raw       bool // as it came, not in reading form
}

// piece is a run of text of one colour.
type piece struct{ class, text string }

// pieces are the text to show: JSON indented and coloured, other text as it is.
func (b Body) pieces() []piece {
	if !readable(b.Content) {
		return []piece{{"", hex.Dump(b.Content[:min(len(b.Content), hexShown)])}}
	}
	if pretty, ok := b.pretty(); ok && !b.Raw {
		return coloured(pretty)
	}
	return []piece{{"", string(b.Content)}}
}

// pretty is the body with its JSON indented; false when it is not JSON.
func (b Body) pretty() (string, bool) {
	var out bytes.Buffer
	trimmed := bytes.TrimSpace(b.Content)
	if len(trimmed) == 0 || !json.Valid(trimmed) || json.Indent(&out, trimmed, "", "  ") != nil {
		return "", false
	}
	return out.String(), true
}

// turns reports whether Pretty and Raw differ.
func (b Body) turns() bool {
	_, ok := b.pretty()
	return ok && readable(b.Content)
}

// text is a component with the whole body in a pre element, under a name for those who hear it. The line break after the tag is
// the one that HTML drops, so that a body may begin with one; a carriage return is written so that HTML keeps it.
func (b Body) text(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var out strings.Builder
		out.WriteString(`<pre class="code" tabindex="0" role="group" aria-label="` + templ.EscapeString(name) + "\">\n")
		for _, p := range b.pieces() {
			text := strings.ReplaceAll(templ.EscapeString(p.text), "\r", "&#13;")
			if p.class != "" {
				text = `<span class="` + p.class + `">` + text + `</span>`
			}
			out.WriteString(text)
		}
		out.WriteString("</pre>")
		_, err := io.WriteString(w, out.String())
		return err
	})
}

// size says how long the body is and what is missing of it.
func (b Body) size() string {
	text := ui.Bytes(int64(len(b.Content)))
	switch {
	case b.Truncated:
		text = "the first " + text + " of a longer one"
	case len(b.Content) == 1:
		text = "1 byte"
	case len(b.Content) < 1<<10:
		text = ui.Count(len(b.Content)) + " bytes"
	}
	if !readable(b.Content) {
		text += ", not text"
		if len(b.Content) > hexShown {
			text += ", of which " + ui.Bytes(hexShown) + " are shown"
		}
	}
	return text
}

// readable reports whether a body is text: valid UTF-8 (but for a cut end) without control characters.
func readable(body []byte) bool {
	for i := 0; i < len(body); {
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n <= 1 {
			return i > 0 && !utf8.FullRune(body[i:]) // the cut went through the last character
		}
		if unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) {
			return false
		}
		i += n
	}
	return true
}

// coloured takes indented JSON apart: keys, strings, numbers and words in their colours.
func coloured(text string) []piece {
	var all []piece
	for len(text) > 0 {
		n, class := token(text)
		if class == "s" && isKey(text[n:]) {
			class = "k"
		}
		if last := len(all) - 1; last >= 0 && all[last].class == class {
			all[last].text += text[:n]
		} else {
			all = append(all, piece{class, text[:n]})
		}
		text = text[n:]
	}
	return all
}

// token measures the first token of valid JSON and names its colour.
func token(text string) (length int, class string) {
	switch c := text[0]; {
	case c == '"':
		return stringLength(text), "s"
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
		n := strings.IndexAny(text, ",]} \n")
		if n < 0 {
			n = len(text)
		}
		return n, "n"
	default:
		n := strings.IndexAny(text[1:], "\"-0123456789abcdefghijklmnopqrstuvwxyz")
		if n < 0 {
			return len(text), ""
		}
		return n + 1, ""
	}
}

func stringLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func isKey(after string) bool { return strings.HasPrefix(after, ":") }

// curl is the request as a command line. Secrets stay out of it: a word in capitals stands where one belongs.
func curl(a delivery.Attempt, body []byte) string {
	lines := []string{"curl --request POST " + quoted(strings.Replace(a.RequestURI, masked+"@", "USER:PASSWORD@", 1))}
	for _, h := range a.RequestHeaders {
		if framing[strings.ToLower(h.Name)] {
			continue
		}
		value := h.Value
		if strings.Contains(value, masked) {
			value = placeholder(h.Name)
		}
		lines = append(lines, "--header "+quoted(h.Name+": "+value))
	}
	lines = append(lines, "--data-binary "+quoted(string(body)))
	return strings.Join(lines, " \\\n  ")
}

// framing are headers that curl writes itself.
var framing = map[string]bool{"host": true, "content-length": true, "accept-encoding": true, "connection": true}

// placeholder turns a header's name into the word that stands for its value: X-Api-Key gives YOUR-X-API-KEY.
func placeholder(header string) string { return "YOUR-" + strings.ToUpper(header) }

// quoted is text as one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
