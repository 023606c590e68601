package portal

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/audit"
	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Inboxes is what the page of a registry's inboxes needs.
type Inboxes interface {
	AddInbox(ctx context.Context, box delivery.Inbox, most int) error // LimitReached when the registry has most already
	Inbox(ctx context.Context, token string) (delivery.Inbox, error)
	Inboxes(ctx context.Context, name registry.Name) ([]delivery.Inbox, error) // newest first
	SetInboxAnswer(ctx context.Context, token string, a delivery.Answer) error
	DeleteInbox(ctx context.Context, token string) error
	Received(ctx context.Context, token string, before int64, n int) ([]delivery.Received, error) // newest first; before 0 is from the newest
}

// inboxRoutes are the page that shows what came to a registry's inboxes and its commands.
func (p *Portal) inboxRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/registries/:registry/inbox", Permission: account.Read, Handler: p.inbox},
		{Method: http.MethodPost, Path: "/registries/:registry/inbox", Permission: account.Write, Handler: p.createInbox},
		{Method: http.MethodPost, Path: "/registries/:registry/inbox/:token/answer", Permission: account.Write, Handler: p.answerInbox},
		{Method: http.MethodPost, Path: "/registries/:registry/inbox/:token/delete", Permission: account.Write, Handler: p.deleteInbox},
	}
}

// inbox shows the inboxes of a registry and what came to one of them: the one named by the address, else the newest.
func (p *Portal) inbox(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	return p.showInbox(c, http.StatusOK, reg, c.QueryParam("box"), func(*views.OpenInbox) {})
}

// showInbox answers with the page; change adds what was typed and what is wrong about it.
func (p *Portal) showInbox(c echo.Context, status int, reg registry.Registry, token string, change func(*views.OpenInbox)) error {
	ctx := c.Request().Context()
	page := views.InboxPage{Registry: reg.Name, MayWrite: mayWrite(ctx, reg.Name)}
	boxes, err := p.Inboxes.Inboxes(ctx, reg.Name)
	if err != nil {
		return err
	}
	for _, box := range boxes {
		page.Boxes = append(page.Boxes, views.InboxBox{Inbox: box, Address: p.inboxAddress(box.Token)})
	}
	if token == "" && len(boxes) > 0 {
		token = boxes[0].Token
	}
	if token != "" {
		if page.Open, err = p.openInbox(ctx, reg.Name, token, c.QueryParam("before")); err != nil {
			return err
		}
		change(page.Open)
	}
	if page.Shell, err = p.registryShell(c, reg, views.AtInbox, "Inbox", registryCrumbs(reg, "Inbox")...); err != nil {
		return err
	}
	return render(c, status, views.Inbox(page))
}

// openInbox reads an inbox with a page of what came to it.
func (p *Portal) openInbox(ctx context.Context, reg registry.Name, token, before string) (*views.OpenInbox, error) {
	box, err := p.inboxOf(ctx, reg, token)
	if err != nil {
		return nil, err
	}
	who, _ := auth.PrincipalOf(ctx)
	open := &views.OpenInbox{
		InboxBox: views.InboxBox{Inbox: box, Address: p.inboxAddress(token)}, Before: int64(deliveryID(before)),
		Status: strconv.Itoa(box.Answer.Code()), Delay: strconv.Itoa(int(box.Answer.Delay / time.Second)),
		Clear: who.May(account.Secrets, reg),
	}
	open.Received, err = p.Inboxes.Received(ctx, token, open.Before, pageSize+1)
	if len(open.Received) > pageSize {
		open.Received, open.Older = open.Received[:pageSize], true
	}
	return open, err
}

// inboxOf reads an inbox; one of another registry is not there.
func (p *Portal) inboxOf(ctx context.Context, reg registry.Name, token string) (delivery.Inbox, error) {
	box, err := p.Inboxes.Inbox(ctx, token)
	if err == nil && !box.Registry.Is(reg) {
		err = &fault.Error{Code: fault.NotFound, Field: "inbox", Message: "This registry has no such inbox. It may have been deleted."}
	}
	return box, err
}

// inboxAddress is the absolute address to which requests are sent.
func (p *Portal) inboxAddress(token string) string { return p.PublicURL + "/inbox/" + token }

// newInbox adds an inbox to a registry.
func (p *Portal) newInbox(ctx context.Context, reg registry.Name) (delivery.Inbox, error) {
	box := delivery.Inbox{Token: rand.Text(), Registry: reg, Created: p.Now()}
	return box, p.Inboxes.AddInbox(ofInbox(ctx, "inbox.create", reg), box, delivery.InboxesEach)
}

// ofInbox is a context in which the next change is recorded as action on an inbox. Its token is as good as a password.
func ofInbox(ctx context.Context, action string, reg registry.Name) context.Context {
	return audit.Note(ctx, audit.Entry{Action: action, Registry: string(reg), Object: "inbox"})
}

func (p *Portal) createInbox(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	box, err := p.newInbox(c.Request().Context(), reg.Name)
	if fault.Is(err, fault.LimitReached) {
		return p.done(c, views.InboxPath(reg.Name), ui.Toast{Kind: "bad", Title: "No inbox was created", Text: fault.All(err)[0].Message})
	}
	if err != nil {
		return err
	}
	return p.done(c, views.InboxOf(reg.Name, box.Token), ui.Toast{Kind: "ok", Title: "Inbox created", Text: "Requests to its address appear on this page."})
}

// answerInbox sets what an inbox replies.
func (p *Portal) answerInbox(c echo.Context) error {
	ctx, token := c.Request().Context(), c.Param("token")
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	if _, err = p.inboxOf(ctx, reg.Name, token); err != nil {
		return err
	}
	a, wrong := answerIn(c)
	if len(wrong) > 0 {
		return p.showInbox(c, http.StatusUnprocessableEntity, reg, token, func(o *views.OpenInbox) {
			o.Status, o.Delay, o.Errors = c.FormValue("status"), c.FormValue("delay"), wrong
		})
	}
	if err := p.Inboxes.SetInboxAnswer(ctx, token, a); err != nil {
		return err
	}
	return p.done(c, views.InboxOf(reg.Name, token), ui.Toast{Kind: "ok", Title: "Answer saved", Text: "It counts from the next request on."})
}

// answerIn reads the form of an answer; wrong has a message for each field that cannot be taken.
func answerIn(c echo.Context) (a delivery.Answer, wrong map[string]string) {
	wrong = map[string]string{}
	status, err := strconv.Atoi(strings.TrimSpace(c.FormValue("status")))
	if err != nil || status < 200 || status > 599 {
		wrong["status"] = "The status is a number from 200 to 599."
	}
	most := int(delivery.InboxDelay / time.Second)
	seconds, err := strconv.Atoi(strings.TrimSpace(c.FormValue("delay")))
	if err != nil || seconds < 0 || seconds > most {
		wrong["delay"] = "The delay is a whole number of seconds from 0 to " + strconv.Itoa(most) + "."
	}
	return delivery.Answer{Status: status, Delay: time.Duration(seconds) * time.Second}, wrong
}

func (p *Portal) deleteInbox(c echo.Context) error {
	ctx, token := c.Request().Context(), c.Param("token")
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	if _, err := p.inboxOf(ctx, reg.Name, token); err != nil {
		return err
	}
	if err := p.Inboxes.DeleteInbox(ofInbox(ctx, "inbox.delete", reg.Name), token); err != nil {
		return err
	}
	return p.done(c, views.InboxPath(reg.Name), ui.Toast{Kind: "ok", Title: "Inbox deleted", Text: "What is sent to its address is answered 404 from now on."})
}
