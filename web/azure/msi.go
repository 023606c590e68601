package azure

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
)

// identityAnswer is what the services of managed identities answer; the times are texts.
type identityAnswer struct {
	Access   string `json:"access_token"`
	Client   string `json:"client_id"`
	Expires  string `json:"expires_on"`
	Resource string `json:"resource"`
	Type     string `json:"token_type"`
}

// identity answers /msi/token, where a program's surroundings have put a secret in its environment so that it need not hold
// one: the Bearer of an API token, in whichever of the places its client puts it.
func (s *SignIn) identity(c echo.Context) error {
	r := c.Request()
	resource, secret := c.QueryParam("resource"), r.Header.Get("secret")
	switch {
	case secret != "":
	case r.Header.Get("X-IDENTITY-HEADER") != "":
		secret = r.Header.Get("X-IDENTITY-HEADER")
	case !strings.EqualFold(r.Header.Get("Metadata"), "true"): // a page of another site can send a browser here, but not with a header of its own
		return badRequest("invalid_request", "The header Metadata: true is missing.")
	default:
		secret = c.QueryParam("key")
	}
	if r.Method == http.MethodPost {
		fields, err := form(c)
		if err != nil {
			return err
		}
		resource = fields.Get("resource")
	}
	return s.identified(c, secret, resource)
}

func (s *SignIn) identified(c echo.Context, secret, resource string) error {
	if secret == "" {
		return unauthenticated("invalid_client", "The secret of the identity is missing: MSI_ENDPOINT needs ?key= with the token of an API token, or MSI_SECRET has to hold it.")
	}
	p, err := s.SignIns.Service.Bearer(c.Request().Context(), secret)
	if err != nil {
		return err
	}
	signed, err := s.SignIns.Begin(c.Request().Context(), p, account.ByIdentity, s.asking(c, p.ID))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, identityAnswer{
		Access: signed.Access, Client: p.ID, Expires: strconv.FormatInt(signed.Expires.Unix(), 10), Resource: resource, Type: "Bearer",
	})
}
