package source

import (
	"strings"
	"testing"

	"dockbell/models/fault"
)

func TestFullSourcesRefuse(t *testing.T) {
	for _, c := range []struct {
		space int
		kept  int64
		full  bool
	}{{0, 1 << 60, false}, {1, 0, false}, {1, 1<<20 - 1, false}, {1, 1 << 20, true}, {MaxSpace, 1<<50 - 1, false}, {MaxSpace, 1 << 50, true}} {
		src := Source{Name: "edge", Space: c.space}
		err := src.Fits(c.kept)
		if src.Full(c.kept) != c.full || (err != nil) != c.full {
			t.Errorf("%d bytes of %d MiB: full %v, %v", c.kept, c.space, src.Full(c.kept), err)
		}
		if c.full && (!fault.Is(err, fault.LimitReached) || !strings.Contains(err.Error(), "edge may take up")) {
			t.Errorf("it is refused with %v", err)
		}
	}
}
