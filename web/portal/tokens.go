package portal

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
)

// tokens lists the credentials of programs.
func (p *Portal) tokens(c echo.Context) error {
	page, err := p.tokensPage(c, nil, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

func (p *Portal) tokensPage(c echo.Context, overlay templ.Component, made *account.Issued) (templ.Component, error) {
	all, err := p.Accounts.Tokens.Tokens(c.Request().Context())
	if err != nil {
		return nil, err
	}
	t := views.Tokens{All: all, New: made}
	if made != nil {
		if t.LoginServer, err = p.loginServer(c.Request().Context(), made.Token.Registry); err != nil {
			return nil, err
		}
	}
	s := p.settingsShell(c, views.AtTokens, "API tokens")
	s.Overlay = overlay
	return views.TokensPage(s, t), nil
}

func (p *Portal) overTokens(c echo.Context, status int, overlay templ.Component) error {
	return over(c, status, overlay, func() (templ.Component, error) { return p.tokensPage(c, overlay, nil) })
}

// loginServer is where a token can be used with docker: its own registry, else the first built-in one.
func (p *Portal) loginServer(ctx context.Context, own registry.Name) (string, error) {
	all, err := p.Registries.Registries(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if r.Kind != registry.External && (own == "" || r.Name.Is(own)) {
			return r.LoginServer, nil
		}
	}
	return "", nil
}

// newToken asks what a new token is for.
func (p *Portal) newToken(c echo.Context) error {
	return p.tokenPanel(c, http.StatusOK, views.TokenForm{Role: string(account.Reader)})
}

func (p *Portal) tokenPanel(c echo.Context, status int, f views.TokenForm) error {
	all, err := p.Registries.Registries(c.Request().Context())
	if err != nil {
		return err
	}
	for _, r := range all {
		f.Registries = append(f.Registries, string(r.Name))
	}
	return p.overTokens(c, status, views.TokenPanel(f))
}

// addToken makes one and shows its secrets, once: they stand in this answer and nowhere else, so it is no redirect.
func (p *Portal) addToken(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	d := account.TokenDraft{Name: form.Get("name"), Role: form.Get("role"), Registry: form.Get("registry"), Rights: form.Get("rights"), Repositories: form.Get("repositories")}
	made, err := p.issue(c.Request().Context(), d, who(c).Name)
	if said := fieldErrors(err); said != nil {
		return p.tokenPanel(c, http.StatusUnprocessableEntity, views.TokenForm{Name: d.Name, Role: d.Role, Registry: d.Registry, Rights: d.Rights, Repositories: d.Repositories, Errors: said})
	}
	if err != nil {
		return err
	}
	page, err := p.tokensPage(c, nil, &made)
	if err != nil {
		return err
	}
	return render(c, http.StatusCreated, page)
}

// issue makes a token for a registry that exists, or for all.
func (p *Portal) issue(ctx context.Context, d account.TokenDraft, by string) (account.Issued, error) {
	if d.Registry != "" {
		_, err := p.Registries.Registry(ctx, registry.Name(d.Registry))
		if fault.Is(err, fault.NotFound) {
			return account.Issued{}, fault.In("registry", "There is no registry of that name.")
		}
		if err != nil {
			return account.Issued{}, err
		}
	}
	return p.Accounts.IssueToken(ctx, d, by)
}

// tokenOf gives the token that the path names.
func (p *Portal) tokenOf(c echo.Context) (account.Token, error) {
	t, err := p.Accounts.Tokens.TokenByClientID(c.Request().Context(), c.Param("token"))
	if fault.Is(err, fault.NotFound) {
		f := fault.New(fault.NotFound, "There is no such token. Somebody may have revoked it.").Because(err)
		f.Field = "token"
		return t, f
	}
	return t, err
}

// askRevokeToken says what ends with a token.
func (p *Portal) askRevokeToken(c echo.Context) error {
	t, err := p.tokenOf(c)
	if err != nil {
		return err
	}
	return p.overTokens(c, http.StatusOK, views.TokenRevoke(t))
}

// revokeToken ends one.
func (p *Portal) revokeToken(c echo.Context) error {
	t, err := p.tokenOf(c)
	if err != nil {
		return err
	}
	if err := p.Accounts.RevokeToken(c.Request().Context(), t.ClientID); err != nil {
		return err
	}
	return p.done(c, tokensPath, ui.Toast{Kind: "ok", Title: "Token " + t.Name + " is revoked", Text: "Programs that use it are refused from now on."})
}
