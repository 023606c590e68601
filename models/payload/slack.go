package payload

import (
	"strings"

	"dockbell/models/event"
	"dockbell/models/notice"
)

// Slack is the body of Slack's incoming webhooks: a line for the notification and blocks for the channel. Mattermost and Rocket.Chat
// take it too.
var Slack = Format{
	Name: "slack", Title: "Slack message", ContentType: "application/json; charset=utf-8",
	Encode: func(ev event.Event) ([]byte, error) { return slackBody(messageOf(ev)) },
	Notice: func(n notice.Notice, link string) ([]byte, error) { return slackBody(noticeMessage(n, link)) },
}

type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// mostFields is how many fields a section of Slack's may have.
const mostFields = 10

func slackBody(m message) ([]byte, error) {
	head := "*" + slackSign(m.Mood) + slackEscape(m.Title) + "*"
	if m.Image != "" {
		head += "\n" + slackCode(m.Image)
	}
	if m.Text != "" {
		head += "\n" + slackEscape(m.Text)
	}
	body := slackMessage{Text: slackEscape(m.line()), Blocks: []slackBlock{{Type: "section", Text: &slackText{"mrkdwn", head}}}}
	var fields []slackText
	for _, f := range m.Facts[:min(len(m.Facts), mostFields)] {
		fields = append(fields, slackText{"mrkdwn", "*" + slackEscape(f.Name) + "*\n" + slackCode(f.Value)})
	}
	if len(fields) > 0 {
		body.Blocks = append(body.Blocks, slackBlock{Type: "section", Fields: fields})
	}
	if m.Link != "" {
		body.Blocks = append(body.Blocks, slackBlock{Type: "context", Elements: []slackText{{"mrkdwn", "<" + slackEscape(m.Link) + "|Open in Dockbell>"}}})
	}
	return compact(body)
}

// line is the message in one line, for a notification.
func (m message) line() string {
	if m.Image != "" {
		return m.Title + ": " + m.Image
	}
	if m.Text != "" {
		return m.Title + ". " + m.Text
	}
	return m.Title
}

func slackSign(m mood) string {
	switch m {
	case good:
		return ":white_check_mark: "
	case bad:
		return ":warning: "
	default:
		return ""
	}
}

// slackEscape keeps Slack from reading mentions and links in foreign text; these three characters and no others have an escape.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// slackCode shows foreign text letter by letter: within it nothing is bold or a link.
func slackCode(text string) string {
	return "`" + slackEscape(strings.ReplaceAll(text, "`", "'")) + "`"
}
