package artifact

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
		if got := Glob(c.pattern, c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
	if Glob(strings.Repeat("*a", 100)+"b", strings.Repeat("a", 255)) { // must end before anybody notices
		t.Error("matched without its last letter")
	}
}
