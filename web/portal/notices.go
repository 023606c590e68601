package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// Notices is what the pages of notices read and remember.
type Notices interface {
	Notices(ctx context.Context, f notice.Filter) (notice.Page, error)
	Unseen(ctx context.Context, reader string, reg registry.Name) (int, error) // of one registry or of all
	SeenUpTo(ctx context.Context, reader string) (int64, error)
	MarkSeen(ctx context.Context, reader string, upTo int64) error
	MailTrouble(ctx context.Context, reg registry.Name) (m notice.Mail, ok bool, err error)
}

// noticeRoutes are what became of webhooks, and who is told.
func (p *Portal) noticeRoutes() []auth.Route {
	const one = "/registries/:registry/notices"
	return []auth.Route{
		{Method: http.MethodGet, Path: views.AllNoticesPath, Permission: account.Read, Handler: p.allNotices},
		{Method: http.MethodGet, Path: one, Permission: account.Read, Handler: p.notices},
		{Method: http.MethodPost, Path: one, Permission: account.Write, Handler: p.tellOthers},
		{Method: http.MethodPost, Path: one + "/test", Permission: account.Write, Handler: p.testMail},
	}
}

// unseen counts for the bell. A page does not fail for it.
func (p *Portal) unseen(c echo.Context) int {
	reader := who(c).ID
	if reader == "" {
		return 0
	}
	n, err := p.Notices.Unseen(c.Request().Context(), reader, "")
	if err != nil {
		p.Log.Warn("new notices not counted", "error", err.Error())
	}
	return n
}

// allNotices shows the notices of every registry.
func (p *Portal) allNotices(c echo.Context) error {
	page, err := p.noticesOf(c, "")
	if err != nil {
		return err
	}
	if renews(c) {
		return p.renewNotices(c, page)
	}
	s := p.shell(c, "Notices", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "Notices"})
	return render(c, http.StatusOK, views.NoticesPage(s, page))
}

// notices shows those of a registry, and who is told of them.
func (p *Portal) notices(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	if renews(c) {
		page, err := p.noticesOf(c, reg.Name)
		if err != nil {
			return err
		}
		return p.renewNotices(c, page)
	}
	told, err := p.Told.Settings(c.Request().Context(), reg.Name)
	if err != nil {
		return err
	}
	form := views.NoticeForm{Recipients: views.RecipientLines(told.Recipients)}
	return p.showNotices(c, http.StatusOK, reg, form, told.WebhookID)
}

// renews reports whether the open page asks for its list alone.
func renews(c echo.Context) bool { return isFragment(c) && asked(c, "live") != "" }

// renewNotices gives an open page its list and the bell anew. Nobody need have looked at it: what is new stays so.
func (p *Portal) renewNotices(c echo.Context, page views.Notices) error {
	return render(c, http.StatusOK, templ.Join(views.NoticeList(page), views.BellNow(p.unseen(c))))
}

func (p *Portal) showNotices(c echo.Context, status int, reg registry.Registry, form views.NoticeForm, hookID string) error {
	ctx := c.Request().Context()
	var err error
	if form.Able, err = p.Told.Able(ctx, reg.Name); err != nil {
		return err
	}
	for _, w := range form.Able {
		if w.ID == hookID {
			form.Webhook = string(w.Name)
		}
	}
	form.Registry, form.Mail, form.MayWrite, form.Now = reg.Name, p.Post != nil, who(c).May(account.Write, reg.Name), p.Now()
	if trouble, bad, err := p.Notices.MailTrouble(ctx, reg.Name); err != nil {
		return err
	} else if bad {
		form.Trouble = &trouble
	}
	page, err := p.noticesOf(c, reg.Name)
	if err != nil {
		return err
	}
	page.Told = &form
	s, err := p.registryShell(c, reg, views.AtNotices, "Notices", registryCrumbs(reg, "Notices")...)
	if err != nil {
		return err
	}
	return render(c, status, views.NoticesPage(s, page))
}

