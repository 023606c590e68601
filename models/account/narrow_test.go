package account

import "testing"

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
