package source

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"edge": true, "Edge-2.main_x": true, "9": true, "": false, "-edge": false, "a/b": false, "a b": false, "..": false, strings.Repeat("a", 63): true, strings.Repeat("a", 64): false, "edge\n": false, "é": false,
	} {
		if _, err := ParseName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	if Name("EDGE").Key() != Name("edge").Key() {
		t.Error("names differ by their case")
	}
}

func TestDraftsTellEveryFault(t *testing.T) {
	_, errs := Draft{Name: "/", Kind: "ftp", Registry: "x", Location: "not a place!", Rate: -1, Space: -1, Networks: "10.0.0.0/8, nowhere"}.parse()
	var at []string
	for _, err := range errs {
		f, ok := err.(*fault.Error) //nolint:errorlint // each is one
		if !ok {
			t.Fatalf("%v is no fault", err)
		}
		at = append(at, f.Field)
	}
	if want := []string{"name", "kind", "registry", "location", "rate", "space", "networks"}; !slices.Equal(at, want) {
		t.Errorf("faults at %v, want %v", at, want)
	}
	src, errs := Draft{Name: "edge", Kind: "ZOT", Registry: "acmeedge", Location: "West US", Rate: 0, Networks: "10.1.2.3/8,\n::1 192.0.2.7"}.parse()
	if len(errs) > 0 || src.Kind != Zot || src.Location != "westus" || src.NetworkList() != "10.0.0.0/8, ::1/128, 192.0.2.7/32" {
		t.Errorf("%+v, %v", src, errs)
	}
	for addr, may := range map[string]bool{"10.9.9.9": true, "::ffff:10.0.0.1": true, "11.0.0.1": false, "::1": true, "192.0.2.8": false} {
		if src.From(netip.MustParseAddr(addr)) != may {
			t.Errorf("from %s: %v", addr, !may)
		}
	}
}

func TestTokens(t *testing.T) {
	s := Service{Public: "https://bell.example.com", Now: time.Now}
	src := Source{Name: "edge", Kind: GitHub}
	made, again := s.issue(&src), s.issue(&src)
	if made.Token == again.Token || !again.Source.Holds(again.Token) || again.Source.Holds(made.Token) || again.Source.Secret != again.Token {
		t.Errorf("made %+v, then %+v", made, again)
	}
	plain := Source{Name: "edge", Kind: Distribution}
	if made := s.issue(&plain); made.Source.Secret != "" || made.URL != "https://bell.example.com/ingest/edge" || strings.Contains(string(made.Source.TokenHash), made.Token) {
		t.Errorf("a kind that does not sign keeps %+v", made)
	}
}

// TestEventIDs: the same each time for the same source and key, and the form of a version 4 UUID.
func TestEventIDs(t *testing.T) {
	a, b := Source{ID: "a"}, Source{ID: "b"}
	seen := map[event.ID]bool{a.eventID("1"): true, a.eventID("2"): true, b.eventID("1"): true, b.eventID("2"): true}
	if len(seen) != 4 || !seen[(Source{ID: "a"}).eventID("1")] {
		t.Errorf("IDs %v", seen)
	}
	for id := range seen {
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Errorf("%s is no UUID", id)
		}
	}
}

// keeper takes what an intake stores, and remembers what it is told to.
type keeper struct {
	reg    registry.Registry
	known  Image
	taken  Arrival
	events []event.Event
}

func (k *keeper) Take(_ context.Context, a Arrival, events []event.Event) (Arrival, error) {
	k.taken, k.events = a, events
	return a, nil
}

func (k *keeper) Registry(context.Context, registry.Name) (registry.Registry, error) {
	return k.reg, nil
}

func (k *keeper) Remembered(context.Context, registry.Name, string, string) (Image, error) {
	return k.known, nil
}

func (k *keeper) Tagged(context.Context, registry.Name, string, string) (string, error) {
	return k.known.Digest, nil
}

var (
	noon    = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	digestA = "sha256:" + strings.Repeat("a", 64)
)

// take judges one notice.
func take(t *testing.T, k *keeper, n Notice) Verdict {
	t.Helper()
	in := Intake{Outbox: k, Memory: k}
	a, err := in.Take(t.Context(), Arrival{Source: Source{ID: "s", Name: "edge", Registry: "acmeedge", Location: "westus"}, At: noon}, []Notice{n})
	if err != nil || len(a.Verdicts) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	return a.Verdicts[0]
}

func TestTimes(t *testing.T) {
	push := Notice{ID: "1", What: Pushed, Target: event.Target{Repository: "a", Tag: "b"}}
	for text, want := range map[string]time.Time{
		"": noon, "2026-11-25T11:00:00.5Z": noon.Add(-time.Hour + time.Second/2), "2026-11-25T13:00:00+02:00": noon.Add(-time.Hour),
		"9999-12-31T23:59:59Z": noon, "2026-11-25T12:00:30Z": noon, "2020-01-01T00:00:00Z": noon,
	} {
		k := &keeper{}
		push.Time = text
		v := take(t, k, push)
		if v.Outcome != Accepted || !k.events[0].Time.Equal(want) {
			t.Errorf("%q: %+v at %s, want %s", text, v, k.events[0].Time, want)
		}
		if told := strings.Contains(v.Reason, "counts as of its arrival"); told != (text != "" && (text[:4] == "9999" || text[:4] == "2020")) {
			t.Errorf("%q: the reason is %q", text, v.Reason)
		}
	}
	push.Time = "noon"
	if v := take(t, &keeper{}, push); v.Outcome != Rejected {
		t.Errorf("a time that is none: %+v", v)
	}
}

