package portal

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// setup opens the one-time link: the owner's form for the right code, else the question for the code.
func (p *Portal) setup(c echo.Context) error {
	code := asked(c, "code")
	if code != "" {
		return p.withCode(c, code)
	}
	needed, err := p.Accounts.NeedsSetup(c.Request().Context())
	if err != nil {
		return err
	}
	if !needed {
		return p.setupDone(c, "This server has an owner already.")
	}
	return render(c, http.StatusOK, views.SetupCodePage(p.setupPage(c)))
}

// setupCode takes a code that was typed.
func (p *Portal) setupCode(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	code := strings.TrimSpace(form.Get("code"))
	if err := p.Accounts.CheckSetupCode(c.Request().Context(), code); err != nil {
		return p.codeRefused(c, code, err)
	}
	return seeOther(c, "/setup?"+url.Values{"code": {code}}.Encode())
}

// withCode shows the owner's form when the code is right.
func (p *Portal) withCode(c echo.Context, code string) error {
	if err := p.Accounts.CheckSetupCode(c.Request().Context(), code); err != nil {
		return p.codeRefused(c, code, err)
	}
	s := p.setupPage(c)
	s.Code = code
	return render(c, http.StatusOK, views.SetupOwnerPage(s))
}

// codeRefused says what is wrong with a code: used up (410), or not the right one.
func (p *Portal) codeRefused(c echo.Context, code string, err error) error {
	if fault.Is(err, fault.Gone) {
		return p.setupDone(c, sentenceOf(http.StatusGone, err))
	}
	said := fieldErrors(err)
	if said == nil {
		return err
	}
	s := p.setupPage(c)
	s.Code, s.CodeError = code, said["code"]
	return render(c, http.StatusUnprocessableEntity, views.SetupCodePage(s))
}

func (p *Portal) setupDone(c echo.Context, sentence string) error {
	return render(c, http.StatusGone, views.SetupDonePage(p.door(c, "Set-up is done"), sentence))
}

func (p *Portal) setupPage(c echo.Context) views.Setup {
	s := views.Setup{Door: p.door(c, "Set up"), DataPlace: p.DataPlace}
	s.Big = true
	return s
}

// setupOwner uses up the code, makes the owner and signs them in.
func (p *Portal) setupOwner(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	d := account.UserDraft{Name: strings.TrimSpace(form.Get("name")), Password: form.Get("password")}
	code := strings.TrimSpace(form.Get("code"))
	if err := p.Accounts.CheckSetupCode(c.Request().Context(), code); err != nil {
		return p.codeRefused(c, code, err)
	}
	u, err := p.makeOwner(c, code, d, form.Get("password2"))
	if fault.Is(err, fault.Gone) { // somebody else was quicker
		return p.codeRefused(c, code, err)
	}
	if err != nil {
		said := fieldErrors(err)
		if said == nil {
			return err
		}
		s := p.setupPage(c)
		s.Code, s.Name, s.Errors = code, d.Name, said
		return render(c, http.StatusUnprocessableEntity, views.SetupOwnerPage(s))
	}
	if err := p.Sessions.Begin(c, u); err != nil {
		return err
	}
	return seeOther(c, "/setup/registry")
}

// makeOwner makes the owner once the password was typed twice the same way; until then it says what else is wrong.
func (p *Portal) makeOwner(c echo.Context, code string, d account.UserDraft, repeated string) (account.User, error) {
	if err := repeatedWell(d.Password, repeated, d.Name); err != nil {
		return account.User{}, err
	}
	return p.Accounts.CreateOwner(c.Request().Context(), code, d)
}

// firstRegistry is the last step: what was made at the first start, and where webhooks may go.
func (p *Portal) firstRegistry(c echo.Context) error {
	added, err := p.Networks.Added(c.Request().Context())
	if err != nil {
		return err
	}
	return p.firstRegistryPage(c, http.StatusOK, strings.Join(added, "\n"), "")
}

func (p *Portal) firstRegistryPage(c echo.Context, status int, networks, refused string) error {
	reg, err := p.first(c)
	if err != nil {
		return err
	}
	d := p.door(c, "Set up")
	d.Big = true
	return render(c, status, views.SetupRegistryPage(views.SetupRegistry{
		Door: d, Registry: string(reg.Name), LoginServer: reg.LoginServer, Location: views.LocationTitle(reg.Home),
		Configured: p.Networks.Configured(), Networks: networks, Error: refused, DataPlace: p.DataPlace,
	}))
}

// finishSetup keeps the allowed networks and opens the registry.
func (p *Portal) finishSetup(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	typed := form.Get("networks")
	ranges, err := webhook.ParseNetworks(typed)
	if err == nil {
		err = p.Networks.Replace(c.Request().Context(), texts(ranges))
	}
	if said := fieldErrors(err); said != nil {
		return p.firstRegistryPage(c, http.StatusUnprocessableEntity, typed, anyOf(said, "networks"))
	}
	if err != nil {
		return err
	}
	reg, err := p.first(c)
	if err != nil {
		return err
	}
	there := "/"
	if reg.Name != "" {
		there = views.RegistryPath(string(reg.Name))
	}
	return p.done(c, there, ui.Toast{Kind: "ok", Title: "Set-up is done", Text: "Push an image, or add a webhook."})
}

// first is the registry that the first start made; the zero one when somebody deleted all of them.
func (p *Portal) first(c echo.Context) (registry.Registry, error) {
	all, err := p.Registries.Registries(c.Request().Context())
	if err != nil || len(all) == 0 {
		return registry.Registry{}, err
	}
	return all[0], nil
}
