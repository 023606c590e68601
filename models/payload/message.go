package payload

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"dockbell/models/event"
	"dockbell/models/notice"
)

// message is what a person reads of an event in a chat; each chat has its own way to write it.
type message struct {
	Title string // our own words
	Image string // what it is about, as one would pull it; empty for a ping
	Text  string // a sentence or two; empty: the title says it all
	Facts []fact
	Mood  mood
	Link  string // a page of the portal; empty: none
}

// fact is one property, with its value as it came from outside.
type fact struct{ Name, Value string }

// mood is how a message looks.
type mood int

const (
	plain mood = iota
	good
	bad
)

// maxText bounds what comes from outside, below the limits of both chats even when every character is escaped (Slack: 2,000 in a field, 3,000 in a
// section; Teams: 28 KB in a message).
const maxText = 380

// messageOf says in words what happened.
func messageOf(ev event.Event) message {
	m := message{Title: titleOf(ev), Image: imageOf(ev)}
	if ev.Action == event.Ping {
		m.Text = "The webhook works: this message was asked for with Ping."
	}
	m.Facts = facts(
		fact{"Registry", string(ev.Registry)}, fact{"Location", string(ev.Location)},
		fact{"Chart", chartOf(ev.Target)}, fact{"Digest", digestOf(ev, m.Image)},
		fact{"Tags it carried", strings.Join(ev.CarriedTags, ", ")}, fact{"By", ev.Actor}, fact{"Time", notice.Written(ev.Time)},
	)
	return m
}

// noticeMessage says what became of another webhook.
func noticeMessage(n notice.Notice, link string) message {
	m := message{Title: n.Title(), Text: clipped(n.Text()), Mood: good, Link: link}
	if n.Bad() {
		m.Mood = bad
	}
	m.Facts = facts(fact{"Registry", string(n.Registry)}, fact{"Time", notice.Written(n.At)})
	return m
}

// facts are those that have a value.
func facts(all ...fact) []fact {
	var known []fact
	for _, f := range all {
		if f.Value = clipped(f.Value); f.Value != "" {
			known = append(known, f)
		}
	}
	return known
}

func titleOf(ev event.Event) string {
	switch ev.Action {
	case event.Push:
		return "Image pushed"
	case event.Delete:
		if ev.Target.Tag != "" && len(ev.CarriedTags) == 0 {
			return "Tag removed"
		}
		return "Image deleted"
	case event.Quarantine:
		return "Image in quarantine"
	case event.ChartPush:
		return "Helm chart pushed"
	case event.ChartDelete:
		return "Helm chart deleted"
	default:
		return "Ping from Dockbell"
	}
}

// imageOf names the artifact; a deleted one by its digest, for its tags are gone.
func imageOf(ev event.Event) string {
	t := ev.Target
	name := t.Repository
	switch {
	case name == "":
		return ""
	case t.Tag != "" && len(ev.CarriedTags) == 0:
		name += ":" + t.Tag
	case t.Digest != "":
		name += "@" + t.Digest
	}
	if ev.Request.Host != "" {
		name = ev.Request.Host + "/" + name
	}
	return clipped(name)
}

// digestOf is the digest of what the image's name does not already give it for.
func digestOf(ev event.Event, image string) string {
	if strings.HasSuffix(image, "@"+ev.Target.Digest) {
		return ""
	}
	return ev.Target.Digest
}

func chartOf(t event.Target) string { return strings.TrimSpace(t.Chart.Name + " " + t.Chart.Version) }

// clipped makes one bounded line of a text from outside.
func clipped(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText-1]) + "…"
	}
	return text
}

// compact writes JSON in one line, with < and > as they are.
func compact(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
