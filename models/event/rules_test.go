package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/registry"
)

var (
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	digest = "sha256:" + strings.Repeat("a", 64)
	webApp = artifact.ChartInfo{Name: "web", Version: "1.2.3"}

	plain      = registry.Policies{}
	untagged   = registry.Policies{AnnounceUntagged: true}
	untag      = registry.Policies{AnnounceUntag: true}
	held       = registry.Policies{Quarantine: true}
	everything = registry.Policies{AnnounceUntagged: true, AnnounceUntag: true, Quarantine: true, AnonymousPull: true}
)

// one is what the transaction found of one manifest.
func one(kind artifact.Kind, tag string, carried ...string) Affected {
	a := Affected{Repository: "team/api", Digest: digest, MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 7, Kind: kind, Tag: tag, Carried: carried}
	if kind == artifact.Chart {
		a.Chart = webApp
	}
	return a
}

// kept is a manifest that is held in quarantine.
func kept(a Affected) Affected {
	a.Held = true
	return a
}

func referrer(tag string) Affected {
	a := one(artifact.Other, tag)
	a.HasSubject = true
	return a
}

// ids counts, so that every event's ID can be told from the others'.
func ids() func() ID {
	n := 0
	return func() ID { n++; return ID(fmt.Sprint(n)) }
}

// told writes an event as "action repository:tag (carried tags)".
func told(ev Event) string {
	s := string(ev.Action)
	if ev.Target.Tag != "" {
		s += " :" + ev.Target.Tag
	}
	if len(ev.CarriedTags) > 0 {
		s += " (" + strings.Join(ev.CarriedTags, " ") + ")"
	}
	return s
}

