package portal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
)

// readCases reads a case file of testdata.
func readCases[T any](t *testing.T, name string) []T {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []T }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s has no cases", name)
	}
	return file.Cases
}

func TestOpenRedirects(t *testing.T) {
	h := newHouse(t)
	h.person(owner, account.Owner)
	type redirect struct {
		ID, Next string
		Expect   struct {
			RedirectTo string `json:"redirect_to"`
		}
	}
	for _, c := range readCases[redirect](t, "open_redirects.json") {
		t.Run(c.ID, func(t *testing.T) {
			h.browser().Post("/sign-in", "username", owner, "password", password, "next", c.Next).Leads(c.Expect.RedirectTo)
			b := h.browser()
			page := b.Get("/sign-in?" + url.Values{"next": {c.Next}}.Encode()).Status(http.StatusOK)
			if got := page.Find("input[name=next]").AttrOr("value", ""); got != c.Expect.RedirectTo {
				t.Errorf("the form carries %q", got)
			}
			b.SignIn(owner, password)
			b.Post("/preferences/theme", "theme", "dark", "next", c.Next).Leads(c.Expect.RedirectTo)
		})
	}
}

func TestRequestsOfOtherSites(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	type crossing struct {
		ID      string
		Request struct {
			Method, Host string
			Headers      map[string]string
		}
		Expect struct {
			Allowed bool
			Status  int `json:"status_if_blocked"`
		}
	}
	for _, c := range readCases[crossing](t, "csrf_requests.json") {
		t.Run(c.ID, func(*testing.T) {
			b.Header = http.Header{"Origin": nil}
			for name, value := range c.Request.Headers {
				b.Header.Set(name, strings.ReplaceAll(value, "https://"+c.Request.Host, h.url)) // our host stands for theirs
			}
			want := c.Expect.Status
			if c.Expect.Allowed {
				want = http.StatusSeeOther
			}
			b.Do(c.Request.Method, "/preferences/theme", url.Values{"theme": {"dark"}}).Status(want)
		})
	}
}

// authCases are the scripts of auth_http.json that the portal alone decides. The others are about the listener.
var authCases = map[string]func(t *testing.T, h *house){
	"AUTH-001": signInRenewsTheSession,
	"AUTH-002": chosenSessionIsWorthNothing,
	"AUTH-005": newPasswordEndsOtherSessions,
	"AUTH-007": sessionsEnd,
	"AUTH-008": guessingIsSlowedDown,
	"AUTH-009": sprayingIsSlowedDown,
	"AUTH-010": forwardedForIsNotBelieved,
	"AUTH-011": unknownUsersLookLikeKnownOnes,
	"AUTH-013": commonPasswordsAreRefused,
	"AUTH-020": func(*testing.T, *house) {}, // TestNobodySeesMoreThanSignIn
	"AUTH-021": otherRegistrysWebhookIsNotThere,
	"AUTH-022": unusualMethodsAreRefused,
	"AUTH-024": everyPageCarriesItsHeaders,
}

func TestAuthCases(t *testing.T) {
	type script struct{ ID, Why string }
	listener := []string{"AUTH-027", "AUTH-028"} // limits of the HTTP server itself
	for _, c := range readCases[script](t, "auth_http.json") {
		run, ok := authCases[c.ID]
		if !ok {
			if !slices.Contains(listener, c.ID) {
				t.Errorf("%s is not tried: %s", c.ID, c.Why)
			}
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			h := newHouse(t)
			h.person(owner, account.Owner)
			run(t, h)
		})
	}
}

func signInRenewsTheSession(t *testing.T, h *house) {
	b := h.browser()
	b.Get("/sign-in")
	b.SignIn(owner, password)
	old := b.Cookie("dockbell")
	b.SignIn(owner, password).Leads("/")
	if b.Cookie("dockbell") == old || old == "" {
		t.Errorf("the cookie stays %q", old)
	}
	thief := h.browser()
	thief.Header.Set("Cookie", "dockbell="+old)
	thief.Get("/account").Leads("/sign-in?next=%2Faccount")
}

func chosenSessionIsWorthNothing(t *testing.T, h *house) {
	b := h.browser()
	b.Header.Set("Cookie", "dockbell=chosen")
	b.SignIn(owner, password).Leads("/")
	if b.Cookie("dockbell") == "chosen" || b.Cookie("dockbell") == "" {
		t.Errorf("the server took the id %q", b.Cookie("dockbell"))
	}
	thief := h.browser()
	thief.Header.Set("Cookie", "dockbell=chosen")
	thief.Get("/account").Leads("/sign-in?next=%2Faccount")
}

func newPasswordEndsOtherSessions(_ *testing.T, h *house) {
	a, b := h.browser(), h.browser()
	a.SignIn(owner, password)
	b.SignIn(owner, password)
	b.Get("/account").Status(http.StatusOK)
	const other = "five quite other words here"
	a.Post("/account/password", "current", password, "password", other, "password2", other).Leads("/account")
	a.Get("/account").Status(http.StatusOK).Says("#toasts", "Your password is changed")
	b.Get("/account").Leads("/sign-in?next=%2Faccount")
	h.browser().SignIn(owner, password).Status(http.StatusUnprocessableEntity)
	h.browser().SignIn(owner, other).Leads("/")
}

