package webhook

import (
	"slices"
	"strings"
	"testing"

	"dockbell/models/event"
)

// TestPaceFieldsAreChecked at their bounds: 0 leaves it to Dockbell.
func TestPaceFieldsAreChecked(t *testing.T) {
	s, _ := newService()
	if _, err := s.Create(t.Context(), draft("deploy", "https://hooks.example.com/", "push"), "mei"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		inFlight, rate int
		wrong          []string
	}{
		{0, 0, nil},
		{1, 1, nil},
		{16, 60_000, nil},
		{17, 60_001, []string{"maxInFlight", "rate"}},
		{-1, -1, []string{"maxInFlight", "rate"}},
	} {
		w, err := s.Update(t.Context(), Draft{Registry: "acmereg", Name: "deploy", MaxInFlight: &c.inFlight, Rate: &c.rate}, 0, "mei")
		if got := faultsAt(err); !slices.Equal(got, c.wrong) {
			t.Errorf("%d in flight, %d per minute: faults at %v, want %v", c.inFlight, c.rate, got, c.wrong)
		}
		if err == nil && (w.MaxInFlight != c.inFlight || w.Rate != c.rate) {
			t.Errorf("%+v: stored %d and %d", c, w.MaxInFlight, w.Rate)
		}
	}
}

// TestAPauseIsNoStatus: a paused webhook stays enabled and fires; disabling ends the pause, and what is disabled cannot be paused.
func TestAPauseIsNoStatus(t *testing.T) {
	s, _ := newService()
	if _, err := s.Create(t.Context(), draft("deploy", "https://hooks.example.com/", "push"), "mei"); err != nil {
		t.Fatal(err)
	}
	w, err := s.Pause(t.Context(), "acmereg", "deploy", "mei")
	if err != nil || w.Status != Enabled || !w.Paused.Equal(s.Now()) {
		t.Fatalf("paused: %s since %v, %v", w.Status, w.Paused, err)
	}
	v := w.Matches(event.Event{Registry: "acmereg", Location: "eastus", Action: event.Push, Target: event.Target{Repository: "api", Tag: "v1"}})
	if !v.Fires || !strings.Contains(v.Reason, "Kept: the webhook is paused.") {
		t.Errorf("the verdict: %+v", v)
	}
	put := draft("deploy", "https://hooks.example.com/", "push").Whole()
	if w, err = s.Update(t.Context(), put, 0, "az"); err != nil || !w.IsPaused() {
		t.Errorf("Azure's PUT, which knows no pause: paused %v, %v", w.IsPaused(), err)
	}
	if w, err = s.SetStatus(t.Context(), "acmereg", "deploy", Disabled, "mei"); err != nil || w.IsPaused() {
		t.Errorf("disabled: paused %v, %v", w.IsPaused(), err)
	}
	if _, err = s.Pause(t.Context(), "acmereg", "deploy", "mei"); !slices.Equal(faultsAt(err), []string{"paused"}) {
		t.Errorf("a disabled webhook was paused: %v", err)
	}
	if w, err = s.SetStatus(t.Context(), "acmereg", "deploy", Enabled, "mei"); err != nil || w.IsPaused() {
		t.Errorf("enabled again: paused %v, %v", w.IsPaused(), err)
	}
}
