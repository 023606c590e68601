package azure

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
)

// authorize answers GET /adfs/oauth2/authorize, which a program opens in a person's browser: it keeps what is asked and goes
// on to the portal's page, which knows who the person is. A wrong client or redirect is told to the person, for the browser
// must not be led there; anything else goes back to the program.
func (s *SignIn) authorize(c echo.Context) error {
	asked := account.BrowserRequest{
		Client: c.QueryParam("client_id"), ResponseType: c.QueryParam("response_type"), ResponseMode: c.QueryParam("response_mode"),
		Redirect: c.QueryParam("redirect_uri"), State: c.QueryParam("state"), Nonce: c.QueryParam("nonce"),
		Challenge: c.QueryParam("code_challenge"), ChallengeMethod: c.QueryParam("code_challenge_method"),
	}
	if err := errors.Join(account.CheckClient(asked.Client), account.CheckRedirect(asked.Redirect)); err != nil {
		return c.String(http.StatusBadRequest, fault.All(err)[0].Message+"\n")
	}
	request, err := s.SignIns.StartBrowser(c.Request().Context(), asked, asker(c, asked.Client))
	if all := fault.All(err); len(all) > 0 && all[0].Code == fault.Invalid {
		back := account.Code{Redirect: asked.Redirect, State: asked.State}
		return c.Redirect(http.StatusSeeOther, back.BackTo(url.Values{"error": {all[0].Field}, "error_description": {all[0].Message}}))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/authorize?"+url.Values{"request": {request}}.Encode())
}
