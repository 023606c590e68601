package artifact

import "time"

// Order is how lists of tags and manifests are sorted.
type Order string

// The orders; by name is by digest for manifests.
const (
	ByName Order = ""
	Oldest Order = "timeasc"
	Newest Order = "timedesc"
)

// List is a page of a list that is asked for: up to N entries behind After.
type List struct {
	Order  Order
	After  string    // the name of the last entry of the page before; "" for the first page
	At     time.Time // and when it was last pushed, for the orders by time
	Hidden bool      // also what is locked against being listed
	Held   Holding
	N      int
}

// Holding is which part of a list is shown as for quarantine.
type Holding int

// The parts: by default what is held is left out.
const (
	NotHeld Holding = iota
	AlsoHeld
	OnlyHeld
)

// RepositoryInfo is a repository in a list.
type RepositoryInfo struct {
	Name      string
	Kind      Kind // of the newest manifest
	Manifests int
	Tags      int
	Held      int   // tags in quarantine
	Bytes     int64 // of its blobs and manifests
	Pulls     int64
	Locks     Locks
	Created   time.Time
	Updated   time.Time // the last push
}

// TagInfo is a tag in a list.
type TagInfo struct {
	Name       string
	Digest     string
	Quarantine Quarantine // of its manifest
	Locks      Locks
	Created    time.Time
	Updated    time.Time
}

// ManifestInfo is a manifest in a list.
type ManifestInfo struct {
	Stored
	Tags []string // by name
}
