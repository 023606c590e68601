package portal

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Fail shows a refusal as a page, or to htmx as a message. Who is not signed in is led to sign-in, whatever they asked
// for, and learns nothing of what there is.
func (p *Portal) Fail(c echo.Context, status int, err error) error {
	if failed := p.identify(c); failed != nil && status < http.StatusInternalServerError {
		status, err = http.StatusServiceUnavailable, failed
	}
	if _, known := auth.PrincipalOf(c.Request().Context()); !known {
		if closed(c, status) {
			return p.leadIn(c)
		}
		return p.failOutside(c, status, err)
	}
	if isFragment(c) {
		return p.failInPart(c, status, err)
	}
	problem := p.problem(c, status, err)
	return render(c, status, views.ProblemPage(p.shell(c, problem.Title), problem))
}

// identify finds out who makes the request where no route did: at addresses that do not exist.
func (p *Portal) identify(c echo.Context) error {
	return p.Sessions.Load(func(echo.Context) error { return nil })(c)
}

// closed reports whether a refusal of somebody unknown says no more than that they are not signed in.
func closed(c echo.Context, status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusNotFound:
		return true
	case http.StatusMethodNotAllowed:
		return isRead(c)
	}
	return false
}

func isRead(c echo.Context) bool {
	m := c.Request().Method
	return m == http.MethodGet || m == http.MethodHead
}

// leadIn sends somebody unknown to the door: sign-in, or set-up while nobody has an account.
func (p *Portal) leadIn(c echo.Context) error {
	door := "/sign-in" + nextQuery(wanted(c))
	if needed, err := p.Accounts.NeedsSetup(c.Request().Context()); err == nil && needed {
		door = "/setup"
	}
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", door)
		return c.NoContent(http.StatusUnauthorized)
	}
	return c.Redirect(http.StatusSeeOther, door)
}

// wanted is the page to come back to after signing in: what was asked for, or the page on which htmx did.
func wanted(c echo.Context) string {
	if isFragment(c) {
		at, err := url.Parse(c.Request().Header.Get("HX-Current-URL"))
		if err != nil {
			return "/"
		}
		return auth.Next(at.RequestURI())
	}
	if !isRead(c) {
		return "/"
	}
	return auth.Next(c.Request().URL.RequestURI())
}

func nextQuery(path string) string {
	if path == "/" {
		return ""
	}
	return "?" + url.Values{"next": {path}}.Encode()
}

// failOutside is the error page of somebody unknown; it shows nothing of the house.
func (p *Portal) failOutside(c echo.Context, status int, err error) error {
	title := titleOf(status)
	page := views.ProblemDoorPage(p.door(c, title), views.Problem{
		Status: status, Request: requestID(c), Title: title, Sentence: sentenceOf(status, err),
		BackText: "Sign in", BackHref: "/sign-in",
	})
	return render(c, status, page)
}

// failInPart tells htmx: a message beside the page that is open. What a page asks by itself fails quietly; it asks again.
func (p *Portal) failInPart(c echo.Context, status int, err error) error {
	if c.QueryParam(auth.Unattended) != "" {
		c.Response().Header().Set("HX-Reswap", "none")
		return c.NoContent(status)
	}
	text := sentenceOf(status, err)
	if status >= http.StatusInternalServerError {
		text += " Request " + requestID(c) + "."
	}
	return toastNow(c, status, ui.Toast{Kind: "bad", Title: titleOf(status), Text: text})
}

// problem is what the error page of somebody signed in shows.
func (p *Portal) problem(c echo.Context, status int, err error) views.Problem {
	back := p.wayBack(c)
	problem := views.Problem{
		Status: status, Request: requestID(c), Title: titleOf(status), Sentence: sentenceOf(status, err),
		BackText: back.Text, BackHref: back.Href,
	}
	if status == http.StatusNotFound {
		p.missing(c, err, &problem)
	}
	return problem
}

// wayBack is the nearest page above the one that was refused.
func (p *Portal) wayBack(c echo.Context) views.Crumb {
	steps := strings.Split(strings.Trim(c.Request().URL.Path, "/"), "/")
	switch {
	case steps[0] == "settings" && who(c).May(account.Admin, ""):
		return views.Crumb{Text: "Back to settings", Href: "/settings/users"}
	case steps[0] != "registries" || len(steps) < 3:
		return views.Crumb{Text: "Back to registries", Href: "/"}
	}
	reg, err := p.registryOf(c)
	if err != nil {
		return views.Crumb{Text: "Back to registries", Href: "/"}
	}
	at := views.RegistryPath(string(reg.Name))
	switch steps[2] {
	case views.AtWebhooks, views.AtDeliveries, views.AtEvents, views.AtRepositories:
		if len(steps) > 3 {
			return views.Crumb{Text: "Back to " + steps[2], Href: at + "/" + steps[2]}
		}
	}
	return views.Crumb{Text: "Back to " + string(reg.Name), Href: at}
}

// titles are the headings of refusals that need more than their HTTP status says.
var titles = map[int]string{
	http.StatusForbidden:             "That is not allowed",
	http.StatusNotFound:              "There is no such page",
	http.StatusMethodNotAllowed:      "That cannot be done here",
	http.StatusConflict:              "That cannot be done now",
	http.StatusGone:                  "This is no longer there",
	http.StatusRequestEntityTooLarge: "That is too large",
	http.StatusUnprocessableEntity:   "Something in it is not right",
	http.StatusTooManyRequests:       "That is too much",
	http.StatusServiceUnavailable:    "Not available right now",
}

func titleOf(status int) string {
	if t, ok := titles[status]; ok {
		return t
	}
	if status < http.StatusInternalServerError {
		return "That did not work"
	}
	return "Something went wrong on our side"
}

// sentenceOf is what a refusal says to people. What is not a fault stays in the log.
func sentenceOf(status int, err error) string {
	if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		return "The reason is in the server’s log, under this request. Try again; if it happens again, tell whoever runs this server."
	}
	var said []string
	for _, f := range fault.All(err) {
		said = append(said, f.Message)
	}
	if len(said) > 0 {
		return strings.Join(said, " ")
	}
	switch status {
	case http.StatusNotFound:
		return "The address may be mistyped, or what it showed was renamed or deleted."
	case http.StatusMethodNotAllowed:
		return "This address does not take that kind of request."
	case http.StatusRequestEntityTooLarge:
		return "Forms take up to 1 MiB."
	}
	return http.StatusText(status) + "."
}

// requestID is the id under which the log has this request.
func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
