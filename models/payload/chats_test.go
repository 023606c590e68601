package payload

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"dockbell/models/event"
)

// TestSlackReadsNoForeignMarkup: what comes from outside can neither call everybody of a channel nor hide an address behind a word.
func TestSlackReadsNoForeignMarkup(t *testing.T) {
	ev := sample(event.Push)
	ev.Actor, ev.Target.Tag = "<!channel> & `*mei*`", "<https://evil.example|v1>"
	body, err := Slack.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`&lt;!channel&gt; &amp; '*mei*'`", "&lt;https://evil.example|v1&gt;`"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
	if strings.ContainsAny(string(body), "<>") {
		t.Errorf("%s has markup of its sender", body)
	}
}

// TestTeamsReadsNoForeignMarkup: a fact's value is Markdown to Teams, so that it is escaped; the image stands in a TextRun, which is not.
func TestTeamsReadsNoForeignMarkup(t *testing.T) {
	ev := sample(event.Push)
	ev.Actor, ev.Target.Tag = "[mei](https://evil.example) {{DATE(2017-02-14T06:08:00Z)}} <at>all</at>", "**v1**"
	body, err := Teams.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	var got teamsMessage
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	blocks := got.Attachments[0].Content.Body
	if image := blocks[1].Inlines[0].Text; image != "acmereg.example.test/team/api:**v1**" || blocks[1].Type != "RichTextBlock" {
		t.Errorf("the image is %q in a %s", image, blocks[1].Type)
	}
	value := ""
	for _, f := range blocks[2].Facts {
		if f.Title == "By" {
			value = f.Value
		}
	}
	if want := `\[mei\](https://evil.example) { {DATE(2017-02-14T06:08:00Z)}} &lt;at>all&lt;/at>`; value != want {
		t.Errorf("got  %s\nwant %s", value, want)
	}
}

// TestChatsAreWithinTheirLimits: Slack refuses a message with a field over 2,000 characters, Teams one over 28 KB.
func TestChatsAreWithinTheirLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ev := sample(rapid.SampledFrom([]event.Action{event.Push, event.Delete, event.Quarantine, event.ChartPush}).Draw(t, "action"))
		ev.Actor = rapid.String().Draw(t, "actor") + strings.Repeat("<", rapid.IntRange(0, 5000).Draw(t, "more"))
		ev.Request.Host, ev.Target.Tag = ev.Actor, ev.Actor
		ev.Target.Chart.Name, ev.CarriedTags = ev.Actor, []string{ev.Actor}
		teams, err := Teams.Encode(ev)
		if err != nil || len(teams) > 28<<10 {
			t.Fatalf("%d bytes for Teams (%v)", len(teams), err)
		}
		body, err := Slack.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		var got slackMessage
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		for _, block := range got.Blocks {
			if block.Text != nil && (block.Text.Text == "" || utf8.RuneCountInString(block.Text.Text) > 3000) {
				t.Fatalf("a section of %d characters", utf8.RuneCountInString(block.Text.Text))
			}
			for _, f := range block.Fields {
				if utf8.RuneCountInString(f.Text) > 2000 {
					t.Fatalf("a field of %d characters", utf8.RuneCountInString(f.Text))
				}
			}
		}
	})
}
