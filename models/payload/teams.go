package payload

import (
	"strings"

	"dockbell/models/event"
	"dockbell/models/notice"
)

// Teams is the body of a Teams workflow "When a Teams webhook request is received": a message with one Adaptive Card.
var Teams = Format{
	Name: "teams", Title: "Microsoft Teams card", ContentType: "application/json; charset=utf-8",
	Encode: func(ev event.Event) ([]byte, error) { return teamsBody(messageOf(ev)) },
	Notice: func(n notice.Notice, link string) ([]byte, error) { return teamsBody(noticeMessage(n, link)) },
}

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string         `json:"$schema"`
	Type    string         `json:"type"`
	Version string         `json:"version"`
	Width   teamsWidth     `json:"msteams"`
	Summary string         `json:"fallbackText"`
	Body    []teamsElement `json:"body"`
	Actions []teamsAction  `json:"actions,omitempty"`
}

type teamsWidth struct {
	Width string `json:"width"`
}

// teamsElement is a TextBlock, RichTextBlock, TextRun or FactSet.
type teamsElement struct {
	Type     string         `json:"type"`
	Text     string         `json:"text,omitempty"`
	Size     string         `json:"size,omitempty"`
	Weight   string         `json:"weight,omitempty"`
	Color    string         `json:"color,omitempty"`
	FontType string         `json:"fontType,omitempty"`
	Wrap     bool           `json:"wrap,omitempty"`
	Inlines  []teamsElement `json:"inlines,omitempty"`
	Facts    []teamsFact    `json:"facts,omitempty"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

func teamsBody(m message) ([]byte, error) {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Width: teamsWidth{"Full"}, Summary: m.line(),
		Body: []teamsElement{{Type: "TextBlock", Text: m.Title, Size: "Medium", Weight: "Bolder", Color: teamsColor(m.Mood), Wrap: true}},
	}
	if m.Image != "" {
		card.Body = append(card.Body, teamsRun(m.Image, "Monospace"))
	}
	if m.Text != "" {
		card.Body = append(card.Body, teamsRun(m.Text, ""))
	}
	set := teamsElement{Type: "FactSet"}
	for _, f := range m.Facts {
		set.Facts = append(set.Facts, teamsFact{f.Name, teamsEscape(f.Value)})
	}
	if len(set.Facts) > 0 {
		card.Body = append(card.Body, set)
	}
	if m.Link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open in Dockbell", m.Link}}
	}
	return compact(teamsMessage{Type: "message", Attachments: []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}})
}

// teamsRun shows foreign text letter by letter: a TextRun, other than a TextBlock, reads no Markdown.
func teamsRun(text, font string) teamsElement {
	return teamsElement{Type: "RichTextBlock", Inlines: []teamsElement{{Type: "TextRun", Text: text, FontType: font}}}
}

func teamsColor(m mood) string {
	switch m {
	case good:
		return "Good"
	case bad:
		return "Attention"
	default:
		return ""
	}
}

// teamsEscape keeps a fact's value from being read as Markdown, and "{{" from being read as a function.
func teamsEscape(text string) string {
	return strings.NewReplacer(
		`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "~", `\~`, "<", "&lt;", "&", "&amp;", "{{", "{ {",
	).Replace(text)
}
