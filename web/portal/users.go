package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/views"
	"dockbell/views/ui"
)

// users lists who may sign in.
func (p *Portal) users(c echo.Context) error {
	page, err := p.usersPage(c, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

func (p *Portal) usersPage(c echo.Context, overlay templ.Component) (templ.Component, error) {
	all, err := p.Accounts.Users.Users(c.Request().Context())
	if err != nil {
		return nil, err
	}
	s := p.settingsShell(c, views.AtUsers, "Users")
	s.Overlay = overlay
	return views.UsersPage(s, views.Users{All: all}), nil
}

func (p *Portal) overUsers(c echo.Context, status int, overlay templ.Component) error {
	return over(c, status, overlay, func() (templ.Component, error) { return p.usersPage(c, overlay) })
}

// newUser asks for a new user.
func (p *Portal) newUser(c echo.Context) error {
	return p.overUsers(c, http.StatusOK, views.UserPanel(views.UserForm{Role: string(account.Reader)}))
}

// addUser makes one.
func (p *Portal) addUser(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	d := account.UserDraft{Name: strings.TrimSpace(form.Get("name")), Password: form.Get("password"), Role: form.Get("role")}
	u, err := p.Accounts.CreateUser(c.Request().Context(), d)
	if said := fieldErrors(err); said != nil {
		return p.overUsers(c, http.StatusUnprocessableEntity, views.UserPanel(views.UserForm{Name: d.Name, Role: d.Role, Errors: said}))
	}
	if err != nil {
		return err
	}
	return p.done(c, usersPath, ui.Toast{Kind: "ok", Title: u.Name + " may sign in now", Text: "Role: " + u.Role.Title() + "."})
}

// userOf gives the user that the path names.
func (p *Portal) userOf(c echo.Context) (account.User, error) {
	u, err := p.Accounts.Users.User(c.Request().Context(), c.Param("user"))
	if fault.Is(err, fault.NotFound) {
		f := fault.New(fault.NotFound, "There is no such user. Somebody may have deleted them.").Because(err)
		f.Field = "user"
		return u, f
	}
	return u, err
}

// editUser shows the role of a user, to be changed.
func (p *Portal) editUser(c echo.Context) error {
	u, err := p.userOf(c)
	if err != nil {
		return err
	}
	return p.overUsers(c, http.StatusOK, views.UserPanel(views.UserForm{ID: u.ID, Name: u.Name, Role: string(u.Role)}))
}

// changeUser stores a role and, unless it was left empty, a password: both or none.
func (p *Portal) changeUser(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	u, err := p.userOf(c)
	if err != nil {
		return err
	}
	role, password := form.Get("role"), form.Get("password")
	changed, err := p.change(c.Request().Context(), u, role, password)
	if said := fieldErrors(err); said != nil {
		said["role"] = anyOf(said, "role")
		panel := views.UserPanel(views.UserForm{ID: u.ID, Name: u.Name, Role: role, Errors: said})
		return p.overUsers(c, http.StatusUnprocessableEntity, panel)
	}
	if err != nil {
		return err
	}
	if password != "" && u.ID == who(c).ID { // the new password would end this session too
		if err := p.Sessions.Begin(c, changed); err != nil {
			return err
		}
	}
	t := ui.Toast{Kind: "ok", Title: u.Name + " is changed", Text: "Role: " + changed.Role.Title() + "."}
	if password != "" {
		t.Text += " The old password’s sessions have ended."
	}
	return p.done(c, usersPath, t)
}

func (p *Portal) change(ctx context.Context, u account.User, role, password string) (account.User, error) {
	_, refused := account.ParseRole(role)
	if password != "" {
		refused = errors.Join(refused, account.CheckPassword(password, u.Name))
	}
	if refused != nil {
		return u, refused
	}
	u, err := p.Accounts.SetRole(ctx, u.ID, role)
	if err != nil || password == "" {
		return u, err
	}
	return p.Accounts.SetPassword(ctx, u.ID, password)
}

// askDeleteUser says what goes with a user.
func (p *Portal) askDeleteUser(c echo.Context) error {
	u, err := p.userOf(c)
	if err != nil {
		return err
	}
	return p.overUsers(c, http.StatusOK, views.UserDelete(u))
}

// deleteUser removes one.
func (p *Portal) deleteUser(c echo.Context) error {
	u, err := p.userOf(c)
	if err != nil {
		return err
	}
	err = p.Accounts.DeleteUser(c.Request().Context(), u.ID)
	if fault.Is(err, fault.Conflict) {
		return p.done(c, usersPath, ui.Toast{Kind: "bad", Title: u.Name + " was not deleted", Text: sentenceOf(http.StatusConflict, err)})
	}
	if err != nil {
		return err
	}
	return p.done(c, usersPath, ui.Toast{Kind: "ok", Title: u.Name + " is deleted", Text: "Their sessions have ended."})
}