// TestRaise is the table of PRODUCT.md, decision 3, with decisions 4 and 25: which change of what raises which events.
func TestRaise(t *testing.T) {
	fallback256, fallback512 := "sha256-"+strings.Repeat("0f", 32), "sha512-"+strings.Repeat("0f", 64)
	for _, c := range []struct {
		name   string
		policy registry.Policies
		kind   ChangeKind
		done   []Affected
		want   string // events in order, with commas between
	}{
		{"push of an image", plain, PutManifest, []Affected{one(artifact.Image, "v1")}, "quarantine :v1, push :v1"},
		{"push of an index", plain, PutManifest, []Affected{one(artifact.Index, "v1")}, "quarantine :v1, push :v1"},
		{"push of another artifact", plain, PutManifest, []Affected{one(artifact.Other, "v1")}, "quarantine :v1, push :v1"},
		{"push of a chart is one event", plain, PutManifest, []Affected{one(artifact.Chart, "1.2.3")}, "chart_push :1.2.3"},

		{"by digest is silent", plain, PutManifest, []Affected{one(artifact.Image, "")}, ""},
		{"an index by digest is silent", plain, PutManifest, []Affected{one(artifact.Index, "")}, ""},
		{"helm's first PUT is silent", plain, PutManifest, []Affected{one(artifact.Chart, "")}, ""},
		{"by digest, announced", untagged, PutManifest, []Affected{one(artifact.Image, "")}, "quarantine, push"},
		{"a chart by digest, announced", untagged, PutManifest, []Affected{one(artifact.Chart, "")}, "chart_push"},
		{"the switch changes no push by tag", untagged, PutManifest, []Affected{one(artifact.Image, "v1")}, "quarantine :v1, push :v1"},
		{"the other switch announces no digest", untag, PutManifest, []Affected{one(artifact.Image, "")}, ""},

		{"a referrer is silent", plain, PutManifest, []Affected{referrer("")}, ""},
		{"a referrer with a tag is silent", plain, PutManifest, []Affected{referrer("sbom")}, ""},
		{"a referrer, announced", untagged, PutManifest, []Affected{referrer("")}, "quarantine, push"},

		{"a fallback tag is silent", plain, PutManifest, []Affected{one(artifact.Index, fallback256)}, ""},
		{"a longer fallback tag is silent", plain, PutManifest, []Affected{one(artifact.Index, fallback512)}, ""},
		{"a fallback tag, announced", untagged, PutManifest, []Affected{one(artifact.Index, fallback256)}, "quarantine :" + fallback256 + ", push :" + fallback256},
		{"a fallback tag cut short is a tag", plain, PutManifest, []Affected{one(artifact.Index, fallback256[:70])}, "quarantine :" + fallback256[:70] + ", push :" + fallback256[:70]},
		{"a fallback tag with an ending is a tag", plain, PutManifest, []Affected{one(artifact.Image, fallback256+".sig")}, "quarantine :" + fallback256 + ".sig, push :" + fallback256 + ".sig"},

		{"quarantine holds the push back", held, PutManifest, []Affected{kept(one(artifact.Image, "v1"))}, "quarantine :v1"},
		{"quarantine holds a chart back", held, PutManifest, []Affected{kept(one(artifact.Chart, "1.2.3"))}, "quarantine :1.2.3"},
		{"quarantine leaves silence alone", held, PutManifest, []Affected{kept(one(artifact.Image, ""))}, ""},
		{"quarantine, announced", everything, PutManifest, []Affected{kept(one(artifact.Image, ""))}, "quarantine"},
		{"what is held stays held without the policy", plain, PutManifest, []Affected{kept(one(artifact.Image, "v1"))}, "quarantine :v1"},
		{"what was released is pushed again", held, PutManifest, []Affected{one(artifact.Image, "v1")}, "quarantine :v1, push :v1"},

		{"release tells the push of every tag", held, Rule, []Affected{one(artifact.Image, "v1"), one(artifact.Image, "latest")}, "push :v1, push :latest"},
		{"release of a chart", held, Rule, []Affected{one(artifact.Chart, "1.2.3")}, "chart_push :1.2.3"},
		{"release of what has no tag is silent", held, Rule, []Affected{one(artifact.Image, "")}, ""},
		{"release of what has no tag, announced", everything, Rule, []Affected{one(artifact.Image, "")}, "push"},
		{"release of a referrer is silent", held, Rule, []Affected{referrer("")}, ""},
		{"rejection", held, Rule, nil, ""},
		{"locks", everything, SetLocks, nil, ""},

		{"delete of an image", plain, DeleteManifest, []Affected{one(artifact.Image, "", "v1", "latest")}, "delete (v1 latest)"},
		{"delete of an index, its children stay", plain, DeleteManifest, []Affected{one(artifact.Index, "", "v1")}, "delete (v1)"},
		{"delete of what had no tag", plain, DeleteManifest, []Affected{one(artifact.Image, "")}, "delete"},
		{"delete of a referrer", plain, DeleteManifest, []Affected{referrer("")}, "delete"},
		{"delete under quarantine", held, DeleteManifest, []Affected{one(artifact.Image, "", "v1")}, "delete (v1)"},
		{"delete of a chart names its version's tag", plain, DeleteManifest, []Affected{one(artifact.Chart, "", "latest", "1.2.3")}, "chart_delete :1.2.3 (latest 1.2.3)"},
		{"delete of a chart under other tags", plain, DeleteManifest, []Affected{one(artifact.Chart, "", "latest", "old")}, "chart_delete :latest (latest old)"},
		{"delete of a chart without a tag", plain, DeleteManifest, []Affected{one(artifact.Chart, "")}, "chart_delete"},

		{"delete of a repository", plain, DeleteRepository, []Affected{one(artifact.Image, "", "v1"), one(artifact.Image, ""), one(artifact.Chart, "", "1.2.3")}, "delete (v1), delete, chart_delete :1.2.3 (1.2.3)"},
		{"delete of an empty repository", everything, DeleteRepository, nil, ""},

		{"untag is silent", plain, DeleteTag, []Affected{one(artifact.Image, "v1")}, ""},
		{"untag, announced", untag, DeleteTag, []Affected{one(artifact.Image, "v1")}, "delete :v1"},
		{"untag of a chart, announced", untag, DeleteTag, []Affected{one(artifact.Chart, "latest")}, "chart_delete :latest"},
		{"the other switch announces no untag", untagged, DeleteTag, []Affected{one(artifact.Image, "v1")}, ""},

		{"nothing was changed", plain, PutManifest, nil, ""},
		{"a kind nobody knows", everything, "rename", []Affected{one(artifact.Image, "v1")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, ev := range Raise(c.policy, Change{Kind: c.kind, Registry: "acme1", Location: "local", Time: noon}, Outcome{c.done}, ids()) {
				got = append(got, told(ev))
			}
			if all := strings.Join(got, ", "); all != c.want {
				t.Errorf("raised %q, want %q", all, c.want)
			}
		})
	}
}

