package registry

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// DefaultGroup is the resource group of registries that name none. It is always there.
const DefaultGroup = "dockbell"

// Group is a resource group: Azure's folder for registries, compared by name without regard to case.
type Group struct {
	Name     string
	Location Location // empty: the home of new registries
	Tags     map[string]string
	Created  time.Time
}

var groupRule = regexp.MustCompile(`^[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]\z`)

// CheckGroup checks a resource group's name: 1 to 90 characters, Azure's rule. A bad one is a fault at field "resourceGroup".
func CheckGroup(name string) error {
	if !groupRule.MatchString(name) {
		return fault.In("resourceGroup", "A resource group's name has 1 to 90 letters, digits and ( ) . _ -, and does not end with a dot.")
	}
	return nil
}

// InGroup reports whether the registry belongs to the resource group.
func (r Registry) InGroup(name string) bool { return strings.EqualFold(r.Group, name) }

// Limits of Azure's tags.
const (
	MaxTags     = 50
	MaxTagName  = 512
	MaxTagValue = 256
)

// CheckTags bounds Azure's tags of a resource; faults are at field "tags".
func CheckTags(tags map[string]string) error {
	if len(tags) > MaxTags {
		return fault.In("tags", "There are at most %d tags; these are %d.", MaxTags, len(tags))
	}
	for name, value := range tags {
		if name == "" || len(name) > MaxTagName || len(value) > MaxTagValue {
			return fault.In("tags", "A tag's name has 1 to %d characters, its value at most %d.", MaxTagName, MaxTagValue)
		}
	}
	return nil
}

// Groups is the memory of resource groups that Service needs.
type Groups interface {
	ResourceGroups(ctx context.Context) ([]Group, error)
	PutResourceGroup(ctx context.Context, g Group) error        // adds it, or changes the tags of the one that is there
	DeleteResourceGroup(ctx context.Context, name string) error // Conflict while a registry is in it
}

// Group finds a resource group by its name; NotFound at field "group".
func (s *Service) Group(ctx context.Context, name string) (Group, error) {
	all, err := s.AllGroups(ctx)
	if err != nil {
		return Group{}, err
	}
	for _, g := range all {
		if strings.EqualFold(g.Name, name) {
			return g, nil
		}
	}
	return Group{}, NoGroup(name)
}

// NoGroup is the refusal of a resource group that is not there.
func NoGroup(name string) error {
	f := fault.New(fault.NotFound, "There is no resource group %.100q.", name)
	f.Field = "group"
	return f
}

// AllGroups gives every resource group by name.
func (s *Service) AllGroups(ctx context.Context) ([]Group, error) {
	all, err := s.Groups.ResourceGroups(ctx)
	for i := range all {
		all[i].Location = orElse(all[i].Location, s.Region)
	}
	return all, err
}

// PutGroup makes a resource group, or changes the tags of the one that is there.
func (s *Service) PutGroup(ctx context.Context, name, location string, tags map[string]string) (Group, error) {
	l, locationErr := ParseLocation(location)
	if err := errors.Join(CheckGroup(name), locationErr, CheckTags(tags)); err != nil {
		return Group{}, err
	}
	have, err := s.Group(ctx, name)
	switch {
	case err == nil && have.Location != l:
		return have, fault.In("location", "The location of a resource group cannot change; %s is in %s.", have.Name, have.Location)
	case err != nil && !fault.Is(err, fault.NotFound):
		return have, err
	case err == nil:
		name = have.Name
	}
	noted := audit.Note(ctx, audit.Entry{
		Action: "resourceGroup.write", Object: name, Changes: audit.Differences([]audit.Field{{Name: "tags", Words: audit.Tags(have.Tags)}}, []audit.Field{{Name: "tags", Words: audit.Tags(tags)}}),
	})
	if err := s.Groups.PutResourceGroup(noted, Group{Name: name, Location: l, Tags: tags, Created: s.Now()}); err != nil {
		return have, err
	}
	return s.Group(ctx, name)
}

// DeleteGroup removes an empty resource group. The default one stays.
func (s *Service) DeleteGroup(ctx context.Context, name string) error {
	if strings.EqualFold(name, DefaultGroup) {
		return fault.New(fault.Conflict, "The resource group %s is the one of registries that name none, and stays.", DefaultGroup)
	}
	return s.Groups.DeleteResourceGroup(audit.Note(ctx, audit.Entry{Action: "resourceGroup.delete", Object: name}), name)
}
