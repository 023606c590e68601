package account

import (
	"strings"
	"testing"
	"testing/synctest"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

// TestRolesAndPermissions is the table of PRODUCT.md, decision 22, with what the portal asks for.
func TestRolesAndPermissions(t *testing.T) {
	all := []Permission{Read, Pull, Write, PushImages, DeleteImgs, Secrets, Admin, ReleaseQtn}
	for role, want := range map[Role]string{
		Reader:      "read pull",
		Contributor: "read pull write push delete secrets",
		Owner:       "read pull write push delete secrets admin quarantine",
		"":          "",
		"king":      "",
	} {
		var may []string
		for _, p := range all {
			if (Principal{Role: role}).May(p, "acme1") {
				may = append(may, string(p))
			}
		}
		if got := strings.Join(may, " "); got != want {
			t.Errorf("%q may %q, want %q", role, got, want)
		}
	}
	if (Principal{Role: Owner}).May("dance", "acme1") {
		t.Error("an owner may what is no permission")
	}
}

func TestATokenOfOneRegistryMayNothingElsewhere(t *testing.T) {
	p := Principal{Role: Owner, Registry: "Acme1"}
	for in, want := range map[registry.Name]bool{"acme1": true, "ACME1": true, "other1": false, "": false} {
		if p.May(Read, in) != want {
			t.Errorf("in %q: %v, want %v", in, !want, want)
		}
	}
	if !(Principal{Role: Reader}).May(Read, "") {
		t.Error("a reader of everything may not read what belongs to no registry")
	}
}

func TestParseRole(t *testing.T) {
	for text, want := range map[string]Role{"owner": Owner, "Contributor": Contributor, "READER": Reader} {
		if r, err := ParseRole(text); err != nil || r != want {
			t.Errorf("%q is %q (%v), want %q", text, r, err, want)
		}
	}
	for _, text := range []string{"", "king", " owner"} {
		if _, err := ParseRole(text); !fault.Is(err, fault.Invalid) || fault.All(err)[0].Field != "role" {
			t.Errorf("%q: %v, want it refused at role", text, err)
		}
	}
	for role, want := range map[Role]string{Owner: "Owner", Reader: "Reader", "": ""} {
		if role.Title() != want {
			t.Errorf("%q is written %q", role, role.Title())
		}
	}
}

func TestTokenDrafts(t *testing.T) {
	for _, c := range []struct {
		draft  TokenDraft
		fields string
	}{
		{TokenDraft{Name: "ci", Role: "reader", Registry: ""}, ""},
		{TokenDraft{Name: " ci ", Role: "Owner", Registry: "acme1"}, ""},
		{TokenDraft{Name: strings.Repeat("ü", maxTokenName), Role: "owner", Registry: ""}, ""},
		{TokenDraft{Name: strings.Repeat("ü", maxTokenName+1), Role: "owner", Registry: ""}, "name"},
		{TokenDraft{Name: "two\nlines", Role: "owner", Registry: ""}, "name"},
		{TokenDraft{Name: "ci", Role: "reader", Rights: "pull, Push\nquarantine", Repositories: "team/*, b?se/**"}, ""},
		{TokenDraft{Name: "ci", Role: "reader", Rights: "admin"}, "rights"},
		{TokenDraft{Name: "ci", Role: "reader", Repositories: "Team/*"}, "repositories"},
		{TokenDraft{Name: "ci", Role: "reader", Repositories: "/*"}, "repositories"},
		{TokenDraft{Name: "ci", Role: "reader", Repositories: strings.Repeat("x ", maxPatterns+1)}, "repositories"},
		{TokenDraft{Name: " ", Role: "king", Registry: "no-such"}, "name role registry"},
	} {
		tok, errs := c.draft.parse()
		var fields []string
		for _, err := range errs {
			fields = append(fields, fault.All(err)[0].Field)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%+v: faults at %q, want %q", c.draft, got, c.fields)
		}
		if tok.Name != strings.TrimSpace(c.draft.Name) {
			t.Errorf("%+v is called %q", c.draft, tok.Name)
		}
	}
}

// TestCredentialsThatProveNothing: each gives the same refusal as a wrong password, never an error of another kind.
func TestCredentialsThatProveNothing(t *testing.T) {
	ctx := t.Context()
	s := newService(start())
	if _, err := s.CreateUser(ctx, UserDraft{"mei", good, "owner"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"", ""}, {"mei", ""}, {"mei", "wrong"}, {"nobody", good}, {"00000000-0000-4000-8000-000000000099", good}, {"00000000-0000-4000-8000-000000000099", ""},
	} {
		if _, err := s.Authenticate(ctx, c[0], c[1]); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q with %q: %v, want unauthenticated", c[0], c[1], err)
		}
	}
	for _, bearer := range []string{"", "dkb_", "dkb_unknown", "Bearer", good} {
		if _, err := s.Bearer(ctx, bearer); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("Bearer %q: %v, want unauthenticated", bearer, err)
		}
	}
}

// TestANewPasswordBringsNoOldRoleBack: an owner is demoted while a new password waits for its turn to be hashed.
func TestANewPasswordBringsNoOldRoleBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := newService(start())
		first, _ := s.CreateUser(ctx, UserDraft{"first", good, "owner"})
		if _, err := s.CreateUser(ctx, UserDraft{"second", good, "owner"}); err != nil {
			t.Fatal(err)
		}
		for range cap(s.Hasher.slots) {
			s.Hasher.slots <- struct{}{}
		}
		done := make(chan error)
		go func() {
			_, err := s.SetPassword(ctx, first.ID, "another horse battery")
			done <- err
		}()
		synctest.Wait()
		if _, err := s.SetRole(ctx, first.ID, "reader"); err != nil {
			t.Fatal(err)
		}
		for range cap(s.Hasher.slots) {
			<-s.Hasher.slots
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if p, err := s.Authenticate(ctx, "first", "another horse battery"); err != nil || p.Role != Reader {
			t.Errorf("%+v, %v; want a reader with the new password", p, err)
		}
	})
}
