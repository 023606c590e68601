package views

import (
	"net/url"
	"strconv"
	"strings"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// InboxPage are the inboxes of a registry, one of them open.
type InboxPage struct {
	Shell    Shell
	Registry registry.Name
	Boxes    []InboxBox // newest first
	Open     *OpenInbox // nil while there is none
	MayWrite bool
}

// InboxBox is an inbox with its absolute address.
type InboxBox struct {
	Inbox   delivery.Inbox
	Address string
}

// OpenInbox is the inbox that the page shows, with the requests that came.
type OpenInbox struct {
	InboxBox
	Received []delivery.Received // newest first
	Older    bool                // there are older ones
	Before   int64               // the page begins below this request; 0 with the newest
	Clear    bool                // values of headers may be shown, whatever they are
	Status   string              // the answer's fields as typed
	Delay    string
	Errors   map[string]string // by field: status, delay
}

// ReceivedShown is how much of a received body the page shows.
const ReceivedShown = 64 << 10

// InboxOf is the address of the page with one inbox open.
func InboxOf(r registry.Name, token string) string {
	return InboxPath(r) + "?" + url.Values{"box": {token}}.Encode()
}

func (p InboxPage) command(name string) string {
	return InboxPath(p.Registry) + "/" + p.Open.Inbox.Token + "/" + name
}

// hook is the address of the form for a webhook that sends to the open inbox.
func (p InboxPage) hook() string {
	return WebhooksPath(p.Registry) + "/new?" + url.Values{"uri": {p.Open.Address}}.Encode()
}

func (p InboxPage) live() string {
	q := url.Values{"box": {p.Open.Inbox.Token}}
	if len(p.Open.Received) > 0 {
		q.Set("after", strconv.FormatInt(p.Open.Received[0].ID, 10))
	}
	return LivePath(p.Registry, "inbox", q)
}

func (p InboxPage) older() string {
	all := p.Open.Received
	if !p.Open.Older || len(all) == 0 {
		return ""
	}
	return InboxOf(p.Registry, p.Open.Inbox.Token) + "&before=" + strconv.FormatInt(all[len(all)-1].ID, 10)
}

func (p InboxPage) newest() string {
	if p.Open.Before == 0 {
		return ""
	}
	return InboxOf(p.Registry, p.Open.Inbox.Token)
}

func (p InboxPage) footer() string {
	switch n := len(p.Open.Received); {
	case p.Open.Before != 0:
		return ui.Plural(n, "older request", "older requests")
	default:
		return "The newest " + strconv.Itoa(delivery.InboxKeeps) + " requests are kept · new ones appear on top"
	}
}

// short names an inbox in lists by the beginning of its token.
func (b InboxBox) short() string { return b.Inbox.Token[:min(len(b.Inbox.Token), 6)] + "…" }

// answers says in words what an inbox replies.
func answers(a delivery.Answer) string {
	text := "answers " + strconv.Itoa(a.Code())
	if a.Delay > 0 {
		text += " after " + ui.Duration(a.Delay)
	}
	return text
}

// ReceivedRow is one request that came to an inbox.
type ReceivedRow struct {
	Received delivery.Received
	Token    string
	Open     bool // just arrived: shown whole
	Clear    bool
	Shell    Shell
}

func (r ReceivedRow) id() string { return "rq-" + strconv.FormatInt(r.Received.ID, 10) }

// target is the request's path and query.
func (r ReceivedRow) target() string {
	path := "/inbox/" + r.Token
	if r.Received.Query != "" {
		path += "?" + r.Received.Query
	}
	return path
}

func (r ReceivedRow) body() Body {
	b := Body{Content: r.Received.Body}
	if len(b.Content) > ReceivedShown {
		b.Content, b.Truncated = b.Content[:ReceivedShown], true
	}
	return b
}

// headers are the request's headers. A webhook's own headers hold secrets: who may not see those sees the values of
// well-known ones alone.
func (r ReceivedRow) headers() []delivery.Header {
	if r.Clear {
		return r.Received.Headers
	}
	all := make([]delivery.Header, len(r.Received.Headers))
	for i, h := range r.Received.Headers {
		if !plainHeaders[strings.ToLower(h.Name)] {
			h.Value = masked
		}
		all[i] = h
	}
	return all
}

// plainHeaders never hold a secret.
var plainHeaders = map[string]bool{
	"accept": true, "accept-encoding": true, "connection": true, "content-length": true, "content-type": true, "host": true,
	"user-agent": true, "webhook-id": true, "webhook-signature": true, "webhook-timestamp": true,
}
