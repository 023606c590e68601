package views

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dockbell/models/source"
)

// aSource has everything that a source can have.
func aSource() SourceRow {
	return SourceRow{URL: "https://dock.example.com/ingest/edge", Source: source.Source{
		ID: "1", Name: "edge", Registry: "mycontainerregistry", Location: "local", Kind: source.Distribution, Rate: 200, Space: 1, CreatedBy: nasty, Created: now, Rotated: now,
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Counts: source.Counts{Accepted: 1, Duplicates: 2, Ignored: 3, Rejected: 4, Last: now, Kept: 2 << 20},
	}}
}

// aSourcePage is a source to which hostile events came, and more of them than are shown.
func aSourcePage() SourcePage {
	verdicts := slices.Repeat([]source.Verdict{
		{ID: nasty, Outcome: source.Accepted, Reason: nasty, Event: anEvent().ID}, {ID: nasty, Outcome: source.Rejected, Reason: nasty}, {Outcome: source.Ignored}, {Outcome: source.Duplicate},
	}, 20)
	return SourcePage{
		Registry: aRegistry(), SourceRow: aSource(), MayAdmin: true, Clear: true, Before: 9, Older: true,
		Arrived: []source.Arrived{
			{ID: 2, Arrival: source.Arrival{At: now, Type: nasty, Addr: nasty, Body: []byte(nasty + strings.Repeat("x", ReceivedShown)), Verdicts: verdicts}},
			{ID: 1, Arrival: source.Arrival{At: now, Body: []byte{0xff}}},
		},
	}
}

func wrongSource() map[string]string {
	wrong := map[string]string{}
	for _, field := range []string{"registry", "name", "kind", "location", "rate", "space", "networks"} {
		wrong[field] = nasty
	}
	return wrong
}

// TestEveryKindHasAGuide: with its address and, where the sender can send it, the token beside it.
func TestEveryKindHasAGuide(t *testing.T) {
	for _, known := range source.Kinds {
		guide := guideOf(known.Kind, "https://dock.example.com/ingest/edge", "dks_secret")
		if guide.Where == "" || strings.Count(guide.Code, "https://dock.example.com/ingest/edge") != 1 || strings.Count(guide.Code, "dks_secret") != 1 || strings.Contains(guide.Code, "$URL") {
			t.Errorf("%s: %+v", known.Kind, guide)
		}
		if inPath := strings.Contains(guide.Code, "/ingest/edge/dks_secret"); inPath != known.InPath {
			t.Errorf("%s has the token in the address: %v", known.Kind, inPath)
		}
	}
}
