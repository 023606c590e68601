package source

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Store is the memory of sources that Service needs.
type Store interface {
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Source(ctx context.Context, name Name) (Source, error) // by its name in any case; NotFound at field "source"
	Sources(ctx context.Context) ([]Source, error)         // by name
	AddSource(ctx context.Context, s Source) error         // Conflict at field "name" when it is taken
	UpdateSource(ctx context.Context, s Source) error      // ErrStale unless its version is the next one
	DeleteSource(ctx context.Context, name Name) error
}

// Registries makes the registry whose events a source tells.
type Registries interface {
	Create(ctx context.Context, r registry.Registry, by string) (registry.Registry, error)
}

// Service is the only way to change sources.
type Service struct {
	Store      Store
	Registries Registries
	Public     string // base of their addresses, without a slash at its end
	Now        func() time.Time
	NewID      func() string // UUIDs
}

// Draft is what somebody asks for when a source is made.
type Draft struct {
	Name     string
	Kind     string
	Registry string // one that is not there is made, as an external one
	Location string // empty: the registry's home
	Rate     int
	Space    int    // MiB
	Networks string // CIDRs from where it may send, with commas or white space between; empty: from everywhere
}

// Issued is a source with its token in clear: shown once.
type Issued struct {
	Source Source
	Token  string
	URL    string
}

// Create makes a source. Faults are at the fields "name", "kind", "registry", "location", "rate", "space" and "networks".
func (s *Service) Create(ctx context.Context, d Draft, by string) (Issued, error) {
	src, errs := d.parse()
	if err := errors.Join(errs...); err != nil {
		return Issued{}, err
	}
	if have, err := s.Store.Source(ctx, src.Name); err == nil {
		return Issued{}, Taken(have.Name)
	} else if !fault.Is(err, fault.NotFound) {
		return Issued{}, err
	}
	reg, err := s.registryOf(ctx, src, by)
	if err != nil {
		return Issued{}, err
	}
	if src.Location == "" {
		src.Location = reg.Home
	}
	if !reg.Has(src.Location) {
		return Issued{}, fault.In("location", "%s is not a location of %s. It has %s.", src.Location, reg.Name, locations(reg))
	}
	src.ID, src.Registry, src.Version = s.NewID(), reg.Name, 1
	src.Created, src.CreatedBy = s.Now(), by
	made := s.issue(&src)
	return made, s.Store.AddSource(src.noted(ctx, "source.create"), src)
}

// Taken is the refusal of a name that another source has.
func Taken(name Name) error {
	f := fault.New(fault.Conflict, "There is a source %s already. Names are compared without regard to case.", name)
	f.Field = "name"
	return f
}

// registryOf is the registry of a new source; an unknown one is made.
func (s *Service) registryOf(ctx context.Context, src Source, by string) (registry.Registry, error) {
	reg, err := s.Store.Registry(ctx, src.Registry)
	if !fault.Is(err, fault.NotFound) {
		return reg, err
	}
	return s.Registries.Create(ctx, registry.Registry{Name: src.Registry, Kind: registry.External, Home: src.Location}, by)
}

func locations(reg registry.Registry) string {
	var all []string
	for _, l := range reg.Locations() {
		all = append(all, string(l))
	}
	return strings.Join(all, ", ")
}

// Rotate gives a source another token; the old one is not valid any more.
func (s *Service) Rotate(ctx context.Context, name Name) (Issued, error) {
	src, err := s.Store.Source(ctx, name)
	if err != nil {
		return Issued{}, err
	}
	made := s.issue(&src)
	src.Version++
	return made, s.Store.UpdateSource(src.noted(ctx, "source.rotate"), src)
}

// Delete removes a source: its token is not valid any more. The events that it told stay.
func (s *Service) Delete(ctx context.Context, name Name) error {
	src, err := s.Store.Source(ctx, name)
	if err != nil {
		return err
	}
	return s.Store.DeleteSource(audit.Note(ctx, audit.Entry{Action: "source.delete", Registry: string(src.Registry), Object: string(src.Name)}), src.Name)
}

// List gives every source by name.
func (s *Service) List(ctx context.Context) ([]Source, error) { return s.Store.Sources(ctx) }

// issue makes a new token of a source.
func (s *Service) issue(src *Source) Issued {
	token := newToken()
	src.TokenHash, src.Secret, src.Rotated = hash(token), "", s.Now()
	if src.Kind.Known().Signs {
		src.Secret = token
	}
	return Issued{Source: *src, Token: token, URL: s.URL(*src, token)}
}

// URL is where a source sends; its token is part of it where its kind cannot send it otherwise.
func (s *Service) URL(src Source, token string) string {
	url := s.Public + "/ingest/" + string(src.Name)
	if src.Kind.Known().InPath && token != "" {
		url += "/" + token
	}
	return url
}

// noted is a context in which the next change is recorded as action on the source.
func (s Source) noted(ctx context.Context, action string) context.Context {
	return audit.Note(ctx, audit.Entry{Action: action, Registry: string(s.Registry), Object: string(s.Name), Changes: audit.Differences(nil, s.fields())})
}

// NetworkList writes from where the source may send; empty: from everywhere.
func (s Source) NetworkList() string {
	var all []string
	for _, p := range s.Networks {
		all = append(all, p.String())
	}
	return strings.Join(all, ", ")
}

// parse turns a draft into a source; all faults at once.
func (d Draft) parse() (Source, []error) {
	var src Source
	var errs []error
	keep := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	src.Name, err = ParseName(d.Name)
	keep(err)
	src.Kind, err = ParseKind(d.Kind)
	keep(err)
	if src.Registry, err = registry.ParseName(d.Registry); err != nil {
		keep(fault.In("registry", "%s", sentence(err)))
	}
	if d.Location != "" {
		src.Location, err = registry.ParseLocation(d.Location)
		keep(err)
	}
	return src, append(errs, src.limit(d.Rate, d.Space, d.Networks)...)
}

// parseNetworks reads CIDRs and single addresses.
func parseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		p, err := netip.ParsePrefix(word)
		if addr, single := netip.ParseAddr(word); err != nil && single == nil {
			p, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		}
		if err != nil {
			return nil, fault.In("networks", "%.60q is no network. Write CIDRs such as 10.0.0.0/8, with commas between them.", word)
		}
		if p = p.Masked(); !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if len(all) > maxNetworks {
		return nil, fault.In("networks", "At most %d networks.", maxNetworks)
	}
	return all, nil
}

// maxNetworks is how many networks a source may name.
const maxNetworks = 64

// String is the answer of a limit in words.
func (c Counts) String() string {
	return fmt.Sprintf("%d accepted, %d duplicate, %d ignored, %d rejected", c.Accepted, c.Duplicates, c.Ignored, c.Rejected)
}
