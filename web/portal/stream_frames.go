package portal

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/a-h/templ"
)

// frames writes server-sent events.
type frames struct {
	w    io.Writer
	conn *http.ResponseController
}

// lineEnds are the three ends of a line that a reader of server-sent events knows.
var lineEnds = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")

// message sends text as the data of one message. Every line of it, however it ends, becomes a data line of its own: nothing
// inside can begin another message. A browser that connects again tells the last id it got; "" has none.
func (f frames) message(id, text string) error {
	if id != "" {
		id = "id: " + id + "\n"
	}
	return f.write(id + "data: " + lineEnds.Replace(text) + "\n\n")
}

// beat sends a comment: it keeps the connection alive and finds out that nobody reads any more.
func (f frames) beat() error { return f.write(":\n\n") }

func (f frames) write(text string) error {
	if _, err := io.WriteString(f.w, text); err != nil {
		return err
	}
	return f.conn.Flush()
}

// board knows what an open page shows, as far as a stream told it, and writes only what differs.
type board struct {
	ctx   context.Context //nolint:containedctx // a board lives as long as the request that it renders for
	drawn map[string]string
	out   strings.Builder
	id    string // of the next message: how far the page is with it
	err   error
}

func newBoard(ctx context.Context) *board { return &board{ctx: ctx, drawn: map[string]string{}} }

// put swaps a component into the page in the given way unless the page has it already.
func (b *board) put(target, swap string, part templ.Component) {
	if text := b.draw(part); b.drawn[target] != text {
		b.drawn[target] = text
		b.send(target, swap, text)
	}
}

// add puts component into the page whatever is there.
func (b *board) add(part templ.Component) { b.out.WriteString(b.draw(part)) }

func (b *board) send(target, swap, text string) {
	b.out.WriteString(`<hx-partial hx-target="` + templ.EscapeString(target) + `" hx-swap="` + swap + `">` + text + "</hx-partial>\n")
}

func (b *board) draw(part templ.Component) string {
	var text strings.Builder
	if err := part.Render(b.ctx, &text); err != nil && b.err == nil {
		b.err = err
	}
	return text.String()
}

// take gives what is to be sent, once.
func (b *board) take() (id, text string, err error) {
	text = b.out.String()
	b.out.Reset()
	return b.id, text, b.err
}

// line is a row of a list that stays up to date: the same as the page draws it, marked when it has just arrived.
type line struct {
	id   string
	draw func(arrived bool) templ.Component
}

// listing keeps the rows of one list: new ones come in at the top, changed ones are replaced where they are, and what
// no longer belongs to the page leaves it.
type listing struct {
	body  string // id of the element around the rows
	shown []string
	drawn map[string]string
}

// renew brings the list to lines. The first time the page may have missed something, so that every row is compared there.
func (l *listing) renew(b *board, lines []line) {
	before := l.drawn
	l.drawn = map[string]string{}
	ids := make([]string, len(lines))
	var whole strings.Builder
	for i, n := range lines {
		ids[i], l.drawn[n.id] = n.id, b.draw(n.draw(false))
		whole.WriteString(l.drawn[n.id])
	}
	fresh, ordered := arrivals(l.shown, ids)
	if before == nil || !ordered {
		b.send("#"+l.body, "innerMorph", whole.String())
	} else {
		l.step(b, lines, before, fresh)
	}
	l.shown = ids
}

// step sends the difference between two states of the list.
func (l *listing) step(b *board, lines []line, before map[string]string, fresh int) {
	for _, id := range l.shown {
		if _, stays := l.drawn[id]; !stays {
			b.send("#"+id, "delete", "")
		}
	}
	for _, n := range lines[fresh:] {
		if l.drawn[n.id] != before[n.id] {
			b.send("#"+n.id, "outerMorph", l.drawn[n.id])
		}
	}
	var top strings.Builder
	for _, n := range lines[:fresh] {
		top.WriteString(b.draw(n.draw(true)))
	}
	if fresh > 0 {
		b.send("#"+l.body, "afterbegin", top.String())
	}
}

// arrivals counts how many IDs are new at the top of now; ordered is false when the rest is not what was there before, in
// its order, perhaps without some.
func arrivals(before, now []string) (fresh int, ordered bool) {
	place := map[string]int{}
	for i, id := range before {
		place[id] = i
	}
	last := -1
	for i, id := range now {
		at, known := place[id]
		switch {
		case !known && last >= 0:
			return 0, false
		case !known:
			fresh = i + 1
		case at < last:
			return 0, false
		default:
			last = at
		}
	}
	return fresh, true
}
