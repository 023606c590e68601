package payload

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"encoding/json"

	"pgregory.net/rapid"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/notice"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is one event of each action, with the values of the documented samples.
func sample(action event.Action) event.Event {
	ev := event.Event{
		ID: "5b0d6f1e-7c0e-4e57-9a57-0c9c3c1f2a11", Action: action, Time: time.Date(2026, 11, 20, 9, 14, 7, 221845000, time.UTC),
		Target: event.Target{
			MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 1612, Repository: "team/api", Tag: "1.4.2",
			Digest: "sha256:3e6f0f7d2b0a4d0fb2a6ad1d0a6c0c9a5f7ce53c9d4a1e1b7d3f3f8a2c6e9b10", Kind: artifact.Image,
		},
		Request: event.Request{
			ID: "b1a9f0c2-5a64-4c0c-8f1c-2f7f7a3c9d51", Addr: "127.0.0.1:4711", Host: "acmereg.example.test", Method: "PUT",
			UserAgent: `docker/27.3.1 go/go1.22.7 os/linux arch/amd64 UpstreamClient(Docker-Client/27.3.1 \(linux\))`,
		},
		Actor: "mei", Source: "builtin", Registry: "acmereg", Location: "westeurope",
	}
	switch action {
	case event.Delete:
		ev.Target.Tag, ev.CarriedTags, ev.Request.Method = "", []string{"1.4.2"}, "DELETE"
	case event.ChartPush, event.ChartDelete:
		ev.Target.Kind, ev.Target.Repository, ev.Target.Tag = artifact.Chart, "charts/gateway", "2.3.0"
		ev.Target.Chart = artifact.ChartInfo{Name: "gateway", Version: "2.3.0"}
	case event.Ping:
		ev.Target, ev.Request = event.Target{}, event.Request{}
	}
	return ev
}

// TestGolden guards the wire form of every format to the byte.
func TestGolden(t *testing.T) {
	actions := []event.Action{event.Push, event.Delete, event.Quarantine, event.ChartPush, event.ChartDelete, event.Ping}
	for _, f := range Formats {
		for _, a := range actions {
			t.Run(f.Name+"/"+string(a), func(t *testing.T) {
				got, err := f.Encode(sample(a))
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "testdata/"+f.Name+"/"+string(a)+".json", got)
			})
		}
	}
}

// golden compares a body with the one in a file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		_ = os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestGoldenNotices guards how notices are worded in every format that has words for them.
func TestGoldenNotices(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 14, 7, 0, time.UTC)
	for _, f := range Formats {
		if f.Notice == nil {
			continue
		}
		for _, kind := range []notice.Kind{notice.Failing, notice.Disabled, notice.Recovered} {
			t.Run(f.Name+"/"+string(kind), func(t *testing.T) {
				n := notice.Notice{Registry: "acmereg", Webhook: "deployprod", Kind: kind, At: at, Since: at.Add(-5 * time.Minute), Status: 503}
				if n.Bad() {
					n.Sentence = "The receiver <a> answered 503 Service Unavailable & asks to wait. Look at its log."
				}
				got, err := f.Notice(n, "https://dock.example.com/registries/acmereg/webhooks/deployprod")
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "testdata/"+f.Name+"/notice_"+string(kind)+".json", got)
			})
		}
	}
	if got := Telling(); len(got) != 2 || got[0] != "slack" || got[1] != "teams" {
		t.Errorf("notices can go out as %q", got)
	}
}

func TestAzurePingIs104Bytes(t *testing.T) {
	body, err := Azure.Encode(sample(event.Ping))
	if err != nil || len(body) != 104 {
		t.Errorf("%d bytes (%v), Azure's ping has 104: %s", len(body), err, body)
	}
}

// TestChartAsPush: a webhook without chart_push gets a chart as an ordinary push, with the OCI media type and the request.
func TestChartAsPush(t *testing.T) {
	ev := sample(event.ChartPush)
	ev.Action = event.Push
	body, err := Azure.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"action":"push"`, `"mediaType":"application/vnd.oci.image.manifest.v1+json"`, `"length":1612`, `"request":{`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
	if strings.Contains(string(body), "gateway\"") && strings.Contains(string(body), `"name"`) {
		t.Errorf("%s names the chart; a push does not", body)
	}
}

// TestDeletesNameADigestOrATag: a deleted manifest is told without the tags it carried, an announced untag with its tag (PRODUCT.md,
// decision 25), an image like a chart.
func TestDeletesNameADigestOrATag(t *testing.T) {
	for _, action := range []event.Action{event.Delete, event.ChartDelete} {
		ev := sample(action)
		ev.Action = event.Delete
		for tag, carried := range map[string][]string{"": {"1.4.2", "latest"}, "1.4.2": nil} {
			ev.Target.Tag, ev.CarriedTags = "1.4.2", carried
			body, err := Azure.Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Target struct{ Tag, Repository, Digest string }
			}
			if err := json.Unmarshal(body, &got); err != nil || got.Target.Tag != tag || got.Target.Repository == "" || got.Target.Digest == "" {
				t.Errorf("%s that carried %q: %s (%v), want the tag %q", action, carried, body, err, tag)
			}
		}
	}
}

func TestEveryBodyIsCompactJSONWithoutNull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ev := sample(rapid.SampledFrom([]event.Action{event.Push, event.Delete, event.Quarantine, event.ChartPush}).Draw(t, "action"))
		ev.Request.UserAgent = rapid.String().Draw(t, "agent")
		ev.Target.Repository = rapid.StringMatching(`[a-z0-9]{1,255}`).Draw(t, "repository")
		ev.Target.Tag = rapid.StringMatching(`[A-Za-z0-9_]{0,128}`).Draw(t, "tag")
		for _, f := range Formats {
			body, err := f.Encode(ev)
			if err != nil || !json.Valid(body) || len(body) > 256<<10 || strings.Contains(string(body), ":null") {
				t.Fatalf("%s: %v: %s", f.Name, err, body)
			}
		}
	})
}
