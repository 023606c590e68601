package azure

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

// passwordNames are Azure's names of the two access keys.
var passwordNames = []string{"password", "password2"}

type credentialsJSON struct {
	Username  registry.Name  `json:"username"`
	Passwords []passwordJSON `json:"passwords"`
}

type passwordJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func answerCredentials(c echo.Context, r registry.Registry, k registry.AccessKeys) error {
	answer := credentialsJSON{Username: r.Name}
	for i, name := range passwordNames {
		answer.Passwords = append(answer.Passwords, passwordJSON{name, k[i]})
	}
	return c.JSON(http.StatusOK, answer)
}

// listCredentials gives the passwords of the registry's admin user.
func (d *Door) listCredentials(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	r, keys, err := d.Registries.AccessKeys(c.Request().Context(), r.Name)
	if err != nil {
		return err
	}
	return answerCredentials(c, r, keys)
}

// regenerateCredential gives the admin user one new password; the old one is worth nothing from then on.
func (d *Door) regenerateCredential(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	b, err := readBody(c)
	if err != nil {
		return err
	}
	name := b.required("name")
	if len(*b.wrong) > 0 {
		return (*b.wrong)[0]
	}
	which := slices.Index(passwordNames, *name)
	if which < 0 {
		return fault.In("name", "The name is password or password2.")
	}
	r, keys, err := d.Registries.RenewAccessKey(c.Request().Context(), r.Name, which)
	if err != nil {
		return err
	}
	return answerCredentials(c, r, keys)
}
