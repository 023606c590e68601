package source

import (
	"context"
	"errors"
	"strconv"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// Change is what somebody asks to change of a source; nil stays as it is.
type Change struct {
	Rate     *int
	Space    *int    // MiB
	Networks *string // as in a Draft
}

// Change gives a source other limits; its address and its token stay. Faults are at the fields "rate", "space" and "networks".
func (s *Service) Change(ctx context.Context, name Name, c Change) (Source, error) {
	src, err := s.Store.Source(ctx, name)
	if err != nil {
		return src, err
	}
	before, rate, space, networks := src.fields(), src.Rate, src.Space, src.NetworkList()
	if c.Rate != nil {
		rate = *c.Rate
	}
	if c.Space != nil {
		space = *c.Space
	}
	if c.Networks != nil {
		networks = *c.Networks
	}
	if err := errors.Join(src.limit(rate, space, networks)...); err != nil {
		return src, err
	}
	src.Version++
	noted := audit.Note(ctx, audit.Entry{
		Action: "source.update", Registry: string(src.Registry), Object: string(src.Name), Changes: audit.Differences(before, src.fields()),
	})
	return src, s.Store.UpdateSource(noted, src)
}

// limit sets a source's limits; all faults at once.
func (s *Source) limit(rate, space int, networks string) (errs []error) {
	if s.Rate = rate; rate < 0 || rate > MaxRate {
		errs = append(errs, fault.In("rate", "The rate is a number of events per second up to %d; 0 is no limit.", MaxRate))
	}
	if s.Space = space; space < 0 || space > MaxSpace {
		errs = append(errs, fault.In("space", "The space is a number of MiB up to %d; 0 is no limit.", MaxSpace))
	}
	var err error
	if s.Networks, err = parseNetworks(networks); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// fields are what the audit log tells of a source.
func (s Source) fields() []audit.Field {
	return []audit.Field{
		{Name: "kind", Words: string(s.Kind)}, {Name: "location", Words: string(s.Location)}, {Name: "rate", Words: strconv.Itoa(s.Rate)},
		{Name: "space", Words: strconv.Itoa(s.Space)}, {Name: "networks", Words: s.NetworkList()},
	}
}
