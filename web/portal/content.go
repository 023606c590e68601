package portal

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Bounds of a manifest's page.
const (
	referrerDepth  = 3
	referrersEach  = 50
	calledWebhooks = 50
	tagsShown      = 100
	tagsNamed      = 10 // in the question before a deletion
)

// contentRoutes are the commands on what a registry holds. What they are about stands in the query: repository names hold
// slashes.
func (p *Portal) contentRoutes() []auth.Route {
	const content = "/registries/:registry/content"
	return []auth.Route{
		{Method: http.MethodGet, Path: content + "/delete", Permission: account.DeleteImgs, Handler: p.askDeleteContent},
		{Method: http.MethodPost, Path: content + "/delete", Permission: account.DeleteImgs, Handler: p.deleteContent},
		{Method: http.MethodPost, Path: content + "/rule", Permission: account.ReleaseQtn, Handler: p.ruleContent},
		{Method: http.MethodPost, Path: content + "/lock", Permission: account.PushImages, Handler: p.lockContent},
	}
}

// aboutOf reads what a command is about.
func aboutOf(c echo.Context) (views.ContentRef, error) {
	about := views.ContentRef{Repository: asked(c, "repository"), Tag: asked(c, "tag"), Digest: asked(c, "digest")}
	_, err := artifact.ParseRepository(about.Repository)
	if err == nil && about.Tag != "" {
		_, err = artifact.ParseTag(about.Tag)
	}
	if err == nil && about.Digest != "" {
		_, err = artifact.ParseDigest(about.Digest)
	}
	if err != nil {
		f := fault.New(fault.NotFound, "There is no such repository, tag or manifest.").Because(err)
		f.Field = "repository"
		return about, f
	}
	return about, nil
}

func (p *Portal) showRepositories(c echo.Context, status int, r views.Repositories, overlay templ.Component) error {
	crumbs := registryCrumbs(r.Registry, "Repositories")
	if r.Open != nil && c.Param("*") != "" {
		crumbs = registryCrumbs(r.Registry, r.Open.Name, views.Crumb{Text: "Repositories", Href: views.RepositoriesPath(string(r.Registry.Name))})
	}
	s, err := p.registryShell(c, r.Registry, views.AtRepositories, "Repositories", crumbs...)
	if err != nil {
		return err
	}
	s.Overlay = overlay
	return render(c, status, views.RepositoriesPage(s, r))
}

// manifest shows one manifest, by tag or digest.
func (p *Portal) manifest(c echo.Context, reg registry.Registry, repository, at string) error {
	m, err := p.manifestOf(c, reg, repository, at)
	if err != nil {
		return err
	}
	return p.showManifest(c, http.StatusOK, m, nil)
}

func (p *Portal) showManifest(c echo.Context, status int, m views.Manifest, overlay templ.Component) error {
	title := m.Tag
	if title == "" {
		title = shortID(event.ID(strings.TrimPrefix(m.Digest, "sha256:")))
	}
	name := string(m.Registry.Name)
	crumbs := registryCrumbs(m.Registry, title,
		views.Crumb{Text: "Repositories", Href: views.RepositoriesPath(name)}, views.Crumb{Text: m.Repository, Href: views.RepositoryPath(m.Registry.Name, m.Repository)})
	s, err := p.registryShell(c, m.Registry, views.AtRepositories, m.Repository, crumbs...)
	if err != nil {
		return err
	}
	s.Overlay = overlay
	return render(c, status, views.ManifestPage(s, m))
}

// manifestOf reads everything about one manifest.
func (p *Portal) manifestOf(c echo.Context, reg registry.Registry, repository, at string) (views.Manifest, error) {
	ctx, who := c.Request().Context(), who(c)
	m := views.Manifest{
		Registry: reg, Repository: repository, Plain: p.plain(), Now: p.Now(),
		MayPush: who.May(account.PushImages, reg.Name), MayDelete: who.May(account.DeleteImgs, reg.Name), MayRule: who.May(account.ReleaseQtn, reg.Name),
	}
	var err error
	if m.Stored, err = p.Contents.Stored(ctx, reg.Name, repository, at); err != nil {
		return m, err
	}
	if m.Tags, m.MoreTags, err = p.Contents.SomeTags(ctx, reg.Name, repository, m.Digest, tagsShown); err != nil {
		return m, err
	}
	if m.Children, m.Moved, err = p.childrenOf(ctx, reg.Name, repository, m.Manifest); err != nil {
		return m, err
	}
	if m.Referrers, err = p.referrersOf(ctx, reg.Name, repository, m.Digest, referrerDepth); err != nil {
		return m, err
	}
	if m.Deliveries, err = p.Contents.DeliveriesOf(ctx, reg.Name, repository, m.Digest, calledWebhooks); err != nil {
		return m, err
	}
	switch m.Manifest.Kind {
	case artifact.Image:
		m.Config = artifact.ParseConfig(p.blob(ctx, m.Manifest.Config.Digest, artifact.MaxConfig))
	case artifact.Chart:
		m.Chart = artifact.ParseChartFile(p.blob(ctx, m.Manifest.Config.Digest, artifact.MaxChartConfig))
	}
	return m, nil
}