// noticesOf reads a page of notices. Whoever sees the newest has seen them all: the bell counts them no more.
func (p *Portal) noticesOf(c echo.Context, reg registry.Name) (views.Notices, error) {
	ctx, reader, q := c.Request().Context(), who(c).ID, c.QueryParams()
	list := views.Notices{Registry: reg, Now: p.Now()}
	f := notice.Filter{Registry: reg, Before: int64(deliveryID(q.Get("before"))), After: int64(deliveryID(q.Get("after"))), Limit: pageSize}
	var err error
	if list.Page, err = p.Notices.Notices(ctx, f); err != nil {
		return list, err
	}
	if list.Seen, err = p.Notices.SeenUpTo(ctx, reader); err != nil {
		return list, err
	}
	if renews(c) || list.Page.Newer || len(list.Page.Notices) == 0 || list.Page.Notices[0].ID <= list.Seen {
		return list, nil
	}
	if reg != "" { // what is new in another registry stays new
		everywhere, err := p.Notices.Unseen(ctx, reader, "")
		if err != nil {
			return list, err
		}
		if here, err := p.Notices.Unseen(ctx, reader, reg); err != nil || here != everywhere {
			return list, err
		}
	}
	return list, p.Notices.MarkSeen(ctx, reader, list.Page.Notices[0].ID)
}

// tellOthers chooses who is told of a registry's webhooks.
func (p *Portal) tellOthers(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	form, err := posted(c)
	if err != nil {
		return err
	}
	typed := views.NoticeForm{Recipients: form.Get("recipients"), Webhook: form.Get("webhook")}
	err = p.Told.Replace(c.Request().Context(), reg.Name, typed.Recipients, typed.Webhook)
	if typed.Errors = fieldErrors(err); typed.Errors != nil {
		return p.showNotices(c, http.StatusUnprocessableEntity, reg, typed, "")
	}
	if err != nil {
		return err
	}
	return p.done(c, views.NoticesPath(reg.Name), ui.Toast{Kind: "ok", Title: "Saved", Text: "The next change of a webhook is told so."})
}

// testLimit is how long somebody waits for the mail server.
const testLimit = 20 * time.Second

// testMail sends a mail to everybody who is mailed notices, and says what came of it.
func (p *Portal) testMail(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	told, err := p.Told.Settings(c.Request().Context(), reg.Name)
	if err != nil {
		return err
	}
	back := views.NoticesPath(reg.Name)
	if p.Post == nil || len(told.Recipients) == 0 {
		return p.done(c, back, ui.Toast{Kind: "bad", Title: "Nobody to mail to", Text: "Configure a mail server, save an address, then send a test mail."})
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), testLimit)
	defer cancel()
	for _, to := range told.Recipients {
		err := p.Post.Send(ctx, notice.Mail{To: to, Notice: notice.Notice{Registry: reg.Name, Kind: notice.Test, At: p.Now()}})
		if err != nil {
			return p.done(c, back, ui.Toast{Kind: "bad", Title: "The test mail to " + to + " was not taken", Text: mailWords(err)})
		}
	}
	return p.done(c, back, ui.Toast{Kind: "ok", Title: "Test mail sent", Text: "The mail server took it for " + ui.Plural(len(told.Recipients), "address", "addresses") + "."})
}

// mailWords are the words of a mail server's error that were made for people.
func mailWords(err error) string {
	var said *notice.Sentence
	if errors.As(err, &said) {
		return said.Words
	}
	return "The mail server could not be spoken with. Look at Dockbell's log."
}

// belled keeps the bell of an open page up to date, beside what the page itself shows.
type belled struct {
	live
	p      *Portal
	reader string
}

// bellKey notes that there is a notice.
const bellKey = "bell"

func (b belled) key(u delivery.Update) string {
	if u.Notice {
		return bellKey
	}
	return b.live.key(u)
}

func (b belled) renew(ctx context.Context, on *board, changed []string) error {
	others := changed
	if changed != nil {
		others = make([]string, 0, len(changed))
		for _, k := range changed {
			if k != bellKey {
				others = append(others, k)
			}
		}
	}
	if changed == nil || len(others) < len(changed) {
		n, err := b.p.Notices.Unseen(ctx, b.reader, "")
		if err != nil {
			return err
		}
		on.put("#bell", "outerHTML", views.Bell(n))
	}
	if changed != nil && len(others) == 0 {
		return nil
	}
	return b.live.renew(ctx, on, others)
}
