package registry

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dockbell/models/fault"
)

// Store is the memory that Service needs.
type Store interface {
	Registries(ctx context.Context) ([]Registry, error)
	Registry(ctx context.Context, name Name) (Registry, error)
	AddRegistry(ctx context.Context, r Registry) error
	UpdateRegistry(ctx context.Context, r Registry) error
	DeleteRegistry(ctx context.Context, name Name) error
}

// Service is the only way to change registries.
type Service struct {
	Store  Store
	Host   string // public host[:port] under which this installation is reached
	Now    func() time.Time
	NewID  func() string // UUIDs
	Region Location      // home of registries that name none
}

// Ensure makes the built-in registries of the first start: those of names that are not there yet, Premium, at the service's region.
func (s *Service) Ensure(ctx context.Context, names []string) error {
	have, err := s.Store.Registries(ctx)
	if err != nil {
		return err
	}
	if len(have) > 0 { // names were for the first start; later the portal decides
		return nil
	}
	for _, text := range names {
		if _, err := s.Create(ctx, Registry{Name: Name(text), Kind: BuiltIn}, "dockbell"); err != nil {
			return err
		}
	}
	return nil
}

// Create adds a registry; an empty tier is Premium, an empty home the service's region, an empty kind built-in.
func (s *Service) Create(ctx context.Context, r Registry, by string) (Registry, error) {
	name, err := ParseName(string(r.Name))
	if err != nil {
		return Registry{}, err
	}
	have, err := s.Store.Registries(ctx)
	if err != nil {
		return Registry{}, err
	}
	r.Name, r.ID, r.CreatedBy = name, s.NewID(), by
	r.Tier, r.Home, r.Kind = orElse(r.Tier, Premium), orElse(r.Home, s.Region), orElse(r.Kind, BuiltIn)
	r.Created = s.Now()
	r.Updated = r.Created
	if r.LoginServer == "" {
		first := !slices.ContainsFunc(have, func(o Registry) bool { return o.Kind == BuiltIn })
		r.LoginServer = LoginServer(name, s.Host, first)
	}
	return r, s.Store.AddRegistry(ctx, r)
}

// LoginServer is the host that people pull by: <registry>.<public host>[:port]. Where the public host is an address or
// localhost there are no names below it, and the first registry has the host itself (PRODUCT.md, decision 17).
func LoginServer(name Name, host string, first bool) string {
	bare := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		bare = h
	}
	_, notAddress := netip.ParseAddr(strings.Trim(bare, "[]"))
	if first && (notAddress == nil || bare == "localhost") {
		return host
	}
	if notAddress == nil {
		_, port, err := net.SplitHostPort(host)
		if err != nil {
			return name.Key() + ".localhost"
		}
		return name.Key() + ".localhost:" + port
	}
	return name.Key() + "." + host
}

// Update stores changed policies, tags and tier. A registry with replicas cannot leave Premium.
func (s *Service) Update(ctx context.Context, r Registry) (Registry, error) {
	if len(r.Replicas) > 0 && !r.Tier.Replicates() {
		return r, fault.In("sku", "%s has replicas, which only the Premium tier allows. Remove them first.", r.Name)
	}
	r.Updated = s.Now()
	return r, s.Store.UpdateRegistry(ctx, r)
}

// AddReplica gives a Premium registry one more location.
func (s *Service) AddReplica(ctx context.Context, name Name, l Location) (Registry, error) {
	r, err := s.Store.Registry(ctx, name)
	switch {
	case err != nil:
		return r, err
	case !r.Tier.Replicates():
		return r, fault.In("location", "Replicas need the Premium tier; %s is %s.", r.Name, r.Tier)
	case r.Has(l):
		return r, fault.New(fault.Conflict, "%s has the location %s already.", r.Name, l)
	}
	r.Replicas = append(slices.Clone(r.Replicas), Replica{Location: l, Created: s.Now()})
	return s.Update(ctx, r)
}

// RemoveReplica takes a location away; home cannot go.
func (s *Service) RemoveReplica(ctx context.Context, name Name, l Location) (Registry, error) {
	r, err := s.Store.Registry(ctx, name)
	if err != nil {
		return r, err
	}
	if l == r.Home {
		return r, fault.In("location", "%s is the home of %s and cannot be removed.", l, r.Name)
	}
	left := slices.DeleteFunc(slices.Clone(r.Replicas), func(rep Replica) bool { return rep.Location == l })
	if len(left) == len(r.Replicas) {
		return r, fault.New(fault.NotFound, "%s has no replica in %s.", r.Name, l)
	}
	r.Replicas = left
	return s.Update(ctx, r)
}

// Delete removes a registry with everything in it.
func (s *Service) Delete(ctx context.Context, name Name) error {
	return s.Store.DeleteRegistry(ctx, name)
}

func orElse[T ~string](v, def T) T {
	if v == "" {
		return def
	}
	return v
}