// blob reads a config blob; one that cannot be read says nothing, and the rest of the page is still worth seeing.
func (p *Portal) blob(ctx context.Context, digest string, most int64) []byte {
	content, err := p.Blobs.Open(ctx, digest)
	if err != nil {
		p.Log.Warn("config not readable", "digest", digest, "error", err.Error())
		return nil
	}
	defer content.Close()
	raw, err := io.ReadAll(io.LimitReader(content, most))
	if err != nil {
		p.Log.Warn("config not readable", "digest", digest, "error", err.Error())
	}
	return raw
}

// childrenOf gives the manifests of an index, and what a pull of all of it moves.
func (p *Portal) childrenOf(ctx context.Context, name registry.Name, repository string, m artifact.Manifest) ([]views.ChildRow, int64, error) {
	digests := make([]string, 0, len(m.Children))
	for _, child := range m.Children {
		digests = append(digests, child.Digest)
	}
	found, err := p.Contents.StoredAll(ctx, name, repository, digests)
	rows := make([]views.ChildRow, 0, len(digests))
	for _, child := range m.Children {
		one, here := found[child.Digest]
		row := views.ChildRow{Descriptor: child, Here: here, Quarantine: one.Quarantine}
		if here {
			row.Pull = one.Content()
		}
		rows = append(rows, row)
	}
	return rows, moved(m, found), err
}

