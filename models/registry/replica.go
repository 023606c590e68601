package registry

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"dockbell/models/fault"
)

// ReplicaDraft is a replica as a JSON body gives it. A nil field keeps what is stored, or the default.
type ReplicaDraft struct {
	Registry    Name
	Name        string // empty: the location's
	Location    *string
	Tags        *map[string]string
	EndpointOff *bool
	Wrong       []error // faults of what could not even be read; refused together with the others
}

// Sites are the copies of a registry as Azure lists them: home first, then the replicas.
func (r Registry) Sites() []Replica {
	home := Replica{Name: string(r.Home), Location: r.Home, Created: r.Created}
	return append([]Replica{home}, r.Replicas...)
}

// Site finds a copy by its name or location, without regard to case.
func (r Registry) Site(name string) (Replica, bool) {
	for _, rep := range r.Sites() {
		if strings.EqualFold(rep.Name, name) || strings.EqualFold(string(rep.Location), name) {
			return rep, true
		}
	}
	return Replica{}, false
}

// AddReplica gives a Premium registry one more location.
func (s *Service) AddReplica(ctx context.Context, name Name, l Location) (Registry, error) {
	return s.change(ctx, name, 0, func(r *Registry) error {
		return s.addReplica(r, Replica{Name: string(l), Location: l})
	})
}

func (s *Service) addReplica(r *Registry, rep Replica) error {
	switch {
	case !r.Tier.Replicates():
		return fault.In("location", "Replicas need the Premium tier; %s is %s.", r.Name, r.Tier)
	case r.Has(rep.Location):
		return fault.New(fault.Conflict, "%s has the location %s already.", r.Name, rep.Location)
	}
	rep.Created = s.Now()
	r.Replicas = append(slices.Clone(r.Replicas), rep)
	return nil
}

// PutReplica makes a replica, or replaces what may change of the one that is there. Home is there already and stays as it is.
func (s *Service) PutReplica(ctx context.Context, d ReplicaDraft) (Registry, Replica, error) {
	return s.changeReplica(ctx, d, func(r *Registry) error {
		l, err := ParseLocation(valueOf(d.Location))
		if err != nil {
			return err
		}
		rep := Replica{Name: orElse(d.Name, string(l)), Location: l}
		if !nameOfReplica(rep.Name) {
			return fault.In("name", "A replica's name has 5 to 50 letters and digits, or is its location's.")
		}
		if err := rep.apply(d); err != nil {
			return err
		}
		return s.addReplica(r, rep)
	})
}

// nameOfReplica takes names of registries and of locations: Azure names a replica after its location.
func nameOfReplica(name string) bool {
	return nameRule.MatchString(name) || locationRule.MatchString(strings.ToLower(name))
}

// UpdateReplica changes the fields that the draft sets.
func (s *Service) UpdateReplica(ctx context.Context, d ReplicaDraft) (Registry, Replica, error) {
	return s.changeReplica(ctx, d, func(r *Registry) error { return noReplica(*r, d.Name) })
}

// changeReplica changes the replica of that name, or does what absent says when there is none.
func (s *Service) changeReplica(ctx context.Context, d ReplicaDraft, absent func(*Registry) error) (Registry, Replica, error) {
	name := orElse(d.Name, valueOf(d.Location))
	if l, err := ParseLocation(name); d.Name == "" && err == nil {
		name = string(l)
	}
	r, err := s.change(ctx, d.Registry, 0, func(r *Registry) error {
		have, found := r.Site(name)
		if !found {
			return absent(r)
		}
		if d.Location != nil {
			if l, err := ParseLocation(*d.Location); err != nil || l != have.Location {
				return fault.In("location", "The location of a replica cannot change; it is %s.", have.Location)
			}
		}
		if err := have.apply(d); err != nil {
			return err
		}
		if i := slices.IndexFunc(r.Replicas, func(rep Replica) bool { return rep.Location == have.Location }); i >= 0 {
			r.Replicas = slices.Clone(r.Replicas)
			r.Replicas[i] = have
		}
		return nil
	})
	rep, _ := r.Site(name)
	return r, rep, err
}

func (rep *Replica) apply(d ReplicaDraft) error {
	errs := slices.Clone(d.Wrong)
	if d.EndpointOff != nil {
		rep.EndpointOff = *d.EndpointOff
	}
	if d.Tags != nil {
		rep.Tags = maps.Clone(*d.Tags)
		errs = append(errs, CheckTags(rep.Tags))
	}
	return errors.Join(errs...)
}

// RemoveReplica takes a location away; home cannot go, and no location with webhooks.
func (s *Service) RemoveReplica(ctx context.Context, name Name, l Location) (Registry, error) {
	return s.change(ctx, name, 0, func(r *Registry) error {
		if l == r.Home {
			return fault.In("location", "%s is the home of %s and cannot be removed.", l, r.Name)
		}
		left := slices.DeleteFunc(slices.Clone(r.Replicas), func(rep Replica) bool { return rep.Location == l })
		if len(left) == len(r.Replicas) {
			return noReplica(*r, string(l))
		}
		r.Replicas = left
		return nil
	})
}

func noReplica(r Registry, name string) error {
	f := fault.New(fault.NotFound, "%s has no replica %.60q.", r.Name, name)
	f.Field = "replica"
	return f
}

func valueOf[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
