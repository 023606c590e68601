package azure

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
)

// The grant types of the token endpoint; a device code has an old name too.
const (
	typeClient   = "client_credentials"
	typePassword = "password"
	typeRefresh  = "refresh_token"
	typeCode     = "authorization_code"
	typeDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	typeDevice1  = "device_code"
)

var grantTypes = []string{typeCode, typeRefresh, typeClient, typePassword, typeDevice}

// tokenAnswer is what a sign-in gives. No scope is named: a client asks again at once when it differs from the one it asked for.
type tokenAnswer struct {
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token,omitempty"`
	ID      string `json:"id_token,omitempty"`
}

// token answers POST /adfs/oauth2/token.
func (s *SignIn) token(c echo.Context) error {
	fields, err := form(c)
	if err != nil {
		return err
	}
	signed, err := s.grant(c, fields)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Pragma", "no-cache")
	return c.JSON(http.StatusOK, tokenAnswer{
		Type: "Bearer", Expires: int(account.AccessAge.Seconds()), Access: signed.Access, Refresh: signed.Refresh, ID: signed.ID,
	})
}

func (s *SignIn) grant(c echo.Context, fields url.Values) (account.Signed, error) {
	kind := fields.Get("grant_type")
	if kind == typeClient {
		return s.byClient(c, fields)
	}
	if !slices.Contains(grantTypes, kind) && kind != typeDevice1 {
		return account.Signed{}, badRequest("unsupported_grant_type", "The grant_type is one of client_credentials, password, authorization_code, refresh_token and %s.", typeDevice)
	}
	id, err := clientID(fields)
	if err != nil {
		return account.Signed{}, err
	}
	ctx, by := c.Request().Context(), s.asking(c, id)
	switch kind {
	case typePassword:
		return s.byPassword(c, fields, by)
	case typeRefresh:
		return s.SignIns.Refresh(ctx, fields.Get("refresh_token"), by)
	case typeCode:
		return s.SignIns.Redeem(ctx, fields.Get("code"), fields.Get("redirect_uri"), fields.Get("code_verifier"), by)
	}
	code := fields.Get("device_code")
	if code == "" {
		code = fields.Get("code") // as old clients send it
	}
	return s.SignIns.PollDevice(ctx, code, by)
}

// byClient gives tokens to a program with a client id and a secret, in the body or as Basic.
func (s *SignIn) byClient(c echo.Context, fields url.Values) (account.Signed, error) {
	id, secret := fields.Get("client_id"), fields.Get("client_secret")
	if name, password, ok := c.Request().BasicAuth(); ok && secret == "" {
		id, secret = name, password
	}
	switch {
	case fields.Get("client_assertion") != "":
		return account.Signed{}, unauthenticated("invalid_client", "Dockbell takes no client assertions (--federated-token, certificates). Sign in with a client secret.")
	case id == "" || secret == "":
		return account.Signed{}, unauthenticated("invalid_client", "client_id or client_secret is missing.")
	}
	p, err := s.Credentials.Prove(c, id, secret)
	if err == nil && (p.Kind != account.KindToken || !account.IsClientID(p.ID)) {
		err = fault.New(fault.Unauthenticated, "This is no service principal.")
	}
	if fault.Is(err, fault.Unauthenticated) {
		return account.Signed{}, unauthenticated("invalid_client", "That client id and secret don’t match. Secrets are made in the portal (Settings, API tokens) or by dockbell token create.")
	}
	if err != nil {
		return account.Signed{}, err
	}
	return s.SignIns.Begin(c.Request().Context(), p, account.BySecret, s.asking(c, p.ID))
}

// byPassword gives tokens to a client that a person told their password.
func (s *SignIn) byPassword(c echo.Context, fields url.Values, by account.Asking) (account.Signed, error) {
	p, err := s.Credentials.Prove(c, fields.Get("username"), fields.Get("password"))
	if err == nil && p.Kind != account.KindUser {
		err = fault.New(fault.Unauthenticated, "This is no user.")
	}
	if fault.Is(err, fault.Unauthenticated) {
		return account.Signed{}, unauthenticated("invalid_grant", "That user name and password don’t match.")
	}
	if err != nil {
		return account.Signed{}, err
	}
	return s.SignIns.Begin(c.Request().Context(), p, account.ByPassword, by)
}

func unauthenticated(name, sentence string) error {
	return &fault.Error{Code: fault.Unauthenticated, Field: name, Message: sentence}
}
