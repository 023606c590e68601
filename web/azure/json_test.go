package azure_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dig follows a path of names and numbers into JSON; nil when it leads nowhere.
func dig(t *testing.T, v any, path string) any {
	t.Helper()
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(at) {
				return nil
			}
			v = at[n]
		default:
			return nil
		}
	}
	return v
}

// says wants a value at a path.
func (r *reply) says(path string, want any) *reply {
	r.t.Helper()
	if got := r.at(path); got != want {
		r.t.Errorf("%s: %s is %#v, not %#v\n%.600s", r.what, path, got, want, r.body)
	}
	return r
}

// sortedTargets are the addresses that read a body, in a fixed order.
func sortedTargets(h *house) []string { return slices.Sorted(maps.Keys(h.targets())) }
