package portal

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/a-h/templ"
)

// message is what a reader of server-sent events makes of a stream (WHATWG HTML, 9.2.6).
type message struct{ id, event, data string }

// readMessages takes a stream apart by the letter of the standard.
func readMessages(stream string) []message {
	var all []message
	var m message
	seen := false
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	for _, l := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(l, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case l == "":
			if seen {
				m.data = strings.TrimSuffix(m.data, "\n")
				all = append(all, m)
			}
			m, seen = message{}, false
		case name == "data":
			m.data, seen = m.data+value+"\n", true
		case name == "event":
			m.event = value
		case name == "id":
			m.id = value
		}
	}
	return all
}

// written gives what frames write for a text.
func written(t *testing.T, id, text string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	f := frames{w: rec, conn: http.NewResponseController(rec)}
	if err := f.message(id, text); err != nil {
		t.Fatal(err)
	}
	return rec.Body.String()
}

func TestOneTextIsOneMessage(t *testing.T) {
	for name, payload := range map[string]string{
		"blank line and event":   "x\n\nevent: evil\ndata: y\n\n",
		"carriage returns":       "x\r\revent: evil\rdata: y\r\r",
		"both":                   "x\r\n\r\nevent: evil\r\ndata: y\r\n\r\n",
		"mixed up":               "\n\r\n\r\r\n\n",
		"comment and id":         ": c\nid: 7\nretry: 1",
		"ends with a line break": "x\n",
		"begins with a blank":    " x",
		"empty":                  "",
		"byte order mark":        "\ufeffx",
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(payload)
			got := readMessages(written(t, "", payload))
			if !reflect.DeepEqual(got, []message{{data: want}}) {
				t.Errorf("read %q, want one message with %q", got, want)
			}
		})
	}
}

func FuzzOneTextIsOneMessage(f *testing.F) {
	f.Add("a\r\n\nevent: evil")
	f.Fuzz(func(t *testing.T, text string) {
		if got := readMessages(written(t, "5", text)); len(got) != 1 || got[0].event != "" || got[0].id != "5" {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// row makes a line of a list whose text is its ID and a state.
func row(id, state string) line {
	return line{id: id, draw: func(arrived bool) templ.Component {
		return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
			text := "<" + id + " " + state + ">"
			if arrived {
				text += "!"
			}
			_, err := io.WriteString(w, text)
			return err
		})
	}}
}

func TestListSendsTheDifference(t *testing.T) {
	b, l := newBoard(t.Context()), listing{body: "body"}
	steps := []struct {
		name  string
		lines []line
		want  []string // pieces of the frame, in order; none: nothing is sent
	}{
		{"first look compares all", []line{row("b", "1"), row("a", "1")}, []string{`"#body" hx-swap="innerMorph"`, "<b 1><a 1>"}},
		{"nothing changed", []line{row("b", "1"), row("a", "1")}, nil},
		{"one changed", []line{row("b", "2"), row("a", "1")}, []string{`"#b" hx-swap="outerMorph"><b 2><`}},
		{
			"two came, the oldest left, one changed", []line{row("d", "1"), row("c", "1"), row("b", "3")},
			[]string{`"#a" hx-swap="delete"`, `"#b" hx-swap="outerMorph"><b 3>`, `"#body" hx-swap="afterbegin"><d 1>!<c 1>!`},
		},
		{"one came in the middle", []line{row("d", "1"), row("x", "1"), row("c", "1")}, []string{"innerMorph", "<d 1><x 1><c 1>"}},
		{"turned round", []line{row("c", "1"), row("d", "1")}, []string{"innerMorph", "<c 1><d 1>"}},
		{"all gone, others came", []line{row("z", "1")}, []string{`"#c" hx-swap="delete"`, `"#d" hx-swap="delete"`, `afterbegin"><z 1>!`}},
	}
	for _, step := range steps {
		l.renew(b, step.lines)
		_, text, err := b.take()
		if err != nil {
			t.Fatal(err)
		}
		if len(step.want) == 0 && text != "" {
			t.Errorf("%s: sent %s", step.name, text)
		}
		for rest, i := text, 0; i < len(step.want); i++ {
			_, after, found := strings.Cut(rest, step.want[i])
			if !found {
				t.Errorf("%s: %q is missing in %s", step.name, step.want[i], text)
			}
			rest = after
		}
	}
}

func TestBoardKeepsWhatIsThere(t *testing.T) {
	b := newBoard(t.Context())
	b.put("#x", "innerMorph", row("a", "1").draw(false))
	_, first, _ := b.take()
	b.put("#x", "innerMorph", row("a", "1").draw(false))
	_, second, _ := b.take()
	if !strings.Contains(first, "<a 1>") || second != "" {
		t.Errorf("first %q, second %q", first, second)
	}
}

func TestBoardTellsABrokenPart(t *testing.T) {
	b := newBoard(t.Context())
	b.add(templ.ComponentFunc(func(context.Context, io.Writer) error { return io.ErrUnexpectedEOF }))
	if _, _, err := b.take(); err == nil {
		t.Error("an error while drawing was lost")
	}
}
