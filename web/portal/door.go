package portal

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/views"
	"dockbell/web/auth"
)

// doorRoutes are set-up, signing in and signing out: what people see before they are signed in.
func (p *Portal) doorRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/setup", Public: true, Handler: p.setup},
		{Method: http.MethodPost, Path: "/setup", Public: true, Handler: p.setupCode},
		{Method: http.MethodPost, Path: "/setup/owner", Public: true, Handler: p.setupOwner},
		{Method: http.MethodGet, Path: "/setup/registry", Permission: account.Admin, Handler: p.firstRegistry},
		{Method: http.MethodPost, Path: "/setup/registry", Permission: account.Admin, Handler: p.finishSetup},
		{Method: http.MethodGet, Path: "/sign-in", Public: true, Handler: p.askSignIn},
		{Method: http.MethodPost, Path: "/sign-in", Public: true, Handler: p.signIn},
		{Method: http.MethodPost, Path: "/sign-out", Public: true, Handler: p.signOut},
	}
}

// door begins a page of somebody who is not signed in.
func (p *Portal) door(c echo.Context, title string) views.Door {
	return views.Door{Title: title, Theme: theme(c), Version: p.Version}
}

// askSignIn shows the form; who is signed in already goes on, and while nobody has an account set-up comes first.
func (p *Portal) askSignIn(c echo.Context) error {
	next := auth.Next(c.QueryParam("next"))
	if _, known := auth.PrincipalOf(c.Request().Context()); known {
		return seeOther(c, next)
	}
	needed, err := p.Accounts.NeedsSetup(c.Request().Context())
	if err != nil {
		return err
	}
	if needed {
		return seeOther(c, "/setup")
	}
	return p.signInPage(c, http.StatusOK, views.SignIn{Next: next})
}

func (p *Portal) signInPage(c echo.Context, status int, s views.SignIn) error {
	s.Door, s.Host = p.door(c, "Sign in"), p.Host
	return render(c, status, views.SignInPage(s))
}

// signIn begins a session and leads to where its user wanted to go.
func (p *Portal) signIn(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	name, next := form.Get("username"), auth.Next(form.Get("next"))
	u, err := p.prove(c, name, form.Get("password"))
	switch {
	case fault.Is(err, fault.Unauthenticated):
		s := views.SignIn{Name: name, Next: next, Error: sentenceOf(http.StatusUnauthorized, err)}
		return p.signInPage(c, http.StatusUnprocessableEntity, s)
	case fault.Is(err, fault.LimitReached):
		retryAfter(c, err)
		s := views.SignIn{Name: name, Next: next, Error: sentenceOf(http.StatusTooManyRequests, err)}
		return p.signInPage(c, http.StatusTooManyRequests, s)
	case err != nil:
		return err
	}
	if err := p.Sessions.Begin(c, u); err != nil {
		return err
	}
	return seeOther(c, next)
}

// prove checks a password, slower and slower for whoever guesses.
func (p *Portal) prove(c echo.Context, name, password string) (account.User, error) {
	if err := p.Limits.Check(c.RealIP(), name); err != nil {
		return account.User{}, err
	}
	u, err := p.Accounts.SignIn(c.Request().Context(), name, password)
	switch {
	case err == nil:
		p.Limits.Succeeded(c.RealIP(), name)
	case fault.Is(err, fault.Unauthenticated):
		p.Limits.Failed(c.RealIP(), name)
	}
	return u, err
}

// retryAfter tells programs how long to wait before the next try.
func retryAfter(c echo.Context, err error) {
	var f *fault.Error
	if errors.As(err, &f) && f.Wait > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.Wait.Seconds()))))
	}
}

// signOut ends the session; somebody whose session is over already only sees the form again.
func (p *Portal) signOut(c echo.Context) error {
	if err := p.Sessions.End(c); err != nil {
		return err
	}
	return seeOther(c, "/sign-in")
}
