// Package artifact reads what clients push: references, image manifests, indexes and Helm charts.
package artifact

// Kind is what a manifest stands for.
type Kind string

// The kinds of manifest.
const (
	Image Kind = "image"
	Index Kind = "index"
	Chart Kind = "chart" // config media type application/vnd.cncf.helm.config.v1+json
	Other Kind = "other" // any other artifact: SBOMs, signatures, files
)

// HelmConfig is the config media type that makes a manifest a Helm chart.
const HelmConfig = "application/vnd.cncf.helm.config.v1+json"

// MaxManifest is the largest manifest accepted, in bytes (OCI Distribution 1.1 asks for at least 4 MiB).
const MaxManifest = 4 << 20

// Descriptor points to content by digest (OCI image-spec, descriptor.md).
type Descriptor struct {
	MediaType    string
	Digest       string
	Size         int64
	ArtifactType string
	Annotations  map[string]string
	OS           string // platform of an index child
	Architecture string
	Variant      string
	Foreign      bool // has urls: the blob may live elsewhere and need not be here
	Held         bool // of a referrer: it is in quarantine
}

// Manifest is a parsed image manifest or index together with its exact bytes.
type Manifest struct {
	Raw          []byte
	MediaType    string
	Digest       string // of Raw, in the algorithm the client asked for (sha256 or sha512)
	Kind         Kind
	ArtifactType string
	Config       *Descriptor  // nil for an index
	Layers       []Descriptor // of an image
	Children     []Descriptor // of an index
	Subject      *Descriptor  // what it refers to (referrers API)
	Annotations  map[string]string
}

// Size is the manifest's length in bytes.
func (m Manifest) Size() int64 { return int64(len(m.Raw)) }

// Content is the length of the manifest and of everything it points to, in bytes; what it names twice counts once.
func (m Manifest) Content() int64 {
	sum, seen := m.Size(), map[string]bool{}
	add := func(d Descriptor) {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			sum += d.Size
		}
	}
	if m.Config != nil {
		add(*m.Config)
	}
	for _, d := range m.Layers {
		add(d)
	}
	for _, d := range m.Children {
		add(d)
	}
	return sum
}

// ChartInfo is what the Helm config blob says of a chart.
type ChartInfo struct {
	Name    string
	Version string
}
