package registry

import (
	"context"
	"testing"
	"time"

	"dockbell/models/fault"
)

// shelf is a Store in memory.
type shelf struct{ all []Registry }

func (s *shelf) Registries(context.Context) ([]Registry, error) { return s.all, nil }

func (s *shelf) Registry(_ context.Context, name Name) (Registry, error) {
	for _, r := range s.all {
		if r.Name.Is(name) {
			return r, nil
		}
	}
	return Registry{}, fault.New(fault.NotFound, "No registry %s.", name)
}

func (s *shelf) AddRegistry(_ context.Context, r Registry) error {
	s.all = append(s.all, r)
	return nil
}

func (s *shelf) UpdateRegistry(_ context.Context, r Registry) error {
	for i := range s.all {
		if s.all[i].ID == r.ID {
			s.all[i] = r
		}
	}
	return nil
}

func (s *shelf) DeleteRegistry(context.Context, Name) error { s.all = nil; return nil }

func TestLoginServer(t *testing.T) {
	tests := []struct {
		host  string
		first bool
		want  string
	}{
		{"dockbell.example.com", true, "acme1.dockbell.example.com"},
		{"dockbell.example.com:8443", false, "acme1.dockbell.example.com:8443"},
		{"127.0.0.1:8080", true, "127.0.0.1:8080"},
		{"localhost:8080", true, "localhost:8080"},
		{"localhost:8080", false, "acme1.localhost:8080"},
		{"127.0.0.1:8080", false, "acme1.localhost:8080"},
		{"[::1]:8080", true, "[::1]:8080"},
	}
	for _, tt := range tests {
		if got := LoginServer("Acme1", tt.host, tt.first); got != tt.want {
			t.Errorf("LoginServer(%q, first %v) = %q, want %q", tt.host, tt.first, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, ok := range map[string]bool{"acme1": true, "acme": false, "acme-1": false, "Acme1\n": false} {
		if _, err := ParseName(text); (err == nil) != ok {
			t.Errorf("ParseName(%q): %v", text, err)
		}
	}
	if l, err := ParseLocation(" East US "); err != nil || l != "eastus" {
		t.Errorf("East US is %q (%v), want eastus", l, err)
	}
	if _, err := ParseLocation("../x"); err == nil {
		t.Error("a path was taken for a location")
	}
}

func TestReplicasBelongToPremium(t *testing.T) {
	s := &Service{Store: &shelf{}, Host: "localhost:1", Region: "local", Now: time.Now, NewID: func() string { return "id" }}
	if err := s.Ensure(t.Context(), []string{"acme1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ensure(t.Context(), []string{"other1"}); err != nil { // names count at the first start alone
		t.Fatal(err)
	}
	r, err := s.AddReplica(t.Context(), "ACME1", "westus")
	if err != nil || !r.Has("westus") || r.Tier != Premium || r.Home != "local" {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := s.AddReplica(t.Context(), "acme1", "westus"); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same replica twice: %v", err)
	}
	r.Tier = Basic
	if _, err := s.Update(t.Context(), r); !fault.Is(err, fault.Invalid) {
		t.Errorf("Basic with a replica: %v, want it refused", err)
	}
	if _, err := s.RemoveReplica(t.Context(), "acme1", "local"); !fault.Is(err, fault.Invalid) {
		t.Errorf("home removed: %v", err)
	}
	if r, err = s.RemoveReplica(t.Context(), "acme1", "westus"); err != nil || r.Has("westus") {
		t.Errorf("%+v, %v", r, err)
	}
}
