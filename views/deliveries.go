package views

import (
	"net/url"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// History is a delivery history: of a registry, of one webhook or of one event. The page around it shows DeliveryHistory and
// answers htmx, which asks for the page's own address, with HistoryList alone.
type History struct {
	Registry registry.Name
	Path     string // of the page it stands on: filters and pages are its query
	Filter   HistoryFilter
	Page     delivery.Page
	Named    bool   // rows name their webhook, because they are of several
	Hint     string // what to do while there is no delivery at all
	Live     string // address of the stream that keeps the rows up to date; "" on older pages
	Now      time.Time
}

// HistoryFilter is what a history's address says; zero fields do not narrow. Before and After are keyset pages.
type HistoryFilter struct {
	Text, Action, Range string
	Class               delivery.StatusClass
	Before, After       delivery.ID
}

// DeliveryRow is one line of a history.
type DeliveryRow struct {
	Delivery delivery.Delivery
	Named    bool
	New      bool // just arrived
	Now      time.Time
}

// Span is a choice of a time range filter.
type Span struct {
	Value, Text string
	Length      time.Duration // 0 is any time
}

// Spans are the time ranges of histories; the first does not narrow.
var Spans = []Span{
	{"", "Any time", 0},
	{"1h", "Last hour", time.Hour},
	{"24h", "Last 24 hours", 24 * time.Hour},
	{"7d", "Last 7 days", 7 * 24 * time.Hour},
}

// classes are the links of the HTTP status filter.
var classes = []struct {
	Value delivery.StatusClass
	Text  string
}{
	{delivery.AnyClass, "All"},
	{delivery.Class2xx, "2xx"},
	{delivery.Class3xx, "3xx"},
	{delivery.Class4xx, "4xx"},
	{delivery.Class5xx, "5xx"},
	{delivery.NoAnswer, "None"},
}

// Query is the filter as an address carries it, with a leading "?" unless it is empty.
func (f HistoryFilter) Query() string {
	q := f.Values()
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Values are the parameters of Query.
func (f HistoryFilter) Values() url.Values {
	q := given(map[string]string{"q": f.Text, "action": f.Action, "range": f.Range, "status": string(f.Class)})
	if f.Before != 0 {
		q.Set("before", f.Before.String())
	}
	if f.After != 0 {
		q.Set("after", f.After.String())
	}
	return q
}

// Newest is the same filter on its first page.
func (f HistoryFilter) Newest() HistoryFilter {
	f.Before, f.After = 0, 0
	return f
}

func (f HistoryFilter) narrows() bool { return f.Text+f.Action+f.Range+string(f.Class) != "" }

// given are the parameters that have a value.
func given(all map[string]string) url.Values {
	q := url.Values{}
	for name, value := range all {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Rows are the page's lines, newest first.
func (h History) Rows() []DeliveryRow {
	rows := make([]DeliveryRow, len(h.Page.Deliveries))
	for i, del := range h.Page.Deliveries {
		rows[i] = DeliveryRow{Delivery: del, Named: h.Named, Now: h.Now}
	}
	return rows
}

func (h History) withClass(c delivery.StatusClass) string {
	f := h.Filter.Newest()
	f.Class = c
	return h.Path + f.Query()
}

func (h History) older() string {
	if !h.Page.Older || len(h.Page.Deliveries) == 0 {
		return ""
	}
	f := h.Filter.Newest()
	f.Before = h.Page.Deliveries[len(h.Page.Deliveries)-1].ID
	return h.Path + f.Query()
}

func (h History) newer() string {
	if !h.Page.Newer {
		return ""
	}
	f := h.Filter.Newest()
	if len(h.Page.Deliveries) > 0 {
		f.After = h.Page.Deliveries[0].ID
	}
	return h.Path + f.Query()
}

// footer says what the page holds.
func (h History) footer() string {
	all := h.Page.Deliveries
	if len(all) == 0 {
		return "No deliveries"
	}
	return spanned(all[0].Created, all[len(all)-1].Created, h.Now, h.Live != "")
}

// spanned says which times a page covers.
func spanned(newest, oldest, now time.Time, live bool) string {
	text := ui.When(newest, now)
	if from := ui.When(oldest, now); from != text {
		text += " to " + from
	}
	text += ", newest first"
	if live {
		text += " · new rows appear on top"
	}
	return text
}

func (r DeliveryRow) id() string   { return RowID(r.Delivery.ID) }
func (r DeliveryRow) path() string { return DeliveryPath(r.Delivery.Registry, r.Delivery.ID) }

// RowID is the id of a delivery's line in a history.
func RowID(id delivery.ID) string { return "dl-" + id.String() }

// retry is what the NEXT RETRY column says, and whether that is a time to come.
func retry(d delivery.Delivery, now time.Time) (text string, due bool) {
	switch {
	case d.Hold.By != "":
		return heldNext(d.Hold, now), false
	case d.State == delivery.Cancelled:
		return "cancelled", false
	case d.State == delivery.Failed && d.Attempts == 1:
		return "not retried", false
	case d.State == delivery.Failed:
		return "gave up", false
	case d.State == delivery.Pending && !d.Last.At.IsZero() && !d.Next.IsZero():
		return ui.Until(d.Next, now), true
	}
	return "", false
}

func historyActions() []ui.Option {
	all := []ui.Option{{Value: "", Text: "Any action"}}
	for _, s := range event.Subscribable {
		all = append(all, ui.Option{Value: string(s.Action), Text: actionWord(s.Action)})
	}
	for _, a := range []event.Action{event.Ping, event.Noticed} {
		all = append(all, ui.Option{Value: string(a), Text: actionWord(a)})
	}
	return all
}

func spanChoices() []ui.Option {
	all := make([]ui.Option, len(Spans))
	for i, s := range Spans {
		all[i] = ui.Option{Value: s.Value, Text: s.Text}
	}
	return all
}
