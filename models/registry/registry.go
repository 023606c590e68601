// Package registry is one container registry: its name, its locations, its tier and the rules they follow.
package registry

import (
	"regexp"
	"strings"
	"time"

	"dockbell/models/fault"
)

// Name is a registry's name: 5 to 50 ASCII letters and digits (Azure's rule), compared without regard to case.
type Name string

var nameRule = regexp.MustCompile(`^[A-Za-z0-9]{5,50}\z`)

// ParseName checks a registry's name; a bad one is a fault at field "name".
func ParseName(s string) (Name, error) {
	if !nameRule.MatchString(s) {
		return "", fault.In("name", "A registry name has 5 to 50 letters and digits, nothing else.")
	}
	return Name(s), nil
}

// Key is the form in which names are compared and stored for uniqueness.
func (n Name) Key() string { return strings.ToLower(string(n)) }

// Is reports whether two names mean the same registry.
func (n Name) Is(other Name) bool { return n.Key() == other.Key() }

// Location is a place that holds one copy of a registry, in Azure's normal form: lower case without blanks ("eastus").
type Location string

var locationRule = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}\z`)

// ParseLocation brings a location into its normal form ("East US" becomes "eastus"); a bad one is a fault at field "location".
func ParseLocation(s string) (Location, error) {
	norm := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", ""))
	if !locationRule.MatchString(norm) {
		return "", fault.In("location", "A location is a word of letters, digits and hyphens, such as eastus.")
	}
	return Location(norm), nil
}

// Kind tells a built-in registry, which answers on /v2/, from an external one, whose events come in through a source.
type Kind string

// The kinds of registry.
const (
	BuiltIn  Kind = "builtin"
	External Kind = "external"
)

// Replica is one further location of a registry.
type Replica struct {
	Name        string // as Azure addresses it; the location's unless another was chosen
	Location    Location
	Tags        map[string]string
	EndpointOff bool // it is kept up to date, but requests are not routed to it
	Created     time.Time
}

// Policies are the switches of a registry that change which events its changes raise and who may read.
type Policies struct {
	AnnounceUntagged bool // a manifest PUT by digest raises push too (Azure's behaviour)
	AnnounceUntag    bool // DELETE of a tag raises delete
	Quarantine       bool // a push is held back until it is released
	AnonymousPull    bool // pulling needs no sign-in
}

// Registry is one container registry.
type Registry struct {
	ID          string // UUID made before the insert
	Name        Name
	LoginServer string // host[:port] that people pull by
	Home        Location
	Replicas    []Replica
	Tier        Tier
	Kind        Kind
	Policies    Policies
	Group       string // resource group
	AdminUser   bool   // the registry's access keys may sign in
	Tags        map[string]string
	Version     int64 // counts changes; an update names the version it was made from

	CreatedBy     string
	CreatedByKind string // User, Application or empty for Dockbell itself
	Created       time.Time
	UpdatedBy     string
	UpdatedByKind string
	Updated       time.Time
}

// Locations are home and then the replicas in their order.
func (r Registry) Locations() []Location {
	all := []Location{r.Home}
	for _, rep := range r.Replicas {
		all = append(all, rep.Location)
	}
	return all
}

// Has reports whether l is home or the location of a replica.
func (r Registry) Has(l Location) bool {
	for _, have := range r.Locations() {
		if have == l {
			return true
		}
	}
	return false
}
