package views

import (
	"slices"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// Manifest is the page of one manifest.
type Manifest struct {
	Registry   registry.Registry
	Repository string
	artifact.Stored
	Tags       []string // that it carries, by name
	MoreTags   int      // that are not among them
	Moved      int64    // bytes of a pull of all of it; what its platforms share counts once
	Children   []ChildRow
	Referrers  []Referrer
	Config     artifact.Config    // of an image
	Chart      artifact.ChartFile // of a chart
	Deliveries []delivery.Delivery
	Plain      bool // the registry is reached over plain HTTP
	MayPush    bool
	MayDelete  bool
	MayRule    bool
	Now        time.Time
}

// ChildRow is one manifest of an index.
type ChildRow struct {
	artifact.Descriptor
	Here       bool
	Pull       int64 // what a pull of it moves
	Quarantine artifact.Quarantine
}

// Referrer is a signature, an SBOM or another artifact that refers to a manifest, with what refers to it in turn.
type Referrer struct {
	artifact.Descriptor
	Referrers []Referrer
}

// about is the manifest as commands name it; by tag when the page was opened by one.
func (m Manifest) about() ContentRef {
	return ContentRef{Repository: m.Repository, Tag: m.Tag, Digest: m.Digest}
}

func (m Manifest) title() string {
	if m.Tag != "" {
		return m.Repository + ":" + m.Tag
	}
	return m.Repository + "@" + shortDigest(m.Digest)
}

func (m Manifest) facts() string {
	return strings.Join([]string{kindTitle(m.Manifest), ui.Bytes(m.Moved), "pushed " + ui.When(m.Updated, m.Now)}, " · ")
}

func (m Manifest) pullCommand() string {
	return pullCommand(m.Registry.LoginServer, kindTitle(m.Manifest), ContentRef{Repository: m.Repository, Tag: m.Tag, Digest: m.Digest}, m.Plain)
}

func (m Manifest) byDigest() string {
	return pullCommand(m.Registry.LoginServer, kindTitle(m.Manifest), ContentRef{Repository: m.Repository, Digest: m.Digest}, m.Plain)
}

func (m Manifest) heldTitle() string {
	if m.Quarantine == artifact.Failed {
		return "This manifest was rejected."
	}
	return "This manifest is in quarantine."
}

// annotations are sorted, so that the page does not change from one reading to the next.
func annotations(all map[string]string) [][2]string {
	var rows [][2]string
	for name, value := range all {
		rows = append(rows, [2]string{name, value})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

// platform is what an image says of itself; a hand-made one may say nothing.
func (m Manifest) platform() string {
	parts := slices.DeleteFunc([]string{m.Config.OS, m.Config.Architecture, m.Config.Variant}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, "/")
}

// history are the steps of an image's making, if it tells anything about them.
func (m Manifest) history() []artifact.HistoryStep {
	if !slices.ContainsFunc(m.Config.History, func(s artifact.HistoryStep) bool { return s.CreatedBy != "" || s.Comment != "" || !s.Created.IsZero() }) {
		return nil
	}
	return m.Config.History
}

func words(list []string) string { return strings.Join(list, " ") }

func (c ChildRow) platform() string {
	if p := platformOf(c.Descriptor); p != "" {
		return p
	}
	if c.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
		return "attestation"
	}
	return "–"
}

// kind is a referrer's type as people call it, else the type itself.
func (r Referrer) kind() string {
	for part, name := range map[string]string{"cosign": "Signature", "notary": "Signature", "signature": "Signature", "spdx": "SBOM (SPDX)", "cyclonedx": "SBOM (CycloneDX)", "in-toto": "Attestation", "sarif": "Scan report"} {
		if strings.Contains(strings.ToLower(r.ArtifactType), part) {
			return name
		}
	}
	return "Artifact"
}

// Deletion is what a question before a deletion shows.
type Deletion struct {
	Registry  registry.Name
	About     ContentRef
	Alone     bool // the tag alone, and not the manifest behind it
	Tags      []string
	More      int // tags that are not named
	Manifests int
	Bytes     int64
	Children  int
	Referrers int
	Announced bool // the registry tells when a tag goes
	Error     string
	Typed     string
}

func (d Deletion) title() string {
	switch {
	case d.About.Digest != "":
		return "Delete manifest " + shortDigest(d.About.Digest) + "?"
	case d.Alone:
		return "Remove tag " + d.About.Tag + "?"
	}
	return "Delete repository " + d.About.Repository + "?"
}

func (d Deletion) back() string {
	switch {
	case d.About.Digest != "":
		return ManifestPath(d.Registry, d.About.Repository, d.About.Digest)
	case d.About.Tag != "":
		return ManifestPath(d.Registry, d.About.Repository, d.About.Tag)
	}
	return RepositoryPath(d.Registry, d.About.Repository)
}

func (d Deletion) button() string {
	switch {
	case d.About.Digest != "":
		return "Delete manifest"
	case d.Alone:
		return "Remove tag"
	}
	return "Delete repository"
}

// whole reports whether a repository goes: then its name is asked for.
func (d Deletion) whole() bool { return d.About.Digest == "" && !d.Alone }

func (d Deletion) tagList() string {
	text := strings.Join(d.Tags, ", ")
	if d.More > 0 {
		text += " and " + ui.Count(d.More) + " more"
	}
	return text
}