func sessionsEnd(t *testing.T, h *house) {
	b := h.browser()
	b.SignIn(owner, password)
	h.wait(29 * time.Minute)
	b.Get("/account").Status(http.StatusOK)
	h.wait(31 * time.Minute)
	b.Get("/account").Leads("/sign-in?next=%2Faccount")
	b.SignIn(owner, password)
	for range 4 { // a page that renews itself keeps nobody signed in
		h.wait(10 * time.Minute)
		b.Get("/?live=1")
	}
	b.Get("/account").Leads("/sign-in?next=%2Faccount")

	day := newHouse(t)
	day.person(owner, account.Owner)
	b = day.browser()
	b.SignIn(owner, password)
	for range 12 * 60 / 20 {
		b.Get("/account").Status(http.StatusOK)
		day.wait(20 * time.Minute)
	}
	day.wait(time.Minute)
	b.Get("/account").Leads("/sign-in?next=%2Faccount")
}

func guessingIsSlowedDown(t *testing.T, h *house) {
	b := h.browser()
	for range 5 {
		b.SignIn(owner, "not it at all").Status(http.StatusUnprocessableEntity)
	}
	for range 5 {
		a := b.SignIn(owner, "not it at all").Status(http.StatusTooManyRequests).Says("[role=alert]", "Too many wrong tries")
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 120 {
			t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
		}
	}
	b.SignIn(owner, password).Status(http.StatusTooManyRequests)
	h.browserAt("127.0.0.2").SignIn(owner, password).Leads("/")
	h.wait(2 * time.Minute)
	b.SignIn(owner, password).Leads("/")
}

func sprayingIsSlowedDown(t *testing.T, h *house) {
	b := h.browser()
	refused := 0
	for i := range 40 {
		if b.SignIn("user"+strconv.Itoa(i), "not it at all").Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 10 {
		t.Errorf("only %d of 40 names were refused", refused)
	}
}

func forwardedForIsNotBelieved(_ *testing.T, h *house) {
	b := h.browser()
	for i := range 5 {
		b.Header.Set("X-Forwarded-For", "192.0.2."+strconv.Itoa(i))
		b.SignIn(owner, "not it at all").Status(http.StatusUnprocessableEntity)
	}
	b.Header.Set("X-Forwarded-For", "192.0.2.99")
	b.SignIn(owner, "not it at all").Status(http.StatusTooManyRequests)
}

// unknownUsersLookLikeKnownOnes compares the answers; that they take as long is the hasher's own test.
func unknownUsersLookLikeKnownOnes(t *testing.T, h *house) {
	known := h.browser().SignIn(owner, "not it at all").Status(http.StatusUnprocessableEntity)
	unknown := h.browser().SignIn("nobody", "not it at all").Status(http.StatusUnprocessableEntity)
	if strings.ReplaceAll(known.Body, owner, "nobody") != unknown.Body {
		t.Errorf("the pages differ:\n%s\n%s", known.Body, unknown.Body)
	}
}

func commonPasswordsAreRefused(t *testing.T, h *house) {
	b := h.browser()
	b.SignIn(owner, password)
	for _, word := range []string{"password1", "dockbell1", "password12345", "dockbell-2026"} {
		b.Post("/account/password", "current", password, "password", word, "password2", word).Status(http.StatusUnprocessableEntity)
		b.Post("/settings/users", "name", "ben", "role", "reader", "password", word).Status(http.StatusUnprocessableEntity)
	}
	if n, err := h.db.CountUsers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

func otherRegistrysWebhookIsNotThere(_ *testing.T, h *house) {
	h.webhook("deployprod")
	h.registry("secondregistry")
	b := h.browser()
	b.SignIn(owner, password)
	b.Get("/registries/mycontainerregistry/webhooks/deployprod").Status(http.StatusOK)
	b.Get("/registries/secondregistry/webhooks/deployprod").Status(http.StatusNotFound)
	b.Post("/registries/secondregistry/webhooks/deployprod/delete", "confirm", "deployprod").Status(http.StatusNotFound)
}

func unusualMethodsAreRefused(_ *testing.T, h *house) {
	b := h.browser()
	for _, method := range []string{"TRACE", "PROPFIND"} {
		b.Do(method, "/", nil).Status(http.StatusMethodNotAllowed)
	}
	b.SignIn(owner, password)
	b.Do(http.MethodDelete, "/account", nil).Status(http.StatusMethodNotAllowed)
}

func everyPageCarriesItsHeaders(t *testing.T, h *house) {
	h.webhook("deployprod")
	b := h.browser()
	b.SignIn(owner, password)
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
	}
	for _, r := range h.portal.Routes() {
		if r.Method != http.MethodGet || r.Stream || r.Permission == "" && !r.Public {
			continue
		}
		a := b.Get(address(r))
		if a.Code >= http.StatusInternalServerError {
			t.Errorf("%s answers %d", address(r), a.Code)
		}
		for name, value := range want {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q", address(r), name, got)
			}
		}
	}
}
