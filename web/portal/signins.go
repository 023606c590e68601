package portal

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Addresses of the lists of sign-ins.
const (
	signInsPath    = "/settings/sign-ins"
	ownSignInsPath = "/account/sign-ins"
)

// deviceTries is the account in whose name wrong device codes are counted.
const deviceTries = "device code"

// signInRoutes are the pages on which a person lets programs act for them, and takes that back.
func (p *Portal) signInRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/device", Permission: account.Read, Handler: p.device},
		{Method: http.MethodPost, Path: "/device", Permission: account.Read, Handler: p.answerDevice},
		{Method: http.MethodGet, Path: "/authorize", Permission: account.Read, Handler: p.authorize},
		{Method: http.MethodPost, Path: "/authorize", Permission: account.Read, Handler: p.answerAuthorize},
		{Method: http.MethodPost, Path: ownSignInsPath + "/:id/revoke", Permission: account.Read, Handler: p.revokeOwnSignIn},
		{Method: http.MethodGet, Path: signInsPath, Permission: account.Admin, Handler: p.signIns},
		{Method: http.MethodPost, Path: signInsPath + "/:id/revoke", Permission: account.Admin, Handler: p.revokeSignIn},
	}
}

func (p *Portal) outside(c echo.Context, title string) views.Shell {
	return p.shell(c, title, views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: title})
}

// device asks for a code, or says who waits with the one that was given.
func (p *Portal) device(c echo.Context) error {
	typed := asked(c, "code")
	s := p.outside(c, "Sign in a program")
	if typed == "" {
		return render(c, http.StatusOK, views.DevicePage(s, views.Request{}))
	}
	found, err := p.deviceRequest(c, typed)
	if status, said := refusedCode(c, err); status != 0 {
		return render(c, status, views.DevicePage(s, views.Request{Typed: typed, Error: said}))
	}
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.DeviceAskPage(s, views.Request{Code: found}))
}

// deviceRequest finds who waits with a code, slower and slower for whoever guesses.
func (p *Portal) deviceRequest(c echo.Context, typed string) (account.Code, error) {
	if err := p.Limits.Check(c.RealIP(), deviceTries); err != nil {
		return account.Code{}, err
	}
	found, err := p.SignIns.DeviceRequest(c.Request().Context(), typed)
	switch {
	case err == nil:
		p.Limits.Succeeded(c.RealIP(), deviceTries)
	case fault.Is(err, fault.NotFound):
		p.Limits.Failed(c.RealIP(), deviceTries)
	}
	return found, err
}

// refusedCode is how the form shows a code that is none; status 0 for anything else.
func refusedCode(c echo.Context, err error) (status int, said string) {
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
		return http.StatusUnprocessableEntity, sentenceOf(http.StatusUnprocessableEntity, err)
	case fault.Is(err, fault.LimitReached):
		retryAfter(c, err)
		return http.StatusTooManyRequests, sentenceOf(http.StatusTooManyRequests, err)
	}
	return 0, ""
}

// answerDevice lets the program of a code act for the one signed in, or not.
func (p *Portal) answerDevice(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	yes, err := yesOrNo(fields)
	if err != nil {
		return err
	}
	typed := fields.Get("code")
	found, err := p.deviceRequest(c, typed)
	if err == nil {
		_, err = p.SignIns.AnswerDevice(c.Request().Context(), typed, who(c).ID, yes)
	}
	s := p.outside(c, "Sign in a program")
	if status, said := refusedCode(c, err); status != 0 {
		return render(c, status, views.DevicePage(s, views.Request{Typed: typed, Error: said}))
	}
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.DeviceDonePage(s, account.ClientTitle(found.Asker.Client), yes))
}

// yesOrNo reads an answer; neither of the two is no form of ours.
func yesOrNo(fields url.Values) (yes bool, err error) {
	switch fields.Get("answer") {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "The form holds no answer.")
}

// authorize asks whether the program that opened this browser may act for the one signed in.
func (p *Portal) authorize(c echo.Context) error {
	request := asked(c, "request")
	found, err := p.SignIns.BrowserRequest(c.Request().Context(), request)
	if err != nil {
		return err
	}
	leadingTo(c, found.Redirect)
	return render(c, http.StatusOK, views.AuthorizePage(p.outside(c, "Sign in a program"), request, found))
}

// leadingTo lets the form of this page lead to another address: browsers apply form-action to the redirect after it, too.
// The address was checked to be on the person's own machine.
func leadingTo(c echo.Context, redirect string) {
	u, err := url.Parse(redirect)
	if err != nil {
		return
	}
	const rule, action = "Content-Security-Policy", "form-action 'self'"
	head := c.Response().Header()
	head.Set(rule, strings.Replace(head.Get(rule), action, action+" "+u.Scheme+"://"+u.Host, 1))
}

// answerAuthorize leads the browser back to its program, with a code or a refusal.
func (p *Portal) answerAuthorize(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	yes, err := yesOrNo(fields)
	if err != nil {
		return err
	}
	back, err := p.SignIns.AnswerBrowser(c.Request().Context(), fields.Get("request"), who(c).ID, yes)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, back)
}

// signIns lists the programs that are signed in for anybody.
func (p *Portal) signIns(c echo.Context) error {
	all, err := p.SignIns.List(c.Request().Context(), "")
	if err != nil {
		return err
	}
	s := p.settingsShell(c, views.AtSignIns, "Sign-ins")
	return render(c, http.StatusOK, views.SignInsPage(s, views.SignInList{All: all, Base: signInsPath, Whose: true}))
}

func (p *Portal) revokeSignIn(c echo.Context) error { return p.revoke(c, "", signInsPath) }

func (p *Portal) revokeOwnSignIn(c echo.Context) error {
	return p.revoke(c, who(c).ID, "/account")
}

func (p *Portal) revoke(c echo.Context, whose, back string) error {
	g, err := p.SignIns.Revoke(c.Request().Context(), c.Param("id"), whose)
	if err != nil {
		return err
	}
	return p.done(c, back, ui.Toast{Kind: "ok", Title: "The sign-in of " + g.Name + " is revoked", Text: "Its program is refused from now on."})
}
