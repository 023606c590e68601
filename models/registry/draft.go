package registry

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"dockbell/models/fault"
)

// Draft is a registry as a JSON body gives it, before any check. A nil field keeps what is stored, or the default when there
// is nothing yet.
type Draft struct {
	Name             string
	Group            string
	Location         *string
	Tier             *string
	AdminUser        *bool
	Tags             *map[string]string
	Quarantine       *bool
	AnonymousPull    *bool
	AnnounceUntagged *bool
	AnnounceUntag    *bool
	Wrong            []error // faults of what could not even be read; refused together with the others
}

// Put makes a registry, or replaces the one that is there; made says which. Every wrong field has its own fault.
func (s *Service) Put(ctx context.Context, d Draft, by string) (r Registry, made bool, err error) {
	for range tries {
		r, err = s.Change(ctx, d.Whole(), 0)
		if !fault.Is(err, fault.NotFound) {
			return r, false, err
		}
		r, err = s.Make(ctx, d, by)
		if !fault.Is(err, fault.Conflict) { // else somebody made it between the two
			return r, err == nil, err
		}
	}
	return r, false, err
}

// Whole sets what the draft leaves out to its default: with it a change replaces a registry, as Azure's PUT does. What Azure
// does not know, the announcements, stays.
func (d Draft) Whole() Draft {
	if d.Tier == nil {
		d.Tier = new(string)
	}
	if d.Tags == nil {
		d.Tags = new(map[string]string)
	}
	for _, p := range []**bool{&d.AdminUser, &d.Quarantine, &d.AnonymousPull} {
		if *p == nil {
			*p = new(bool)
		}
	}
	return d
}

// Make is Create from a draft.
func (s *Service) Make(ctx context.Context, d Draft, by string) (Registry, error) {
	name, nameErr := ParseName(d.Name)
	r := Registry{Name: name, Group: d.Group}
	home, homeErr := ParseLocation(valueOf(d.Location))
	r.Home = home
	if err := errors.Join(nameErr, CheckGroup(d.Group), homeErr, r.apply(d.Whole())); err != nil {
		return r, err
	}
	return s.Create(ctx, r, by)
}

// Change changes the fields that the draft sets. ifVersion is the version it was made from; 0 changes whatever is there.
func (s *Service) Change(ctx context.Context, d Draft, ifVersion int64) (Registry, error) {
	if !nameRule.MatchString(d.Name) {
		_, err := ParseName(d.Name)
		return Registry{}, errors.Join(err, CheckTags(valueOf(d.Tags)))
	}
	return s.change(ctx, Name(d.Name), ifVersion, func(r *Registry) error {
		var moved error
		if l, err := ParseLocation(valueOf(d.Location)); d.Location != nil && (err != nil || l != r.Home) {
			moved = fault.In("location", "The location of a registry cannot change; %s is in %s.", r.Name, r.Home)
		}
		if d.Group != "" && !r.InGroup(d.Group) {
			taken := fault.New(fault.Conflict, "A registry called %s exists already, in the resource group %s.", r.Name, r.Group)
			taken.Field = "name"
			return taken
		}
		return errors.Join(moved, r.apply(d))
	})
}

// apply checks the set fields of a draft and puts them into r; it reports every wrong one.
func (r *Registry) apply(d Draft) error {
	errs := slices.Clone(d.Wrong)
	if d.Tier != nil {
		tier, err := ParseTier(strings.TrimSpace(*d.Tier))
		errs = append(errs, err)
		r.Tier = tier
	}
	if d.Tags != nil {
		errs = append(errs, CheckTags(*d.Tags))
		r.Tags = maps.Clone(*d.Tags)
	}
	for _, set := range []struct {
		to   *bool
		from *bool
	}{
		{&r.AdminUser, d.AdminUser}, {&r.Policies.Quarantine, d.Quarantine}, {&r.Policies.AnonymousPull, d.AnonymousPull},
		{&r.Policies.AnnounceUntagged, d.AnnounceUntagged}, {&r.Policies.AnnounceUntag, d.AnnounceUntag},
	} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	return errors.Join(errs...)
}
