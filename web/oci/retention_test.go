package oci_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/cleanup"
)

// TestRetention: the rules delete what their dry run has shown, each deletion raises its event, and what was locked or
// pushed meanwhile stays.
func TestRetention(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		c := h.cleaner(cleanup.Grace)
		digests := map[string]string{}
		for _, tag := range []string{"v1", "v2", "keep-me", "v3", "locked", "v4", "v5"} {
			digests[tag] = h.pushImage("team/app", tag, "layer "+tag)
			h.pass(time.Hour)
		}
		h.putManifest("team/app", "also2", manifestOf(imageConfig, "{}", "layer v2", "")).wants(t, 201, "") // v2's manifest stays
		h.do("PATCH", "/acr/v1/team/app/_tags/locked", `{"deleteEnabled":false}`).wants(t, 200, "")
		child := h.pushImage("team/index", "child", "layer")
		h.putIndex("team/index", "v1", child)
		h.do("DELETE", "/v2/team/index/manifests/child", "").wants(t, 202, "")
		h.do("DELETE", "/v2/team/app/manifests/v5", "").wants(t, 202, "")
		h.events()

		if _, err := c.SetRules(t.Context(), "mycontainerregistry", cleanup.Draft{KeepTags: "2", UntaggedDays: "3", Keep: "*:keep-*"}, "mei.lin"); err != nil {
			t.Fatal(err)
		}
		reg, err := h.data.Registry(t.Context(), "mycontainerregistry")
		if err != nil {
			t.Fatal(err)
		}
		rules, err := h.data.Rules(t.Context(), "mycontainerregistry")
		if err != nil || rules.KeepTags != 2 || rules.UntaggedDays != 3 || !slices.Equal(rules.Keep, []string{"*:keep-*"}) || rules.By != "mei.lin" {
			t.Fatalf("%+v, %v", rules, err)
		}
		planned := func() []string {
			t.Helper()
			plan, err := c.Preview(t.Context(), reg.Name, rules)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range plan {
				lines = append(lines, fmt.Sprintf("%s %v %v", r.Repository, r.Tags, r.Manifest))
			}
			slices.Sort(lines)
			return lines
		}
		want := []string{"team/app [v1] true", "team/app [v2] false", "team/app [v3] true"}
		if got := planned(); !slices.Equal(got, want) {
			t.Errorf("planned %q, want %q", got, want)
		}
		if n, err := c.Apply(t.Context(), reg); err != nil || n != 3 {
			t.Errorf("%d deleted, %v", n, err)
		}
		got := h.events()
		slices.Sort(got)
		if !slices.Equal(got, []string{"delete team/app carried v1", "delete team/app carried v3"}) {
			t.Errorf("raised %q", got)
		}
		h.do("GET", "/v2/team/app/tags/list", "").wants(t, 200, `["also2","keep-me","locked","v4"]`)

		h.pass(2 * 24 * time.Hour) // v5's manifest lost its tag less than three days ago, whenever it was pushed
		if got := planned(); len(got) != 0 {
			t.Errorf("planned %q", got)
		}
		h.pass(2 * 24 * time.Hour)
		if got := planned(); !slices.Equal(got, []string{"team/app [] true"}) { // not the index's child
			t.Errorf("planned %q", got)
		}
		if n, err := c.Apply(t.Context(), reg); err != nil || n != 1 {
			t.Errorf("%d deleted, %v", n, err)
		}
		if got := h.events(); !slices.Equal(got, []string{"delete team/app"}) {
			t.Errorf("raised %q", got)
		}
		h.do("GET", "/v2/team/app/manifests/"+digests["v5"], "").wants(t, 404, "")
		h.do("GET", "/v2/team/index/manifests/"+child, "").wants(t, 200, "")
	})
}

// TestRetentionSparesWhatIsTaggedMeanwhile: a manifest that gets a tag, or becomes part of an index, after it was chosen stays.
func TestRetentionSparesWhatIsTaggedMeanwhile(t *testing.T) {
	h := newHouse(t)
	c := h.cleaner(cleanup.Grace)
	for _, tag := range []string{"v1", "v2", "v3", "v4"} {
		h.pushImage("team/app", tag, "layer "+tag)
		h.pass(time.Hour)
	}
	body := func(tag string) string { return manifestOf(imageConfig, "{}", "layer "+tag, "") }
	plan, err := c.Preview(t.Context(), "mycontainerregistry", cleanup.Rules{KeepTags: 1})
	if err != nil || len(plan) != 3 {
		t.Fatalf("%+v, %v", plan, err)
	}
	h.putManifest("team/app", "again", body("v1")).wants(t, 201, "")
	h.putIndex("team/app", "index", artifact.DigestOf([]byte(body("v2")), ""))
	h.putManifest("team/app", "v3", body("v4")).wants(t, 201, "") // the tag moved
	h.events()
	reg, err := h.data.Registry(t.Context(), "mycontainerregistry")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.Remove(t.Context(), reg, plan); err != nil || n != 0 {
		t.Errorf("%d deleted, %v", n, err)
	}
	if got := h.events(); len(got) != 0 {
		t.Errorf("raised %q", got)
	}
}
