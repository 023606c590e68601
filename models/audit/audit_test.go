package audit

import (
	"context"
	"slices"
	"testing"
)

func TestANoteCarriesItsActor(t *testing.T) {
	if _, noted := Noted(t.Context()); noted {
		t.Error("something is noted before anybody did")
	}
	ctx := By(Note(t.Context(), Entry{Action: "webhook.create", Object: "hook1"}), Actor{Name: "mei", Client: "az"})
	e, noted := Noted(ctx)
	if !noted || e.Action != "webhook.create" || e.Actor.Name != "mei" || e.Actor.Client != "az" {
		t.Errorf("noted %+v, %v", e, noted)
	}
	if e, _ := Noted(context.WithoutCancel(Note(t.Context(), Entry{}))); e.Actor != (Actor{}) {
		t.Errorf("nobody made it, and it is noted as made by %+v", e.Actor)
	}
}

func TestDifferences(t *testing.T) {
	before := []Field{{"scope", "foo"}, {"status", "enabled"}, {"gone", "x"}}
	after := []Field{{"scope", ""}, {"status", "enabled"}, {"new", "y"}}
	want := []Change{{"scope", "foo", ""}, {"new", "", "y"}}
	if got := Differences(before, after); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Tags(map[string]string{"b": "2", "a": "1"}); got != "a=1, b=2" {
		t.Errorf("tags are %q", got)
	}
}
