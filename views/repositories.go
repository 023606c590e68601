package views

import (
	"net/url"
	"slices"
	"strings"

	"dockbell/models/artifact"
	"dockbell/views/ui"
)

// RepositoriesPath is the address of a registry's repositories; each lies under it by its name.
func RepositoriesPath(registry string) string { return RegistryPath(registry) + "/repositories" }

// path is the address of one repository, with what is searched for kept.
func (r Repositories) path(name string) string {
	p := RepositoriesPath(r.Registry) + "/" + name
	if r.Query != "" {
		p += "?" + url.Values{"q": {r.Query}}.Encode()
	}
	return p
}

func (r Repositories) here() string {
	if r.Open == "" {
		return RepositoriesPath(r.Registry)
	}
	return r.path(r.Open)
}

// TagRowOf is one tag with what it points to; size is what a pull of everything behind it moves.
func TagRowOf(tag string, m artifact.Manifest, size int64) TagRow {
	return TagRow{Tag: tag, Digest: m.Digest, Kind: kindTitle(m), Platforms: platforms(m), Size: size}
}

func kindTitle(m artifact.Manifest) string {
	switch m.Kind {
	case artifact.Image, artifact.Index:
		return "Image"
	case artifact.Chart:
		return "Helm chart"
	}
	return "Artifact"
}

// platforms are those of an index, each once. Attestations say "unknown" and are none.
func platforms(m artifact.Manifest) string {
	var all []string
	for _, child := range m.Children {
		name := child.Architecture
		if child.Variant != "" {
			name += "/" + child.Variant
		}
		if child.OS != "" && child.OS != "linux" {
			name = child.OS + "/" + name
		}
		if child.Architecture != "" && child.Architecture != "unknown" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

// pullCommand fetches the open repository's first tag with the program that its kind asks for; "latest" if it is there.
func (r Repositories) pullCommand() string {
	if len(r.Tags) == 0 {
		return ""
	}
	t := r.Tags[0]
	for _, other := range r.Tags {
		if other.Tag == "latest" {
			t = other
		}
	}
	reference := r.LoginServer + "/" + r.Open
	switch t.Kind {
	case "Helm chart":
		return "helm pull oci://" + reference + " --version " + t.Tag
	case "Artifact":
		return "oras pull " + reference + ":" + t.Tag
	}
	return "docker pull " + reference + ":" + t.Tag
}

// shortDigest is enough of a digest to tell two apart.
func shortDigest(d string) string {
	algorithm, hex, ok := strings.Cut(d, ":")
	if !ok || len(hex) <= 12 {
		return d
	}
	return algorithm + ":" + hex[:12] + "…"
}

func sizeOf(t TagRow) string {
	if t.Size == 0 {
		return "–"
	}
	return ui.Bytes(t.Size)
}

func tagCount(r Repositories) string {
	text := ui.Plural(len(r.Tags), "tag", "tags")
	if r.MoreTags != "" || r.FirstTags != "" {
		text += " on this page"
	}
	return text + ", by name"
}
