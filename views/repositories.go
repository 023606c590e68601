package views

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// Repositories is the list with one repository open.
type Repositories struct {
	Registry  registry.Registry
	Plain     bool // it is reached over plain HTTP
	Held      registry.Contents
	Query     string
	Rows      []artifact.RepositoryInfo
	More      string                   // address of the next repositories; "" at the end
	First     string                   // address of the first ones, when others are shown
	Open      *artifact.RepositoryInfo // the repository at the right; nil when there is none
	Hooks     []webhook.Webhook        // that listen to it
	Tags      []TagRow
	Older     string // address of the next tags; "" at the end
	Newest    string // address of the first ones, when others are shown
	OnlyHeld  bool
	MayDelete bool
	Now       time.Time
}

// TagRow is one tag of the open repository.
type TagRow struct {
	artifact.TagInfo
	Kind, Platforms string
	Size            int64
}

// RepositoriesPath is the address of a registry's repositories; each lies under it by its name.
func RepositoriesPath(registry string) string { return RegistryPath(registry) + "/repositories" }

// RepositoryPath is the address of one repository.
func RepositoryPath(r registry.Name, repository string) string {
	return RepositoriesPath(string(r)) + "/" + repository
}

// ManifestPath is the address of a manifest's page, by tag or digest.
func ManifestPath(r registry.Name, repository, reference string) string {
	return RepositoryPath(r, repository) + "?" + url.Values{"at": {reference}}.Encode()
}

// ContentPath is the address of a command on what a registry holds: delete, rule, lock. What it is about stands in the query.
func ContentPath(r registry.Name, command string, about ContentRef) string {
	path := RegistryPath(string(r)) + "/content/" + command
	if q := about.query(); q != "" {
		path += "?" + q
	}
	return path
}

// ContentRef names a repository, one of its tags, or one of its manifests.
type ContentRef struct{ Repository, Tag, Digest string }

func (c ContentRef) query() string {
	q := url.Values{}
	for name, value := range map[string]string{"repository": c.Repository, "tag": c.Tag, "digest": c.Digest} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

// Title writes it as people do: repository, repository:tag, or repository@digest.
func (c ContentRef) Title() string {
	switch {
	case c.Digest != "":
		return c.Repository + "@" + shortDigest(c.Digest)
	case c.Tag != "":
		return c.Repository + ":" + c.Tag
	}
	return c.Repository
}

func (r Repositories) name() string { return string(r.Registry.Name) }

// path is the address of one repository, with what is searched for kept.
func (r Repositories) path(name string) string {
	p := RepositoriesPath(r.name()) + "/" + name
	if r.Query != "" {
		p += "?" + url.Values{"q": {r.Query}}.Encode()
	}
	return p
}

func (r Repositories) here() string {
	if r.Open == nil {
		return RepositoriesPath(r.name())
	}
	return r.path(r.Open.Name)
}

func (r Repositories) facts() string {
	return ui.Plural(r.Held.Repositories, "repository", "repositories") + " · " + ui.Plural(r.Held.Tags, "tag", "tags") + " · " + ui.Bytes(r.Held.Bytes)
}

// rowFacts is the line under a repository's name.
func rowFacts(r artifact.RepositoryInfo) string {
	noun := [2]string{"tag", "tags"}
	if r.Kind == artifact.Chart {
		noun = [2]string{"chart", "charts"}
	}
	return ui.Plural(r.Tags, noun[0], noun[1]) + " · " + ui.Bytes(r.Bytes) + " · " + ui.Plural(r.Pulls, "pull", "pulls")
}

func rowIcon(r artifact.RepositoryInfo) string {
	if r.Kind == artifact.Chart {
		return "helm"
	}
	return "cube"
}

// TagRowOf is one tag with what it points to; size is what a pull of everything behind it moves.
func TagRowOf(tag artifact.TagInfo, m artifact.Manifest, size int64) TagRow {
	return TagRow{TagInfo: tag, Kind: kindTitle(m), Platforms: platforms(m), Size: size}
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
		name := platformOf(child)
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return "–"
	}
	return strings.Join(all, ", ")
}

// platformOf is a child's platform; linux needs no mention.
func platformOf(child artifact.Descriptor) string {
	if child.Architecture == "" || child.Architecture == "unknown" {
		return ""
	}
	name := child.Architecture
	if child.Variant != "" {
		name += "/" + child.Variant
	}
	if child.OS != "" && child.OS != "linux" {
		name = child.OS + "/" + name
	}
	return name
}

// pullCommand fetches something with the program that its kind asks for.
func pullCommand(loginServer, kind string, about ContentRef, plain bool) string {
	flag := "" // docker needs none on its own machine, and elsewhere a setting of its daemon
	if plain {
		flag = " --plain-http"
	}
	reference := loginServer + "/" + about.Repository
	switch {
	case about.Tag == "" && about.Digest == "":
		return ""
	case kind == "Helm chart" && about.Tag != "":
		return "helm pull oci://" + reference + " --version " + about.Tag + flag
	case about.Tag != "":
		reference += ":" + about.Tag
	default:
		reference += "@" + about.Digest
	}
	if kind == "Image" {
		return "docker pull " + reference
	}
	return "oras pull " + reference + flag
}

// pullCommand fetches the newest tag of the open repository.
func (r Repositories) pullCommand() string {
	if r.Open == nil || len(r.Tags) == 0 {
		return ""
	}
	return pullCommand(r.Registry.LoginServer, r.Tags[0].Kind, ContentRef{Repository: r.Open.Name, Tag: r.Tags[0].Name}, r.Plain)
}

// shortDigest is enough of a digest to tell two apart.
func shortDigest(d string) string {
	algorithm, hex, ok := strings.Cut(d, ":")
	if !ok || len(hex) <= 12 {
		return d
	}
	return algorithm + ":" + hex[:12] + "…"
}

func sizeOf(n int64) string {
	if n == 0 {
		return "–"
	}
	return ui.Bytes(n)
}

func (r Repositories) tagCount() string {
	if r.OnlyHeld {
		return ui.Plural(len(r.Tags), "tag", "tags") + " in quarantine, newest first"
	}
	return ui.Plural(r.Open.Tags, "tag", "tags") + ", newest first"
}

func (r Repositories) heldSentence() string {
	if r.Open.Held == 1 {
		return "1 tag is in quarantine."
	}
	return ui.Count(r.Open.Held) + " tags are in quarantine."
}

// heldPath shows only what is held, or everything again.
func (r Repositories) heldPath() string {
	if r.OnlyHeld {
		return r.path(r.Open.Name)
	}
	return r.path(r.Open.Name) + map[bool]string{true: "&", false: "?"}[r.Query != ""] + "held=1"
}
