package portal

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
)

// Sizes of the pages of repositories and tags.
const (
	repositoriesPage = 50
	tagsPage         = 25
)

// repositories shows what is in a registry: the list and one repository with its tags, or one manifest (at).
func (p *Portal) repositories(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	if at := asked(c, "at"); at != "" && c.Param("*") != "" {
		return p.manifest(c, reg, c.Param("*"), at)
	}
	r, err := p.contentsOf(c, reg)
	if err != nil {
		return err
	}
	return p.showRepositories(c, http.StatusOK, r, nil)
}

// builtIn is the registry that the path names, if its images are here.
func (p *Portal) builtIn(c echo.Context) (registry.Registry, error) {
	reg, err := p.registryOf(c)
	if err == nil && reg.Kind == registry.External {
		err = fault.New(fault.NotFound, "%s is an external registry: its images are where they always were, and only its events come in here.", reg.Name)
	}
	return reg, err
}

// contentsOf reads what the address asks for: q narrows the names, after pages them, held narrows the tags, before pages them.
func (p *Portal) contentsOf(c echo.Context, reg registry.Registry) (views.Repositories, error) {
	ctx := c.Request().Context()
	r := views.Repositories{
		Registry: reg, Plain: p.plain(), Query: asked(c, "q"), OnlyHeld: asked(c, "held") != "", Now: p.Now(), MayDelete: who(c).May(account.DeleteImgs, reg.Name),
	}
	var err error
	if r.Held, err = p.Contents.RepositoryStats(ctx, reg.Name); err != nil {
		return r, err
	}
	after := asked(c, "after")
	var more bool
	if r.Rows, more, err = p.Contents.RepositoryInfos(ctx, reg.Name, r.Query, artifact.List{After: after, N: repositoriesPage, Hidden: true}); err != nil {
		return r, err
	}
	at := *c.Request().URL
	if more {
		r.More = with(at, "after", r.Rows[len(r.Rows)-1].Name)
	}
	if after != "" {
		r.First = with(at, "after", "")
	}
	switch open := c.Param("*"); {
	case open != "":
		info, err := p.Contents.Repository(ctx, reg.Name, open)
		if err != nil {
			return r, err
		}
		r.Open = &info
	case len(r.Rows) > 0:
		r.Open = &r.Rows[0]
		at.Path = views.RepositoryPath(reg.Name, r.Open.Name)
	default:
		return r, nil
	}
	if r.Hooks, err = p.listeners(ctx, reg.Name, r.Open.Name); err != nil {
		return r, err
	}
	err = p.openTags(ctx, &r, at, asked(c, "before"))
	return r, err
}

// listeners are the webhooks whose scope reaches a repository.
func (p *Portal) listeners(ctx context.Context, name registry.Name, repository string) ([]webhook.Webhook, error) {
	all, err := p.Registries.Webhooks(ctx, name)
	var reached []webhook.Webhook
	for _, hook := range all {
		if hook.Status == webhook.Enabled && hook.Scope.Reaches(repository) {
			reached = append(reached, hook)
		}
	}
	return reached, err
}

// openTags reads one page of a repository's tags, newest first. before is the last tag of the page before with the time of
// its push, so that the pages go on where they were when the tag is gone.
func (p *Portal) openTags(ctx context.Context, r *views.Repositories, at url.URL, before string) error {
	l := artifact.List{Order: artifact.Newest, N: tagsPage, Hidden: true, Held: artifact.AlsoHeld}
	if r.OnlyHeld {
		l.Held = artifact.OnlyHeld
	}
	name, micros, _ := strings.Cut(before, "@")
	if n, err := strconv.ParseInt(micros, 10, 64); err == nil {
		l.After, l.At = name, time.UnixMicro(n)
		r.Newest = with(at, "before", "")
	}
	tags, more, err := p.Contents.TagInfos(ctx, r.Registry.Name, r.Open.Name, l)
	if err != nil {
		return err
	}
	digests := make([]string, 0, len(tags))
	for _, tag := range tags {
		digests = append(digests, tag.Digest)
	}
	found, err := p.withChildren(ctx, r.Registry.Name, r.Open.Name, digests)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		m := found[tag.Digest]
		r.Tags = append(r.Tags, views.TagRowOf(tag, m.Manifest, moved(m.Manifest, found)))
	}
	if more {
		end := tags[len(tags)-1]
		r.Older = with(at, "before", end.Name+"@"+strconv.FormatInt(end.Updated.UnixMicro(), 10))
	}
	return nil
}

// withChildren reads manifests and those that they are made of.
func (p *Portal) withChildren(ctx context.Context, name registry.Name, repository string, digests []string) (map[string]artifact.Stored, error) {
	found, err := p.Contents.StoredAll(ctx, name, repository, digests)
	if err != nil {
		return nil, err
	}
	var children []string
	for _, m := range found {
		for _, child := range m.Children {
			children = append(children, child.Digest)
		}
	}
	more, err := p.Contents.StoredAll(ctx, name, repository, children)
	for digest, m := range more {
		found[digest] = m
	}
	return found, err
}

// moved is what a pull of everything behind a manifest moves; layers that its platforms share count once.
func moved(m artifact.Manifest, found map[string]artifact.Stored) int64 {
	parts := map[string]int64{m.Digest: m.Size()}
	addParts(parts, m)
	for _, child := range m.Children {
		if cm, here := found[child.Digest]; here { // else it was deleted by its digest
			parts[cm.Digest] = cm.Size()
			addParts(parts, cm.Manifest)
		}
	}
	var sum int64
	for _, size := range parts {
		sum += size
	}
	return sum
}

func addParts(parts map[string]int64, m artifact.Manifest) {
	if m.Config != nil {
		parts[m.Config.Digest] = m.Config.Size
	}
	for _, layer := range m.Layers {
		parts[layer.Digest] = layer.Size
	}
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
