package artifact

import (
	"encoding/json"
	"strings"

	"dockbell/models/fault"
)

// The media types of manifests.
const (
	OCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex       = "application/vnd.oci.image.index.v1+json"
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// dockerV1 begins the media types of Docker's first manifests, which nobody should make any more.
const dockerV1 = "application/vnd.docker.distribution.manifest.v1+"

// imageConfigs are the config media types that make a manifest an image.
var imageConfigs = map[string]bool{
	"application/vnd.oci.image.config.v1+json":       true,
	"application/vnd.docker.container.image.v1+json": true,
}

// ParseManifest reads an OCI image manifest or index, or Docker's schema 2 equals. contentType is how it was sent; it must
// agree with the document's own mediaType. algorithm is that of the digest: SHA512, or SHA256 for everything else.
// What is refused is Invalid at field "manifest" with the reason, or LimitReached when it is too large.
func ParseManifest(raw []byte, contentType, algorithm string) (Manifest, error) {
	if len(raw) > MaxManifest {
		return Manifest{}, TooLarge()
	}
	o, err := parseObject(raw)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Raw: raw, Digest: DigestOf(raw, algorithm)}
	if m.MediaType, err = mediaTypeOf(o, contentType); err != nil {
		return Manifest{}, err
	}
	r := reader{}
	if m.MediaType == OCIIndex || m.MediaType == DockerList {
		r.index(o, &m)
	} else {
		r.image(o, &m)
	}
	r.common(o, &m)
	if r.err != nil {
		return Manifest{}, r.err
	}
	return m, nil
}

// TooLarge is the refusal of a manifest over MaxManifest.
func TooLarge() error {
	f := fault.New(fault.LimitReached, "A manifest has at most %d MiB; put large content into a blob.", MaxManifest>>20)
	f.Field = "manifest"
	return f
}

// mediaTypeOf settles what a document is. A document that two readers could take for an image and for an index is refused.
func mediaTypeOf(o object, contentType string) (string, error) {
	sent, _, _ := strings.Cut(contentType, ";")
	sent = strings.ToLower(strings.TrimSpace(sent))
	own, _ := o["mediaType"].(string)
	if _, has := o["mediaType"]; has && own == "" {
		return "", bad("mediaType is not a text.")
	}
	if strings.HasPrefix(sent, dockerV1) || strings.HasPrefix(own, dockerV1) || o["schemaVersion"] == json.Number("1") {
		return "", bad("Docker's schema 1 is not accepted. Push with a client that makes schema 2 or OCI manifests.")
	}
	if o["schemaVersion"] != json.Number("2") {
		return "", bad("schemaVersion is not 2.")
	}
	if sent == "" || sent == "application/json" {
		sent = own
	}
	switch {
	case sent == "":
		return "", bad("Neither the Content-Type header nor mediaType says what it is.")
	case own != "" && own != sent:
		return "", bad("The Content-Type header says %.100q, mediaType says %.100q.", sent, own)
	}
	return sent, shaped(o, sent)
}

// shaped refuses unknown media types and documents with the parts of another one.
func shaped(o object, mediaType string) error {
	var foreign []string
	switch mediaType {
	case OCIManifest, DockerManifest:
		foreign = []string{"manifests", "fsLayers", "history"}
	case OCIIndex, DockerList:
		foreign = []string{"config", "layers", "fsLayers", "history"}
	default:
		return bad("Manifests of type %.100q are not accepted, only OCI manifests and indexes and Docker's schema 2.", mediaType)
	}
	for _, name := range foreign {
		if _, has := o[name]; has {
			return bad("A document of type %s has no %s.", mediaType, name)
		}
	}
	return nil
}

func (r *reader) image(o object, m *Manifest) {
	config := r.object(o, "config", true)
	if r.err != nil {
		return
	}
	d := r.descriptor(config, "config")
	m.Config = &d
	for i, layer := range r.list(o, "layers", true) {
		m.Layers = append(m.Layers, r.item(layer, "layers", i))
	}
	m.Kind = KindOf(d.MediaType)
}

// KindOf is what a manifest is that has a config of this media type.
func KindOf(config string) Kind {
	switch {
	case config == HelmConfig:
		return Chart
	case imageConfigs[config]:
		return Image
	default:
		return Other
	}
}

func (r *reader) index(o object, m *Manifest) {
	m.Kind = Index
	list := r.list(o, "manifests", true)
	m.Children = make([]Descriptor, 0, len(list))
	for i, child := range list {
		m.Children = append(m.Children, r.item(child, "manifests", i))
	}
}

// common reads what manifests and indexes share. An artifact that names no type is of its config's type.
func (r *reader) common(o object, m *Manifest) {
	if subject := r.object(o, "subject", false); subject != nil {
		d := r.descriptor(subject, "subject")
		m.Subject = &d
	}
	m.Annotations = r.texts(o, "annotations")
	m.ArtifactType = r.mediaType(o, "artifactType", "artifactType", false)
	if m.ArtifactType == "" && m.Config != nil {
		m.ArtifactType = m.Config.MediaType
	}
}