// TestRaisedEventsCarryTheWholeStory compares every field, so that a forgotten one is seen.
func TestRaisedEventsCarryTheWholeStory(t *testing.T) {
	c := Change{
		Kind: PutManifest, Registry: "acme1", Location: "westus", Repository: "team/api", Tag: "1.2.3", Digest: digest,
		Request: Request{ID: "r", Addr: "127.0.0.1:1", Host: "acme1.example.com", Method: "PUT", UserAgent: "helm"}, Actor: "ci", Time: noon,
	}
	raised := Raise(plain, c, Outcome{[]Affected{one(artifact.Chart, "1.2.3")}}, ids())
	if len(raised) != 1 {
		t.Fatalf("%d events, want 1", len(raised))
	}
	got := raised[0]
	want := Target{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest, Size: 7, Repository: "team/api", Tag: "1.2.3", Kind: artifact.Chart, Chart: webApp}
	if got.Target != want || got.Request != c.Request {
		t.Errorf("target %+v and request %+v, want %+v and %+v", got.Target, got.Request, want, c.Request)
	}
	if got.ID != "1" || got.Registry != "acme1" || got.Location != "westus" || !got.Time.Equal(noon) || got.Actor != "ci" || got.Source != "builtin" {
		t.Errorf("%+v lacks who, where or when", got)
	}
}

// TestEveryLocationTellsOfAChange: first where it happened, then home and the replicas, each with IDs of its own.
func TestEveryLocationTellsOfAChange(t *testing.T) {
	reg := registry.Registry{Name: "acme1", Home: "local", Replicas: []registry.Replica{{Location: "westus"}, {Location: "japaneast"}}}
	for at, want := range map[registry.Location]string{
		"":       "local quarantine, local push, westus quarantine, westus push, japaneast quarantine, japaneast push",
		"local":  "local quarantine, local push, westus quarantine, westus push, japaneast quarantine, japaneast push",
		"westus": "westus quarantine, westus push, local quarantine, local push, japaneast quarantine, japaneast push",
	} {
		var got []string
		seen := map[ID]bool{}
		for _, ev := range RaiseEverywhere(reg, Change{Kind: PutManifest, Registry: "acme1", Location: at}, Outcome{[]Affected{one(artifact.Image, "v1")}}, ids()) {
			got = append(got, string(ev.Location)+" "+string(ev.Action))
			seen[ev.ID] = true
		}
		if all := strings.Join(got, ", "); all != want || len(seen) != 6 {
			t.Errorf("at %q: %q with %d IDs, want %q with 6", at, all, len(seen), want)
		}
	}
	reg.Policies, reg.Replicas = untagged, nil
	if raised := RaiseEverywhere(reg, Change{Kind: PutManifest}, Outcome{[]Affected{one(artifact.Image, "")}}, ids()); len(raised) != 2 {
		t.Errorf("the registry's policies were not asked: %+v", raised)
	}
}

func TestActions(t *testing.T) {
	var all []Action
	for _, s := range Subscribable {
		all = append(all, s.Action)
		if s.Title == "" || s.Hint == "" {
			t.Errorf("%s has no words for the form", s.Action)
		}
	}
	if want := []Action{Push, Delete, Quarantine, ChartPush, ChartDelete}; !slices.Equal(all, want) {
		t.Errorf("subscribable are %v, want %v: a ping is not", all, want)
	}
	for a, want := range map[Action]Action{Push: Push, Delete: Delete, Quarantine: Quarantine, ChartPush: Push, ChartDelete: Delete, Ping: Ping} {
		if got := a.Plain(); got != want {
			t.Errorf("%s stands for %s, want %s", a, got, want)
		}
	}
}
