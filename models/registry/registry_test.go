package registry

import (
	"context"
	"slices"
	"strings"
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
			if s.all[i].Version != r.Version {
				return ErrChanged
			}
			r.Version++
			s.all[i] = r
		}
	}
	return nil
}

func (s *shelf) DeleteRegistry(context.Context, Name, int64) error { s.all = nil; return nil }

func newService() *Service {
	return &Service{Store: &shelf{}, Host: "localhost:1", Region: "local", Now: time.Now, NewID: func() string { return "id" }}
}

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
		{"[::1]:8080", false, "acme1.localhost:8080"},
		{"127.0.0.1", true, "127.0.0.1"},
		{"127.0.0.1", false, "acme1.localhost"},
		{"localhost", false, "acme1.localhost"},
		{"192.0.2.7:443", true, "192.0.2.7:443"},
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
	s := newService()
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

// TestTiers is Azure's table (PRODUCT.md, decision 9).
func TestTiers(t *testing.T) {
	for tier, want := range map[Tier]struct {
		hooks      int
		gib        int64
		replicates bool
	}{Basic: {2, 10, false}, Standard: {10, 100, false}, Premium: {500, 500, true}} {
		if tier.WebhookQuota() != want.hooks || tier.StorageQuota() != want.gib<<30 || tier.Replicates() != want.replicates {
			t.Errorf("%s: %d webhooks, %d bytes, replicas %v", tier, tier.WebhookQuota(), tier.StorageQuota(), tier.Replicates())
		}
		if got, err := ParseTier(strings.ToUpper(string(tier))); err != nil || got != tier {
			t.Errorf("%s in capitals: %q, %v", tier, got, err)
		}
	}
	for _, text := range []string{"", "Classic", " Basic"} {
		if _, err := ParseTier(text); !fault.Is(err, fault.Invalid) || fault.All(err)[0].Field != "sku" {
			t.Errorf("%q: %v, want it refused at sku", text, err)
		}
	}
}

func TestTheFirstStartMakesEveryRegistryOnce(t *testing.T) {
	s := newService()
	if err := s.Ensure(t.Context(), []string{"acme1", "Other1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ensure(t.Context(), []string{"third1"}); err != nil { // later the portal decides
		t.Fatal(err)
	}
	all, _ := s.Store.Registries(t.Context())
	var got []string
	for _, r := range all {
		if r.Tier != Premium || r.Kind != BuiltIn || r.Home != "local" || r.CreatedBy != "dockbell" || r.ID == "" || !r.Created.Equal(r.Updated) || r.Created.IsZero() {
			t.Errorf("%+v lacks a default", r)
		}
		got = append(got, string(r.Name)+" "+r.LoginServer)
	}
	if all := strings.Join(got, ", "); all != "acme1 localhost:1, Other1 other1.localhost:1" {
		t.Errorf("made %s", all)
	}
	if err := newService().Ensure(t.Context(), []string{"a"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a bad name: %v, want it refused", err)
	}
}

func TestAnExternalRegistryLeavesTheHostToTheFirstBuiltIn(t *testing.T) {
	s := newService()
	ext, err := s.Create(t.Context(), Registry{Name: "harbor1", Kind: External, LoginServer: "harbor.example.com", Tier: Basic, Home: "westus"}, "mei")
	if err != nil || ext.LoginServer != "harbor.example.com" || ext.Tier != Basic || ext.Home != "westus" {
		t.Fatalf("%+v, %v: what was asked for was changed", ext, err)
	}
	first, err := s.Create(t.Context(), Registry{Name: "acme1"}, "mei")
	if err != nil || first.LoginServer != "localhost:1" {
		t.Errorf("%+v, %v: want the host itself", first, err)
	}
}

func TestReplicasThatCannotBe(t *testing.T) {
	s := newService()
	if _, err := s.Create(t.Context(), Registry{Name: "small1", Tier: Standard}, "mei"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddReplica(t.Context(), "small1", "westus"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "Premium") {
		t.Errorf("a replica of a Standard registry: %v", err)
	}
	if _, err := s.AddReplica(t.Context(), "nobody1", "westus"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a replica of no registry: %v", err)
	}
	if _, err := s.RemoveReplica(t.Context(), "small1", "westus"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such replica: %v", err)
	}
	if _, err := s.RemoveReplica(t.Context(), "nobody1", "westus"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such registry: %v", err)
	}
}

func TestLocationsBeginWithHome(t *testing.T) {
	r := Registry{Home: "local", Replicas: []Replica{{Location: "westus"}, {Location: "eastus"}}}
	if got := r.Locations(); !slices.Equal(got, []Location{"local", "westus", "eastus"}) {
		t.Errorf("locations %v", got)
	}
	if r.Has("japaneast") || !r.Has("local") || !r.Has("eastus") {
		t.Error("Has does not agree with Locations")
	}
}
