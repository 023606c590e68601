package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"dockbell/web/auth"
)

// anyCase is a door whose addresses are compared without regard to case.
type anyCase struct{ door }

func (anyCase) AnyCase() {}

// TestFoldedAddresses: words of a route in its own spelling, names as they were typed, other doors untouched.
func TestFoldedAddresses(t *testing.T) {
	told := func(c echo.Context) error {
		return c.String(http.StatusOK, c.Path()+" "+c.Param("group")+" "+c.Param("name"))
	}
	h := New(options(io.Discard), Doors{
		anyCase{door{prefixes: []string{"/subscriptions"}, routes: []auth.Route{
			get("/subscriptions/:group", told), get("/subscriptions/:group/providers/Microsoft.X/things/:name", told),
		}}},
		door{prefixes: []string{"/"}, routes: []auth.Route{get("/Page", told)}},
	})
	for path, want := range map[string]string{
		"/subscriptions/A":    "200 /subscriptions/:group A ",
		"//SUBSCRIPTIONS//a/": "200 /subscriptions/:group a ",
		"/Subscriptions/G/PROVIDERS/microsoft.x/THINGS/MyThing": "200 /subscriptions/:group/providers/Microsoft.X/things/:name G MyThing",
		"/subscriptions/G/providers/Microsoft.X/things/a%2Fb":   "200 /subscriptions/:group/providers/Microsoft.X/things/:name G a%2Fb",
		"/SUBSCRIPTIONS/G/nowhere":                              "404 /subscriptions refuses: code=404, message=Not Found",
		"/Page":                                                 "200 /Page  ",
		"/page":                                                 "404 / refuses: code=404, message=Not Found",
		"//Page":                                                "404 / refuses: code=404, message=Not Found",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://x"+path, nil))
		if got := rec.Result().Status[:3] + " " + rec.Body.String(); got != want {
			t.Errorf("%s is answered %q, want %q", path, got, want)
		}
	}
}
