package views

import (
	"net/url"
	"strconv"

	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/views/ui"
)

// Sources are where a registry's events come in from outside, with the one just made or given another token.
type Sources struct {
	Registry registry.Registry
	All      []SourceRow
	New      *source.Issued // shown once
	MayAdmin bool
}

// SourceRow is a source with its address.
type SourceRow struct {
	source.Source
	URL string // without its token
}

// SourceForm is what was typed about a new source. Without a registry of its own it makes an external one.
type SourceForm struct {
	Registry                       registry.Name // whose page it lies over; empty: on the list of registries
	Named                          string        // the external registry that is made
	Name, Kind, Location, Networks string
	Changed                        source.Name // the source whose limits are changed; empty: a new one
	Rate, Space                    string
	Errors                         map[string]string // by field: registry, name, kind, location, rate, space, networks
}

// SourcePage is one source with what came from it, newest first.
type SourcePage struct {
	Registry registry.Registry
	SourceRow
	Arrived  []source.Arrived
	Before   int64
	Rejected bool // only requests of which an event was rejected
	Older    bool
	MayAdmin bool
	Clear    bool // the viewer may see bodies
}

// SourcesPath is the address of a registry's sources.
func SourcesPath(name registry.Name) string { return RegistryPath(string(name)) + "/sources" }

// SourcePath is the address of one source.
func SourcePath(s source.Source) string { return SourcesPath(s.Registry) + "/" + string(s.Name) }

// ExternalPath is the address of the panel for a registry that is elsewhere.
const ExternalPath = "/registries/new/external"

func (f SourceForm) summary() []ui.FieldError {
	return summary(f.Errors, []ui.FieldError{
		{ID: "src-registry", Label: "Registry name", Text: "registry"}, {ID: "src-name", Label: "Source name", Text: "name"},
		{ID: "src-kind", Label: "Kind", Text: "kind"}, {ID: "src-location", Label: "Location", Text: "location"},
		{ID: "src-rate", Label: "Events per second", Text: "rate"},
		{ID: "src-space", Label: "Space in MiB", Text: "space"}, {ID: "src-networks", Label: "Only from these networks", Text: "networks"},
	})
}

func (f SourceForm) title() string {
	switch {
	case f.Registry == "":
		return "Connect a registry"
	case f.Changed != "":
		return "Limits of " + string(f.Changed)
	}
	return "Add source"
}

func (f SourceForm) about() string {
	switch {
	case f.Registry == "":
		return "A registry that is elsewhere and sends its events here."
	case f.Changed != "":
		return "How much it may send, and from where. Its address and its token stay."
	}
	return "An address with a token, to which a registry sends its events."
}

// back is the page that the form lies over.
func (f SourceForm) back() string {
	switch {
	case f.Registry == "":
		return "/registries"
	case f.Changed != "":
		return SourcesPath(f.Registry) + "/" + string(f.Changed)
	}
	return SourcesPath(f.Registry)
}

// action is where the form is sent.
func (f SourceForm) action() string {
	if f.Registry == "" {
		return ExternalPath
	}
	if f.Changed != "" {
		return SourcesPath(f.Registry) + "/" + string(f.Changed) + "/edit"
	}
	return SourcesPath(f.Registry)
}

// failed says that nothing was done, and commit is the word for doing it.
func (f SourceForm) failed() string {
	if f.Changed != "" {
		return "The source was not changed."
	}
	return "The source was not made."
}

func (f SourceForm) commit() string {
	if f.Changed != "" {
		return "Save"
	}
	return "Create"
}

func kindOptions() []ui.Option {
	var all []ui.Option
	for _, k := range source.Kinds {
		all = append(all, ui.Option{Value: string(k.Kind), Text: k.Title})
	}
	return all
}

func rateOf(s source.Source) string {
	if s.Rate == 0 {
		return "No limit"
	}
	return strconv.Itoa(s.Rate) + "/s"
}

// keptOf says how much is kept of a source, and of how much that may be.
func keptOf(s source.Source) string {
	if s.Space == 0 {
		return ui.Bytes(s.Counts.Kept) + ", no limit"
	}
	return ui.Bytes(s.Counts.Kept) + " of " + ui.Bytes(int64(s.Space)<<20)
}

// isFull reports whether nothing more is taken from a source.
func isFull(s source.Source) bool { return s.Full(s.Counts.Kept) }

func (s Sources) facts() string {
	return "Where other registries send what happened · " + ui.Plural(len(s.All), "source", "sources")
}

// verdictKind is the colour of a verdict.
func verdictKind(o source.Outcome) string {
	switch o {
	case source.Rejected:
		return "bad"
	case source.Accepted:
		return ""
	default:
		return "off"
	}
}

// eventsIn says how many events an arrival holds.
func eventsIn(a source.Arrived) string { return ui.Plural(len(a.Verdicts), "event", "events") }

func (p SourcePage) older() string {
	if !p.Older {
		return ""
	}
	return p.at(p.Rejected, p.Arrived[len(p.Arrived)-1].ID)
}

func (p SourcePage) newest() string {
	if p.Before == 0 {
		return ""
	}
	return p.at(p.Rejected, 0)
}

// at is the address of a page of what came.
func (p SourcePage) at(rejected bool, before int64) string {
	q := url.Values{}
	if rejected {
		q.Set("only", "rejected")
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if len(q) == 0 {
		return SourcePath(p.Source)
	}
	return SourcePath(p.Source) + "?" + q.Encode()
}

func (p SourcePage) footer() string {
	if len(p.Arrived) == 0 {
		return "Nothing more"
	}
	return ui.Plural(len(p.Arrived), "request", "requests") + " of this page"
}

func count64(n int64) string { return ui.Count(int(n)) }

// manyVerdicts is how many verdicts of one request are shown.
const manyVerdicts = 50

func shownVerdicts(a source.Arrived) []source.Verdict {
	return a.Verdicts[:min(len(a.Verdicts), manyVerdicts)]
}

// arrivedBody is what came, cut to what is shown of it.
func arrivedBody(a source.Arrived) Body {
	b := Body{Content: a.Body}
	if len(b.Content) > ReceivedShown {
		b.Content, b.Truncated = b.Content[:ReceivedShown], true
	}
	return b
}
