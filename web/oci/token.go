package oci

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// maxForm is the largest form of the token service.
const maxForm = 64 << 10

// tokenAnswer is what Docker's token protocol answers; clients read either name of the token.
type tokenAnswer struct {
	Token        string `json:"token"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	IssuedAt     string `json:"issued_at"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

// giveToken answers GET /oauth2/token: a token for who sends Basic credentials, or for everybody where everybody may pull.
func (d *Door) giveToken(c echo.Context) error {
	return d.issue(c, visitOf(c), c.QueryParams()["scope"], "")
}

func (d *Door) issue(c echo.Context, v visit, scopes []string, refresh string) error {
	if v.granted != nil {
		return fault.New(fault.Unauthenticated, "A token does not give another one. Send user name and password.")
	}
	if !v.named() && !v.reg.Policies.AnonymousPull {
		return fault.New(fault.Unauthenticated, "Sign in with Basic: %s does not let everybody pull.", v.reg.Name)
	}
	now := d.Now().UTC()
	token, err := d.sealPass(pass{
		Kind: v.who.Kind, ID: v.who.ID, Name: v.who.Name, Role: v.who.Role, Narrow: v.who.Registry,
		Registry: v.reg.Name, Grants: v.grantsFor(scopes), Expires: now.Add(passAge).Unix(),
		Rights: v.who.Narrow.Rights, Repositories: v.who.Narrow.Repositories,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokenAnswer{
		Token: token, AccessToken: token, ExpiresIn: int(passAge.Seconds()), IssuedAt: now.Format(time.RFC3339), RefreshToken: refresh,
	})
}

// grantToken answers POST /oauth2/token, the same as OAuth2 writes it. A refresh token is a Bearer of this installation:
// unlike one that we would sign, it ends when it is revoked.
func (d *Door) grantToken(c echo.Context) error {
	r := c.Request()
	if err := readForm(c); err != nil {
		return err
	}
	v := visitOf(c)
	refresh := ""
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "password":
		r.SetBasicAuth(r.PostForm.Get("username"), r.PostForm.Get("password"))
		if err := d.prove(c, &v); err != nil {
			return err
		}
	case "refresh_token":
		refresh = r.PostForm.Get("refresh_token")
		p, err := d.Credentials.Prover.Bearer(r.Context(), refresh)
		if err != nil {
			return err
		}
		v.who = p
	default:
		return refuse(http.StatusBadRequest, codeUnsupported, "grant_type is password or refresh_token.")
	}
	return d.issue(c, v, r.PostForm["scope"], refresh)
}

// exchange answers POST /oauth2/exchange: it turns a Bearer of this installation into a refresh token, which it is itself.
func (d *Door) exchange(c echo.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	token := c.Request().PostForm.Get("access_token")
	if grant := c.Request().PostForm.Get("grant_type"); !strings.HasPrefix(grant, "access_token") {
		return refuse(http.StatusBadRequest, codeUnsupported, "grant_type is access_token.")
	}
	p, err := d.Credentials.Prover.Bearer(c.Request().Context(), token)
	if err != nil {
		return err
	}
	if p.Registry != "" && !p.Registry.Is(visitOf(c).reg.Name) {
		return fault.New(fault.Forbidden, "This token is for the registry %s alone.", p.Registry)
	}
	return c.JSON(http.StatusOK, map[string]string{"refresh_token": token})
}

func readForm(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return refuse(http.StatusBadRequest, codeUnsupported, "The form cannot be read.")
	}
	return nil
}
