package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/cleanup"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// propertyRoutes are the switches of a registry, the rules by which it deletes, and who may do what in it.
func (p *Portal) propertyRoutes() []auth.Route {
	const one = "/registries/:registry"
	return []auth.Route{
		{Method: http.MethodGet, Path: one + "/properties", Permission: account.Read, Handler: p.properties},
		{Method: http.MethodPost, Path: one + "/properties", Permission: account.Admin, Handler: p.saveProperties},
		{Method: http.MethodGet, Path: one + "/retention", Permission: account.Read, Handler: p.retention},
		{Method: http.MethodPost, Path: one + "/retention", Permission: account.Admin, Handler: p.saveRetention},
		{Method: http.MethodPost, Path: one + "/retention/run", Permission: account.Admin, Handler: p.runRetention},
		{Method: http.MethodGet, Path: one + "/access", Permission: account.Read, Handler: p.access},
		{Method: http.MethodPost, Path: one + "/access", Permission: account.Admin, Handler: p.accessKeys},
	}
}

func (p *Portal) properties(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	return p.showProperties(c, http.StatusOK, views.Properties{Registry: reg})
}

func (p *Portal) showProperties(c echo.Context, status int, page views.Properties) error {
	page.MayWrite = who(c).May(account.Admin, page.Registry.Name)
	s, err := p.registryShell(c, page.Registry, views.AtProperties, "Properties", registryCrumbs(page.Registry, "Properties")...)
	if err != nil {
		return err
	}
	return render(c, status, views.PropertiesPage(s, page))
}

// saveProperties switches what is ticked on, and the rest off.
func (p *Portal) saveProperties(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	on := func(name string) *bool { return new(form.Get(name) == "on") }
	_, err = p.RegistryService.Change(c.Request().Context(), registry.Draft{
		Name: string(reg.Name), Quarantine: on("quarantine"), AnnounceUntagged: on("announceUntagged"), AnnounceUntag: on("announceUntag"),
		AnonymousPull: on("anonymousPull"), AdminUser: on("adminUser"),
	}, 0)
	if said := fieldErrors(err); said != nil {
		return p.showProperties(c, http.StatusUnprocessableEntity, views.Properties{Registry: reg, Errors: said})
	}
	if err != nil {
		return err
	}
	return p.done(c, views.PropertiesPath(reg.Name), ui.Toast{Kind: "ok", Title: "Properties saved", Text: "They count for what is pushed and pulled from now on."})
}

// retention shows the rules with what they delete next; with try the rules that stand in the form are tried instead.
func (p *Portal) retention(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	if asked(c, "try") == "" {
		return p.showRetention(c, http.StatusOK, reg, nil)
	}
	draft := rulesTyped(c.QueryParams())
	return p.showRetention(c, http.StatusOK, reg, &draft)
}

func rulesTyped(form url.Values) cleanup.Draft {
	text := func(name string) string {
		return strings.ToValidUTF8(strings.ReplaceAll(form.Get(name), "\x00", ""), "")
	}
	return cleanup.Draft{KeepTags: text("keepTags"), UntaggedDays: text("untaggedDays"), Keep: text("keep")}
}

// showRetention shows the rules in force, or a draft with what it would do or what is wrong with it.
func (p *Portal) showRetention(c echo.Context, status int, reg registry.Registry, draft *cleanup.Draft) error {
	page, err := p.retentionOf(c.Request().Context(), reg, draft)
	if err != nil {
		return err
	}
	if page.Errors != nil {
		status = http.StatusUnprocessableEntity
	}
	page.MayWrite = who(c).May(account.Admin, reg.Name)
	s, err := p.registryShell(c, reg, views.AtRetention, "Retention", registryCrumbs(reg, "Retention")...)
	if err != nil {
		return err
	}
	return render(c, status, views.RetentionPage(s, page))
}

func (p *Portal) retentionOf(ctx context.Context, reg registry.Registry, draft *cleanup.Draft) (views.Retention, error) {
	page := views.Retention{Registry: reg, Now: p.Now(), Free: p.Blobs.Free()}
	var err error
	if page.Rules, err = p.Cleaner.Store.Rules(ctx, reg.Name); err != nil {
		return page, err
	}
	if page.Held, err = p.Contents.RepositoryStats(ctx, reg.Name); err != nil {
		return page, err
	}
	rules := page.Rules
	page.Draft = views.DraftOf(rules)
	if draft != nil {
		var errs []error
		page.Draft, page.Tried = *draft, true
		if rules, errs = draft.Parse(); len(errs) > 0 {
			page.Errors = fieldErrors(errors.Join(errs...))
			return page, nil
		}
	}
	page.Plan, err = p.Cleaner.Preview(ctx, reg.Name, rules)
	return page, err
}

func (p *Portal) saveRetention(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	draft := rulesTyped(form)
	rules, err := p.Cleaner.SetRules(c.Request().Context(), reg.Name, draft, who(c).Name)
	if fieldErrors(err) != nil {
		return p.showRetention(c, http.StatusUnprocessableEntity, reg, &draft)
	}
	if err != nil {
		return err
	}
	t := ui.Toast{Kind: "ok", Title: "Rules saved", Text: "They are applied every hour. Below stands what they delete next."}
	if !rules.Any() {
		t.Text = "Nothing is deleted by itself."
	}
	return p.done(c, views.RetentionPath(reg.Name), t)
}

// runRetention applies the rules at once.
func (p *Portal) runRetention(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	n, err := p.Cleaner.Apply(c.Request().Context(), reg)
	if err != nil {
		return err
	}
	return p.done(c, views.RetentionPath(reg.Name), ui.Toast{Kind: "ok", Title: ui.Plural(n, "deletion", "deletions") + " done", Text: "Layers that nothing needs any more go within a day."})
}

// plain reports whether registry clients reach this installation over plain HTTP.
func (p *Portal) plain() bool { return strings.HasPrefix(p.PublicURL, "http://") }

func (p *Portal) access(c echo.Context) error { return p.showAccess(c, http.StatusOK, nil) }

func (p *Portal) showAccess(c echo.Context, status int, keys *registry.AccessKeys) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	a := views.Access{Registry: reg, Plain: p.plain(), Who: who(c), Keys: keys, Admin: who(c).May(account.Admin, reg.Name), Now: p.Now()}
	if a.Admin {
		if a.Users, err = p.Accounts.Users.Users(c.Request().Context()); err != nil {
			return err
		}
		tokens, err := p.Accounts.Tokens.Tokens(c.Request().Context())
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if t.Registry == "" || t.Registry.Is(reg.Name) {
				a.Tokens = append(a.Tokens, t)
			}
		}
	}
	s, err := p.registryShell(c, reg, views.AtAccess, "Access", registryCrumbs(reg, "Access")...)
	if err != nil {
		return err
	}
	return render(c, status, views.AccessPage(s, a))
}

// accessKeys shows the admin user's passwords, or renews one of them first. They stand in this answer alone, so it is no redirect.
func (p *Portal) accessKeys(c echo.Context) error {
	reg, err := p.builtIn(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	var keys registry.AccessKeys
	switch ctx := c.Request().Context(); form.Get("do") {
	case "renew":
		_, keys, err = p.RegistryService.RenewAccessKey(ctx, reg.Name, 0)
	case "renew2":
		_, keys, err = p.RegistryService.RenewAccessKey(ctx, reg.Name, 1)
	default:
		_, keys, err = p.RegistryService.AccessKeys(ctx, reg.Name)
	}
	if err != nil {
		return err
	}
	return p.showAccess(c, http.StatusOK, &keys)
}
