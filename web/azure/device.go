package azure

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// deviceAnswer is RFC 8628's, with the message that az prints.
type deviceAnswer struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	Page     string `json:"verification_uri"`
	PageOld  string `json:"verification_url"`
	Complete string `json:"verification_uri_complete"`
	Expires  int    `json:"expires_in"`
	Interval int    `json:"interval"`
	Message  string `json:"message"`
}

// deviceCode answers POST /adfs/oauth2/devicecode: a code that a person confirms in the portal.
func (s *SignIn) deviceCode(c echo.Context) error {
	fields, err := form(c)
	if err != nil {
		return err
	}
	id, err := clientID(fields)
	if err != nil {
		return err
	}
	d, err := s.SignIns.StartDevice(c.Request().Context(), asker(c, id))
	if err != nil {
		return err
	}
	page := s.Pages(c.Request()) + "/device"
	return c.JSON(http.StatusOK, deviceAnswer{
		Device: d.Code, User: d.UserCode, Page: page, PageOld: page, Complete: page + "?" + url.Values{"code": {d.UserCode}}.Encode(),
		Expires: int(d.Expires.Seconds()), Interval: int(d.Interval.Seconds()),
		Message: "To sign in, open the page " + page + " in a browser and enter the code " + d.UserCode + ".",
	})
}
