package account

import (
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"team/api", "team/api", true},
		{"team/api", "team/api2", false},
		{"team/api", "team/ap", false},
		{"team/*", "team/api", true},
		{"team/*", "team/a/b", true},
		{"team/*", "team/", true},
		{"team/*", "team", false},
		{"team/*", "other/team/x", false},
		{"*", "", true},
		{"*", "anything/at/all", true},
		{"*/api", "team/api", true},
		{"*/api", "team/api/v2", false},
		{"t?am", "team", true},
		{"t?am", "tam", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"**x", "x", true},
		{"x**", "x", true},
		{"?", "", false},
	} {
		if got := glob(c.pattern, c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
	if glob(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 255)) { // must end before anybody notices
		t.Error("matched without its last letter")
	}
}

// TestNarrowed: a limited token keeps its role's rights on images within its limits, and has no other permission at all.
func TestNarrowed(t *testing.T) {
	p := Principal{Kind: KindToken, Role: Owner, Narrow: Narrowing{Rights: []Permission{Pull, ReleaseQtn}, Repositories: []string{"team/*"}}}
	everywhere := Principal{Kind: KindToken, Role: Contributor, Narrow: Narrowing{Repositories: []string{"team/*"}}}
	for perm, want := range map[Permission][2]bool{
		Pull: {true, true}, PushImages: {false, true}, DeleteImgs: {false, true}, ReleaseQtn: {true, false},
		Read: {false, false}, Write: {false, false}, Secrets: {false, false}, Admin: {false, false},
	} {
		if got := p.MayIn(perm, "acme1", "team/api"); got != want[0] {
			t.Errorf("%s with pull and quarantine: %v", perm, got)
		}
		if got := everywhere.MayIn(perm, "acme1", "team/api"); got != want[1] {
			t.Errorf("%s with all rights of a contributor: %v", perm, got)
		}
		if p.MayIn(perm, "acme1", "other/api") || everywhere.MayIn(perm, "acme1", "other/api") {
			t.Errorf("%s outside of the patterns", perm)
		}
	}
	if reader := (Principal{Role: Reader, Narrow: Narrowing{Rights: []Permission{PushImages}}}); reader.May(PushImages, "acme1") {
		t.Error("a limit gave a right that the role has not")
	}
	if !(Principal{Role: Reader}).MayIn(Pull, "acme1", "any/thing") {
		t.Error("a principal without limits was limited")
	}
}
