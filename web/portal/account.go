package portal

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/views"
	"dockbell/views/ui"
)

// account shows who is signed in.
func (p *Portal) account(c echo.Context) error {
	return p.accountPage(c, http.StatusOK, nil)
}

func (p *Portal) accountPage(c echo.Context, status int, said map[string]string) error {
	programs, err := p.SignIns.List(c.Request().Context(), who(c).ID)
	if err != nil {
		return err
	}
	s := p.shell(c, "My account", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "My account"})
	return render(c, status, views.AccountPage(s, views.Account{Errors: said, SignIns: programs}))
}

// changePassword gives the one signed in a new password; their other sessions end, this one goes on.
func (p *Portal) changePassword(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	me, current, password := who(c), form.Get("current"), form.Get("password")
	if err := p.Limits.Check(c.RealIP(), me.Name); err != nil {
		retryAfter(c, err)
		return p.accountPage(c, http.StatusTooManyRequests, map[string]string{"current": sentenceOf(http.StatusTooManyRequests, err)})
	}
	u, err := p.newPassword(c, current, password, form.Get("password2"))
	if said := fieldErrors(err); said != nil {
		if said["current"] != "" {
			p.Limits.Failed(c.RealIP(), me.Name)
		}
		return p.accountPage(c, http.StatusUnprocessableEntity, said)
	}
	if err != nil {
		return err
	}
	if err := p.Sessions.Begin(c, u); err != nil {
		return err
	}
	return p.done(c, "/account", ui.Toast{Kind: "ok", Title: "Your password is changed", Text: "Your other sessions have ended."})
}

func (p *Portal) newPassword(c echo.Context, current, password, repeated string) (account.User, error) {
	me := who(c)
	if err := repeatedWell(password, repeated, me.Name); err != nil {
		return account.User{}, err
	}
	return p.Accounts.ChangePassword(c.Request().Context(), me.ID, current, password)
}

// repeatedWell refuses a password that was typed in two ways, and says what else is wrong with it.
func repeatedWell(password, repeated, name string) error {
	if password == repeated {
		return nil
	}
	return errors.Join(account.CheckPassword(password, name), fault.In("password2", "The two passwords differ."))
}
