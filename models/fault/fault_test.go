package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var (
	taken   = New(Conflict, "%s is taken.", "deployweb")
	badName = In("name", "Use %d letters.", 5)
)

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want Code
	}{
		{"no error", nil, ""},
		{"a fault", taken, Conflict},
		{"a fault at a field", badName, Invalid},
		{"a fault inside", fmt.Errorf("while saving: %w", taken), Conflict},
		{"the first of several", errors.Join(io.EOF, badName, taken), Invalid},
		{"no fault", io.EOF, Internal},
		{"a fault with a cause of its own", New(Unavailable, "Later.").Because(taken), Unavailable},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.err != nil && !Is(c.err, c.want) || Is(c.err, Gone) {
			t.Errorf("%s: Is does not agree with %q", c.name, c.want)
		}
	}
}

func TestAllFindsEveryFaultInOrder(t *testing.T) {
	tree := fmt.Errorf("form: %w", errors.Join(badName, io.EOF, fmt.Errorf("then: %w", errors.Join(taken, In("scope", "No blanks.")))))
	var got []string
	for _, f := range All(tree) {
		got = append(got, f.Message)
	}
	if all := strings.Join(got, " "); all != "Use 5 letters. deployweb is taken. No blanks." {
		t.Errorf("found %q", all)
	}
	for name, err := range map[string]error{"nil": nil, "no fault": io.EOF, "joined nothing": errors.Join(nil, nil)} {
		if all := All(err); len(all) != 0 {
			t.Errorf("%s: %v", name, all)
		}
	}
	if all := All(taken.Because(badName)); len(all) != 1 || all[0].Code != Conflict {
		t.Errorf("a cause is for the log, not one more refusal: %v", all)
	}
}

func TestCausesAndWaitsGoOnACopy(t *testing.T) {
	late := taken.Because(io.ErrUnexpectedEOF).After(time.Minute)
	if taken.Cause != nil || taken.Wait != 0 {
		t.Errorf("the original was changed: %+v", taken)
	}
	if !errors.Is(late, io.ErrUnexpectedEOF) || late.Wait != time.Minute || late.Code != Conflict {
		t.Errorf("%+v lost its cause, wait or code", late)
	}
	if got := late.Error(); got != "deployweb is taken.: unexpected EOF" {
		t.Errorf("for the log: %q", got)
	}
	if taken.Error() != taken.Message || badName.Field != "name" {
		t.Errorf("%q at %q", taken.Error(), badName.Field)
	}
}
