// Package source is where events of other registries come in: who may send them, what each kind of sender tells, and which
// events of the house that makes.
package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Name is a source's name, the last part of its address; compared without regard to case.
type Name string

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z`)

// ParseName checks a source's name; a bad one is a fault at field "name".
func ParseName(s string) (Name, error) {
	if !nameRule.MatchString(s) {
		return "", fault.In("name", "A source's name has up to 63 letters, digits, dots, hyphens and underscores and starts with a letter or digit.")
	}
	return Name(s), nil
}

// Key is the form in which names are compared.
func (n Name) Key() string { return strings.ToLower(string(n)) }

// Rates of a source, in events per second.
const (
	DefaultRate = 200
	MaxRate     = 1_000_000
	burst       = 10 // times the rate may come at once
)

// Space of a source, in MiB.
const (
	DefaultSpace = 10 << 10
	MaxSpace     = 1 << 30
)

// Source is one sender of events: a registry, or one location of it.
type Source struct {
	ID       string // UUID made before the insert
	Name     Name
	Registry registry.Name
	Location registry.Location // where its events happen
	Kind     Kind
	Rate     int            // events per second; 0: no limit
	Space    int            // MiB that may be kept of what it sends; 0: no limit
	Networks []netip.Prefix // from where it may send; empty: from everywhere

	TokenHash []byte
	Secret    string // the token itself, where a kind signs with it; empty for all others
	Version   int64  // counts changes

	CreatedBy string
	Created   time.Time
	Rotated   time.Time // when the token was made

	Counts Counts
}

// Counts is what came from a source so far.
type Counts struct {
	Accepted, Duplicates, Ignored, Rejected int64
	Last                                    time.Time // when something came last; zero: never
	Kept                                    int64     // bytes that are there of it
}

// Plus adds counts that came later.
func (c Counts) Plus(later Counts) Counts {
	c.Accepted, c.Duplicates = c.Accepted+later.Accepted, c.Duplicates+later.Duplicates
	c.Ignored, c.Rejected = c.Ignored+later.Ignored, c.Rejected+later.Rejected
	c.Kept += later.Kept
	if later.Last.After(c.Last) {
		c.Last = later.Last
	}
	return c
}

// Burst is how many events may come at once.
func (s Source) Burst() int { return s.Rate * burst }

// Holds reports whether token is the source's, in constant time.
func (s Source) Holds(token string) bool {
	return subtle.ConstantTimeCompare(s.TokenHash, hash(token)) == 1
}

// From reports whether the source may send from an address.
func (s Source) From(addr netip.Addr) bool {
	return len(s.Networks) == 0 || slices.ContainsFunc(s.Networks, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// hash is the form in which tokens are stored: with 256 random bits a plain SHA-256 is enough.
func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// tokenPrefix marks the tokens of sources, so that secret scanners and people can tell what they found.
const tokenPrefix = "dks_"

// newToken gives 256 random bits behind the prefix.
func newToken() string { return tokenPrefix + registry.NewSecret() }

// Look narrows what came from a source; zero fields do not narrow.
type Look struct {
	SourceID string
	Rejected bool  // only requests of which an event was rejected
	Before   int64 // older than this one
	Limit    int
}
