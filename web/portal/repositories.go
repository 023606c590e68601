package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/artifact"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
)

// Sizes of the pages of names and tags, and how many names are looked through for a part of one at a time.
const (
	repositoriesPage = 50
	tagsPage         = 25
	lookThrough      = 1000
)

// repositories shows what is in a registry: the list, and one repository with its tags.
func (p *Portal) repositories(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	if reg.Kind == registry.External {
		return fault.New(fault.NotFound, "%s is an external registry: its images are where they always were, and only its events come in here.", reg.Name)
	}
	r, err := p.contentsOf(c, reg)
	if err != nil {
		return err
	}
	crumbs := registryCrumbs(reg, "Repositories")
	if open := c.Param("*"); open != "" {
		crumbs = registryCrumbs(reg, open, views.Crumb{Text: "Repositories", Href: views.RepositoriesPath(string(reg.Name))})
	}
	s, err := p.registryShell(c, reg, views.AtRepositories, "Repositories", crumbs...)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.RepositoriesPage(s, r))
}

// contentsOf reads what the address asks for: q narrows the names, after and tags page names and tags.
func (p *Portal) contentsOf(c echo.Context, reg registry.Registry) (views.Repositories, error) {
	ctx := c.Request().Context()
	r := views.Repositories{Registry: string(reg.Name), LoginServer: reg.LoginServer, Query: asked(c, "q"), Open: c.Param("*")}
	held, err := p.Contents.RepositoryStats(ctx, reg.Name)
	if err != nil {
		return r, err
	}
	r.Count, r.Bytes = held.Repositories, held.Bytes
	after := asked(c, "after")
	var more bool
	if r.Names, more, err = p.findRepositories(ctx, reg.Name, r.Query, after, repositoriesPage); err != nil {
		return r, err
	}
	at := *c.Request().URL
	if more {
		r.More = with(at, "after", r.Names[len(r.Names)-1])
	}
	if after != "" {
		r.FirstNames = with(at, "after", "")
	}
	if r.Open == "" && len(r.Names) > 0 {
		r.Open = r.Names[0]
		at.Path = views.RepositoriesPath(r.Registry) + "/" + r.Open
	}
	if r.Open == "" {
		return r, nil
	}
	err = p.openRepository(ctx, reg, &r, at, asked(c, "tags"))
	return r, err
}

// openRepository reads one page of a repository's tags.
func (p *Portal) openRepository(ctx context.Context, reg registry.Registry, r *views.Repositories, at url.URL, after string) error {
	tags, more, err := p.Contents.Tags(ctx, reg.Name, r.Open, after, tagsPage)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		m, err := p.Contents.Manifest(ctx, reg.Name, r.Open, tag)
		if fault.Is(err, fault.NotFound) { // untagged between the two readings
			continue
		}
		if err != nil {
			return err
		}
		size, err := p.sizeOf(ctx, reg.Name, r.Open, m)
		if err != nil {
			return err
		}
		r.Tags = append(r.Tags, views.TagRowOf(tag, m, size))
	}
	if more {
		r.MoreTags = with(at, "tags", tags[len(tags)-1])
	}
	if after != "" {
		r.FirstTags = with(at, "tags", "")
	}
	return nil
}

// sizeOf is what a pull of everything behind a manifest moves; layers that its platforms share count once.
func (p *Portal) sizeOf(ctx context.Context, name registry.Name, repository string, m artifact.Manifest) (int64, error) {
	blobs := map[string]int64{m.Digest: m.Size()}
	addBlobs(blobs, m)
	for _, child := range m.Children {
		cm, err := p.Contents.Manifest(ctx, name, repository, child.Digest)
		if fault.Is(err, fault.NotFound) { // deleted by its digest
			continue
		}
		if err != nil {
			return 0, err
		}
		blobs[cm.Digest] = cm.Size()
		addBlobs(blobs, cm)
	}
	var sum int64
	for _, size := range blobs {
		sum += size
	}
	return sum, nil
}

func addBlobs(blobs map[string]int64, m artifact.Manifest) {
	if m.Config != nil {
		blobs[m.Config.Digest] = m.Config.Size
	}
	for _, layer := range m.Layers {
		blobs[layer.Digest] = layer.Size
	}
}

// findRepositories gives n names after one of them, by name: all, or those that contain a word.
func (p *Portal) findRepositories(ctx context.Context, name registry.Name, word, after string, n int) ([]string, bool, error) {
	if word == "" {
		return p.Contents.Repositories(ctx, name, after, n)
	}
	word = strings.ToLower(word)
	var found []string
	for more := true; more; {
		var names []string
		var err error
		if names, more, err = p.Contents.Repositories(ctx, name, after, lookThrough); err != nil {
			return nil, false, err
		}
		for _, repository := range names {
			if !strings.Contains(repository, word) {
				continue
			}
			if len(found) == n {
				return found, true, nil
			}
			found = append(found, repository)
		}
		if len(names) == 0 {
			break
		}
		after = names[len(names)-1]
	}
	return found, false, nil
}

// with is an address with one value of its query changed; an empty value takes it away.
func with(at url.URL, name, value string) string {
	q := at.Query()
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return at.Path
	}
	return at.Path + "?" + q.Encode()
}
