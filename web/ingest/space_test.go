package ingest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/keeping"
	"dockbell/models/source"
)

// TestAFullSourceIsAskedToWait: beyond its space what a source sends is answered 429, what was acknowledged is there, others go
// on, and it is taken again when retention made room, or somebody gave it more, also after a restart.
func TestAFullSourceIsAskedToWait(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		made := h.source("dist", "distribution", func(d *source.Draft) { d.Space = 1 })
		other := h.source("other", "distribution")
		large := `{"pad":"` + strings.Repeat("x", 300<<10) + `","events":[`
		acknowledged := 0
		var last answer
		for i := 0; i < 8 && last.Status != http.StatusTooManyRequests; i++ {
			last = h.send(made, large+push("e-"+string(rune('a'+i)), "v1")+"]}")
			acknowledged += last.Accepted
		}
		full := func(when string) {
			t.Helper()
			got := h.send(made, envelope(push("e-z", "v9")))
			if got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "300" || !strings.Contains(got.Error.Message, "may take up 1 MiB") {
				t.Errorf("%s it is answered %d, Retry-After %q: %s", when, got.Status, got.Header.Get("Retry-After"), got.Error.Message)
			}
		}
		full("full")
		if acknowledged != 4 || len(h.events()) != acknowledged {
			t.Errorf("%d events are stored and %d acknowledged, want 4", len(h.events()), acknowledged)
		}
		if got := h.send(other, envelope(push("e-1", "v1"))); got.Accepted != 1 {
			t.Errorf("another source is answered %d", got.Status)
		}
		if h.refusals["space"] < 2 || h.refusals["rate"] != 0 {
			t.Errorf("the refusals are counted as %v", h.refusals)
		}
		h.flush()
		h.serve()
		full("after a restart")

		step, err := h.db.Forget(t.Context(), keeping.Arrivals, h.now().Add(time.Hour), keeping.Mark{}, 1)
		if err != nil || step.Forgotten != 1 {
			t.Fatalf("forgot %d: %v", step.Forgotten, err)
		}
		full("within a second") // for which it is not looked
		h.pass(time.Second)
		if got := h.send(made, envelope(push("e-z", "v9"))); got.Accepted != 1 {
			t.Errorf("with room it is answered %d: %s", got.Status, got.Error.Message)
		}
		if got := h.send(made, large+push("e-l", "v1")+"]}"); got.Accepted != 1 {
			t.Errorf("still with room it is answered %d: %s", got.Status, got.Error.Message)
		}
		full("full again")
		space := 2
		if _, err := h.sources.Change(t.Context(), "dist", source.Change{Space: &space}); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Second)
		if got := h.send(made, envelope(push("e-y", "v9"))); got.Accepted != 1 {
			t.Errorf("with more space it is answered %d: %s", got.Status, got.Error.Message)
		}
	})
}

func (h *house) flush() {
	h.t.Helper()
	if err := h.db.FlushSources(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}
