package views

import (
	"net/url"
	"strings"

	"dockbell/views/ui"
)

func repositoriesPath(registry string) string { return RegistryPath(registry) + "/repositories" }

// path is the address of one repository, with what is searched for kept.
func (r Repositories) path(name string) string {
	p := repositoriesPath(r.Registry) + "/" + name
	if r.Query != "" {
		p += "?" + url.Values{"q": {r.Query}}.Encode()
	}
	return p
}

func (r Repositories) here() string {
	if r.Open == "" {
		return repositoriesPath(r.Registry)
	}
	return r.path(r.Open)
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
