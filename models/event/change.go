package event

import (
	"time"

	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// ChangeKind is what a client asked the built-in registry to do to its manifests and tags.
type ChangeKind string

// The kinds of change.
const (
	PutManifest      ChangeKind = "put_manifest"      // by tag, or by digest when Tag is empty
	DeleteManifest   ChangeKind = "delete_manifest"   // by digest, with every tag it carries
	DeleteTag        ChangeKind = "delete_tag"        // the tag alone
	DeleteRepository ChangeKind = "delete_repository" // everything in it
	Rule             ChangeKind = "rule"              // a manifest passes or fails its quarantine, with everything it is made of
	SetLocks         ChangeKind = "set_locks"         // of a manifest, a tag, or the repository when both are empty
)

// Change is one request to change a repository. The store carries it out and stores the events it raises in one transaction.
type Change struct {
	Kind       ChangeKind
	Registry   registry.Name
	Location   registry.Location // where it happened
	Repository string
	Tag        string
	Digest     string
	Manifest   artifact.Manifest  // PutManifest
	Chart      artifact.ChartInfo // PutManifest of a chart: from its config blob
	Tags       []string           // DeleteManifest, with Unchanged: the tags that it may carry
	Unchanged  bool               // removals by rules: Conflict when it was pushed or tagged since it was chosen
	Hold       bool               // PutManifest: the registry holds back what is new to it
	Ruling     artifact.Ruling    // Rule
	Locks      artifact.LockChange
	Request    Request
	Actor      string
	Time       time.Time
}

// Affected is one manifest that a change stored or removed, as the transaction found it.
type Affected struct {
	Repository string
	Digest     string
	MediaType  string
	Size       int64
	Kind       artifact.Kind
	Chart      artifact.ChartInfo
	HasSubject bool     // it refers to another manifest (signature, SBOM)
	Held       bool     // it is kept in quarantine
	Tag        string   // PutManifest, DeleteTag: the tag of the request; Rule: a tag under which it was released
	Carried    []string // removals of the manifest: the tags that went with it
}

// Outcome is what a change did: the facts from which Raise makes events.
type Outcome struct {
	Affected []Affected
}