// referrersOf reads what refers to a manifest, and what refers to that, as deep as a page shows it.
func (p *Portal) referrersOf(ctx context.Context, name registry.Name, repository, digest string, depth int) ([]views.Referrer, error) {
	found, err := p.Contents.Referrers(ctx, name, repository, digest, "")
	if err != nil || depth == 0 {
		return nil, err
	}
	all := make([]views.Referrer, 0, len(found))
	for _, d := range found[:min(len(found), referrersEach)] {
		one := views.Referrer{Descriptor: d}
		if one.Referrers, err = p.referrersOf(ctx, name, repository, d.Digest, depth-1); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// deletionOf says what would go.
func (p *Portal) deletionOf(ctx context.Context, reg registry.Registry, about views.ContentRef) (views.Deletion, error) {
	d := views.Deletion{Registry: reg.Name, About: about, Announced: reg.Policies.AnnounceUntag}
	switch {
	case about.Digest != "":
		m, err := p.Contents.Stored(ctx, reg.Name, about.Repository, about.Digest)
		if err != nil {
			return d, err
		}
		if d.Tags, d.More, err = p.Contents.SomeTags(ctx, reg.Name, about.Repository, about.Digest, tagsNamed); err != nil {
			return d, err
		}
		referrers, err := p.Contents.Referrers(ctx, reg.Name, about.Repository, about.Digest, "")
		d.Manifests, d.Children, d.Referrers = 1, len(m.Children), len(referrers)
		return d, err
	case about.Tag != "":
		d.Alone = true
		_, err := p.Contents.Stored(ctx, reg.Name, about.Repository, about.Tag)
		return d, err
	}
	info, err := p.Contents.Repository(ctx, reg.Name, about.Repository)
	d.Manifests, d.More, d.Bytes = info.Manifests, info.Tags, info.Bytes
	return d, err
}

// askDeleteContent says what goes, over the page it is about.
func (p *Portal) askDeleteContent(c echo.Context) error {
	reg, about, err := p.contentOf(c)
	if err != nil {
		return err
	}
	return p.showDeletion(c, reg, about, "")
}

func (p *Portal) contentOf(c echo.Context) (registry.Registry, views.ContentRef, error) {
	reg, err := p.builtIn(c)
	if err != nil {
		return reg, views.ContentRef{}, err
	}
	about, err := aboutOf(c)
	return reg, about, err
}

// showDeletion asks before something goes; problem is what was wrong with the answer, which makes it 422.
func (p *Portal) showDeletion(c echo.Context, reg registry.Registry, about views.ContentRef, problem string) error {
	d, err := p.deletionOf(c.Request().Context(), reg, about)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if problem != "" {
		status, d.Typed, d.Error = http.StatusUnprocessableEntity, c.FormValue("confirm"), problem
	}
	dialog := views.DeletionDialog(d)
	if isFragment(c) {
		return render(c, status, dialog)
	}
	if reference := (artifact.Reference{Tag: about.Tag, Digest: about.Digest}).String(); reference != "" {
		m, err := p.manifestOf(c, reg, about.Repository, reference)
		if err != nil {
			return err
		}
		return p.showManifest(c, status, m, dialog)
	}
	c.SetParamNames(append(c.ParamNames(), "*")...)
	c.SetParamValues(append(c.ParamValues(), about.Repository)...)
	r, err := p.contentsOf(c, reg)
	if err != nil {
		return err
	}
	return p.showRepositories(c, status, r, dialog)
}

// deleteContent deletes a manifest, a tag, or the repository whose name was typed.
func (p *Portal) deleteContent(c echo.Context) error {
	reg, about, err := p.contentOf(c)
	if err != nil {
		return err
	}
	change := p.contentChange(c, reg, about.Repository)
	said, back := about.Title()+" deleted", views.RepositoryPath(reg.Name, about.Repository)
	switch {
	case about.Digest != "":
		change.Kind, change.Digest = event.DeleteManifest, about.Digest
	case about.Tag != "":
		change.Kind, change.Tag = event.DeleteTag, about.Tag
		said = "Tag " + about.Tag + " removed"
	default:
		if _, refused := confirmed(c, about.Repository); refused != "" {
			return p.showDeletion(c, reg, about, refused)
		}
		change.Kind, back = event.DeleteRepository, views.RepositoriesPath(string(reg.Name))
	}
	_, err = p.Outbox.Record(c.Request().Context(), change)
	if fault.Is(err, fault.Forbidden) {
		return p.showDeletion(c, reg, about, sentenceOf(http.StatusForbidden, err))
	}
	if err != nil {
		return err
	}
	if change.Kind == event.DeleteManifest { // with the last manifest the repository is gone
		if _, err := p.Contents.Repository(c.Request().Context(), reg.Name, about.Repository); fault.Is(err, fault.NotFound) {
			back = views.RepositoriesPath(string(reg.Name))
		}
	}
	return p.done(c, back, ui.Toast{Kind: "ok", Title: said})
}

// ruleContent releases, rejects or holds a manifest with everything it is made of.
func (p *Portal) ruleContent(c echo.Context) error {
	reg, about, err := p.contentOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	change := p.contentChange(c, reg, about.Repository)
	change.Kind, change.Digest = event.Rule, about.Digest
	if change.Ruling, err = artifact.ParseRuling(form.Get("state"), form.Get("details")); err != nil {
		return err
	}
	done, err := p.Outbox.Record(c.Request().Context(), change)
	if err != nil {
		return err
	}
	t := ui.Toast{Kind: "ok", Title: about.Title() + " is released", Text: ui.Plural(len(done.Affected), "manifest or tag", "manifests and tags") + " can be pulled now."}
	switch change.Ruling.State {
	case artifact.Failed:
		t = ui.Toast{Kind: "ok", Title: about.Title() + " is rejected", Text: "It stays out of reach of who only pulls."}
	case artifact.Quarantined:
		t = ui.Toast{Kind: "ok", Title: about.Title() + " is in quarantine", Text: "It cannot be pulled until it is released."}
	}
	return p.done(c, manifestBack(reg, about), t)
}

// lockContent locks a manifest and the tag by which its page was opened against changes, or unlocks both.
func (p *Portal) lockContent(c echo.Context) error {
	reg, about, err := p.contentOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	open := form.Get("locked") != "yes"
	for _, ref := range []artifact.Reference{{Digest: about.Digest}, {Tag: about.Tag}} {
		if ref.String() == "" {
			continue
		}
		change := p.contentChange(c, reg, about.Repository)
		change.Kind, change.Digest, change.Tag, change.Locks = event.SetLocks, ref.Digest, ref.Tag, artifact.LockChange{Write: &open, Delete: &open}
		if _, err := p.Outbox.Record(c.Request().Context(), change); err != nil {
			return err
		}
	}
	t := ui.Toast{Kind: "ok", Title: about.Title() + " is locked", Text: "It can be pulled, but not overwritten or deleted."}
	if open {
		t = ui.Toast{Kind: "ok", Title: about.Title() + " is unlocked"}
	}
	return p.done(c, manifestBack(reg, about), t)
}

func manifestBack(reg registry.Registry, about views.ContentRef) string {
	reference := about.Tag
	if reference == "" {
		reference = about.Digest
	}
	return views.ManifestPath(reg.Name, about.Repository, reference)
}

// contentChange begins a change with who asked for it, as events tell it: by the name that people pull by.
func (p *Portal) contentChange(c echo.Context, reg registry.Registry, repository string) event.Change {
	r := c.Request()
	return event.Change{
		Registry: reg.Name, Location: reg.Home, Repository: repository, Actor: who(c).Name, Time: p.Now(),
		Request: event.Request{ID: uuid.NewString(), Addr: c.RealIP(), Host: reg.LoginServer, Method: http.MethodDelete, UserAgent: strings.ToValidUTF8(r.UserAgent(), "")},
	}
}
