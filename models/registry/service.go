package registry

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// Store is the memory of registries that Service needs.
type Store interface {
	Registries(ctx context.Context) ([]Registry, error)
	Registry(ctx context.Context, name Name) (Registry, error)
	AddRegistry(ctx context.Context, r Registry) error
	UpdateRegistry(ctx context.Context, r Registry) error                 // Conflict when the stored version is not r.Version any more
	DeleteRegistry(ctx context.Context, name Name, ifVersion int64) error // 0: of any version
}

// Service is the only way to change registries.
type Service struct {
	Store  Store
	Groups Groups // nil where nobody asks for resource groups
	Keys   Keys   // nil where nobody asks for access keys
	Host   string // public host[:port] under which this installation is reached
	Now    func() time.Time
	NewID  func() string // UUIDs
	Region Location      // home of registries that name none

	turn sync.Mutex // changes of this process wait for each other; those of other processes are met by trying again
}

// Ensure makes the built-in registries of the first start: those of names that are not there yet, Premium, at the service's region.
func (s *Service) Ensure(ctx context.Context, names []string) error {
	have, err := s.Store.Registries(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(have, func(r Registry) bool { return r.Kind == BuiltIn }) { // names were for the first start; later the portal decides
		return nil
	}
	for _, text := range names {
		if _, err := s.Create(ctx, Registry{Name: Name(text), Kind: BuiltIn}, "dockbell"); err != nil {
			return err
		}
	}
	return nil
}

// Create adds a registry; an empty tier is Premium, an empty home the service's region, an empty kind built-in, an empty
// group the default one. A group that is not there is made.
func (s *Service) Create(ctx context.Context, r Registry, by string) (Registry, error) {
	name, err := ParseName(string(r.Name))
	if err != nil {
		return Registry{}, err
	}
	have, err := s.Store.Registries(ctx)
	if err != nil {
		return Registry{}, err
	}
	r.Name, r.ID, r.Version = name, s.NewID(), 1
	r.Tier, r.Home, r.Kind, r.Group = orElse(r.Tier, Premium), orElse(r.Home, s.Region), orElse(r.Kind, BuiltIn), orElse(r.Group, DefaultGroup)
	r.CreatedBy, r.CreatedByKind, r.Created = by, audit.ActorOf(ctx).Kind, s.Now()
	r.UpdatedBy, r.UpdatedByKind, r.Updated = r.CreatedBy, r.CreatedByKind, r.Created
	if r.LoginServer == "" && r.Kind == BuiltIn { // nobody pulls from an external one through this house
		first := !slices.ContainsFunc(have, func(o Registry) bool { return o.Kind == BuiltIn })
		r.LoginServer = LoginServer(name, s.Host, first)
	}
	return r, s.Store.AddRegistry(r.noted(ctx, "registry.create", audit.Differences(nil, r.words())), r)
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

// LoginServerSuffix is what login servers have in common behind their registry's name; az wants to know it.
func LoginServerSuffix(host string) string {
	return strings.TrimPrefix(LoginServer("x", host, false), "x")
}

// Update stores changed policies, tags and tier. A registry with replicas cannot leave Premium.
func (s *Service) Update(ctx context.Context, r Registry) (Registry, error) {
	if len(r.Replicas) > 0 && !r.Tier.Replicates() {
		return r, fault.In("sku", "%s has replicas, which only the Premium tier allows. Remove them first.", r.Name)
	}
	r.UpdatedBy, r.UpdatedByKind, r.Updated = audit.ActorOf(ctx).Name, audit.ActorOf(ctx).Kind, s.Now()
	if err := s.Store.UpdateRegistry(ctx, r); err != nil {
		return r, err
	}
	r.Version++
	return r, nil
}

// tries is how often a change is made anew when somebody else was faster.
const tries = 8

// change reads a registry, lets fn change it, and stores it. ifVersion is the version that fn was thought for; with 0 it is
// made anew when somebody else was faster.
func (s *Service) change(ctx context.Context, name Name, ifVersion int64, fn func(r *Registry) error) (Registry, error) {
	if ifVersion == 0 {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	for n := 1; ; n++ {
		r, err := s.Store.Registry(ctx, name)
		if err != nil {
			return r, err
		}
		if ifVersion != 0 && ifVersion != r.Version {
			return r, fault.New(fault.Conflict, "%s was changed meanwhile. Read it again before you change it.", r.Name)
		}
		before := r.words()
		if err := fn(&r); err != nil {
			return r, err
		}
		r, err = s.Update(r.noted(ctx, "registry.update", audit.Differences(before, r.words())), r)
		if ifVersion != 0 || n == tries || !errors.Is(err, ErrChanged) {
			return r, err
		}
	}
}

// ErrChanged is the refusal of an update that was made from an older version than the stored one.
var ErrChanged error = fault.New(fault.Conflict, "The registry was changed by somebody else meanwhile. Look at the change and try again.")

// Delete removes a registry with everything in it. Conflict when the stored one is not ifVersion any more; 0 removes whatever
// is there.
func (s *Service) Delete(ctx context.Context, name Name, ifVersion int64) error {
	return s.Store.DeleteRegistry(Registry{Name: name}.noted(ctx, "registry.delete", nil), name, ifVersion)
}

func orElse[T ~string](v, def T) T {
	if v == "" {
		return def
	}
	return v
}
