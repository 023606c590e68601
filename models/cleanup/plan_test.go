package cleanup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		draft  Draft
		want   Rules
		fields string
	}{
		{Draft{}, Rules{}, ""},
		{Draft{" 10 ", "30", "team/*, base/alpine:3.*\nrelease:v?"}, Rules{KeepTags: 10, UntaggedDays: 30, Keep: []string{"team/*", "base/alpine:3.*", "release:v?"}}, ""},
		{Draft{"10001", "3651", ""}, Rules{}, "keepTags untaggedDays"},
		{Draft{"-1", "1.5", "Team/*"}, Rules{}, "keepTags untaggedDays keep"},
		{Draft{"99999999999999999999", "x", "a::b"}, Rules{}, "keepTags untaggedDays keep"},
		{Draft{"", "", strings.Repeat("x ", maxPatterns+1)}, Rules{}, "keep"},
	} {
		got, errs := c.draft.Parse()
		var fields []string
		for _, err := range errs {
			fields = append(fields, fault.All(err)[0].Field)
		}
		if strings.Join(fields, " ") != c.fields || c.fields == "" && fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q: %+v, faults at %q; want %+v, %q", c.draft, got, fields, c.want, c.fields)
		}
	}
}

// found is what a database has for rules.
type found struct {
	old      []Tagged
	untagged []Untagged
	before   *time.Time
}

func (f found) OldTags(context.Context, registry.Name, int) ([]Tagged, error) { return f.old, nil }

func (f found) UntaggedManifests(_ context.Context, _ registry.Name, before time.Time) ([]Untagged, error) {
	*f.before = before
	return f.untagged, nil
}

// TestPlan: a manifest goes with its last tag; what is locked, protected or part of an index stays.
func TestPlan(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var before time.Time
	from := found{before: &before, old: []Tagged{
		{Repository: "a", Digest: "1", Tag: "v1", Tags: 1},
		{Repository: "a", Digest: "2", Tag: "v2", Tags: 2},
		{Repository: "a", Digest: "2", Tag: "v3", Tags: 2},
		{Repository: "a", Digest: "3", Tag: "v4", Tags: 2}, // the other one is among the newest
		{Repository: "a", Digest: "4", Tag: "v5", Tags: 1, Locked: true},
		{Repository: "a", Digest: "5", Tag: "v6", Tags: 1, Needed: true},
		{Repository: "a", Digest: "6", Tag: "keep-x", Tags: 2},
		{Repository: "a", Digest: "6", Tag: "v7", Tags: 2},
		{Repository: "b", Digest: "6", Tag: "v8", Tags: 1},
		{Repository: "kept", Digest: "7", Tag: "v9", Tags: 1},
	}, untagged: []Untagged{{Repository: "a", Digest: "8"}, {Repository: "kept", Digest: "9"}}}
	rules := Rules{KeepTags: 2, UntaggedDays: 7, Keep: []string{"kept", "*:keep-?"}}
	plan, err := Plan(t.Context(), from, "acme1", rules, noon)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range plan {
		got = append(got, fmt.Sprintf("%s@%s %v %v", r.Repository, r.Digest, r.Tags, r.Manifest))
		if r.Why == "" || r.Registry != "acme1" {
			t.Errorf("%+v", r)
		}
	}
	want := []string{"a@1 [v1] true", "a@2 [v2 v3] true", "a@3 [v4] false", "a@5 [v6] false", "a@6 [v7] false", "b@6 [v8] true", "a@8 [] true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if !before.Equal(noon.AddDate(0, 0, -7)) {
		t.Errorf("untagged before %s", before)
	}
	if plan, err := Plan(t.Context(), from, "acme1", Rules{}, noon); err != nil || len(plan) != 0 {
		t.Errorf("without rules %+v goes, %v", plan, err)
	}
}