// TestSwitches: what a registry announces beyond the usual, and that Azure's own events are told on as they are.
func TestSwitches(t *testing.T) {
	untagged := Notice{ID: "1", What: Pushed, Target: event.Target{Repository: "a", Digest: digestA}}
	removed := Notice{ID: "2", What: Untagged, Target: event.Target{Repository: "a", Tag: "v1"}}
	chart := Image{Digest: digestA, MediaType: "m", Kind: artifact.Chart, Chart: artifact.ChartInfo{Name: "web", Version: "1"}}
	for name, c := range map[string]struct {
		policies registry.Policies
		known    Image
		n        Notice
		want     event.Action // empty: ignored
	}{
		"untagged":                 {n: untagged},
		"untagged, announced":      {policies: registry.Policies{AnnounceUntagged: true}, n: untagged, want: event.Push},
		"untagged, relayed":        {n: Notice{ID: "1", What: Pushed, Relayed: true, Target: untagged.Target}, want: event.Push},
		"a tag removed":            {policies: registry.Policies{AnnounceUntagged: true}, n: removed},
		"a tag removed, announced": {policies: registry.Policies{AnnounceUntag: true}, known: Image{Digest: digestA}, n: removed, want: event.Delete},
		"a chart's, announced":     {policies: registry.Policies{AnnounceUntag: true}, known: chart, n: removed, want: event.ChartDelete},
		"held":                     {n: Notice{ID: "3", What: Held, Target: event.Target{Repository: "a", Tag: "b"}}, want: event.Quarantine},
	} {
		k := &keeper{reg: registry.Registry{Policies: c.policies}, known: c.known}
		v := take(t, k, c.n)
		if c.want == "" {
			if v.Outcome != Ignored || v.Reason == "" || len(k.events) != 0 || len(k.taken.Images) != 1 {
				t.Errorf("%s: %+v, %d events, remembered %+v", name, v, len(k.events), k.taken.Images)
			}
			continue
		}
		if v.Outcome != Accepted || len(k.events) != 1 || k.events[0].Action != c.want || k.events[0].Location != "westus" || k.events[0].Source != "edge" {
			t.Errorf("%s: %+v, %+v", name, v, k.events)
			continue
		}
		if c.known.Digest != "" && k.events[0].Target.Digest != digestA {
			t.Errorf("%s: the digest %q is not the remembered one", name, k.events[0].Target.Digest)
		}
	}
}

// TestDeletesCarryWhatIsRemembered, and a deletion that names a tag alone keeps it.
func TestDeletesCarryWhatIsRemembered(t *testing.T) {
	gone := Notice{ID: "1", What: Deleted, Target: event.Target{Repository: "charts/web", Digest: digestA}}
	k := &keeper{known: Image{MediaType: "m", Kind: artifact.Chart, Chart: artifact.ChartInfo{Name: "web", Version: "2"}, Tags: []string{"1", "2"}}}
	take(t, k, gone)
	ev := k.events[0]
	if ev.Action != event.ChartDelete || ev.Target.Tag != "2" || !slices.Equal(ev.CarriedTags, []string{"1", "2"}) || ev.Target.MediaType != "m" {
		t.Errorf("%+v", ev)
	}
	k = &keeper{}
	gone.Target = event.Target{Repository: "a", Tag: "v1"}
	take(t, k, gone)
	if ev = k.events[0]; ev.Action != event.Delete || ev.Target.Tag != "v1" || len(ev.CarriedTags) != 0 {
		t.Errorf("by its tag alone: %+v", ev)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é", 2000)
	n := Notice{ID: long, Actor: long, Request: event.Request{ID: long, Addr: long, Host: long, Method: long, UserAgent: long}}.clipped()
	for _, s := range []string{n.ID, n.Actor, n.Request.ID, n.Request.Addr, n.Request.Host, n.Request.Method, n.Request.UserAgent} {
		if len(s) > maxAgent || strings.Trim(s, "é") != "" {
			t.Errorf("cut to %d bytes, not between two characters", len(s))
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("edge")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		if name, err := ParseName(s); err == nil && (string(name) != s || strings.ContainsAny(s, "/%?# ")) {
			t.Errorf("%q is taken", s)
		}
	})
}

func FuzzParseNetworks(f *testing.F) {
	f.Add("10.0.0.0/8, ::1")
	f.Fuzz(func(t *testing.T, s string) {
		if all, err := parseNetworks(s); err == nil {
			for _, p := range all {
				if !p.IsValid() {
					t.Errorf("%q gives %v", s, p)
				}
			}
		}
	})
}
