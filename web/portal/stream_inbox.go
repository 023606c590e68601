package portal

import (
	"context"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/views/ui"
	"dockbell/web/auth"
)

// liveInbox adds requests to the page of an inbox as they arrive. What came never changes, so that a browser that was away
// says with Last-Event-ID which it has seen and gets those after it.
type liveInbox struct {
	p     *Portal
	reg   registry.Name
	token string
	seen  int64
}

func (p *Portal) liveInbox(c echo.Context, reg registry.Registry) live {
	l := &liveInbox{p: p, reg: reg.Name, token: c.QueryParam("box")}
	l.seen = int64(deliveryID(c.QueryParam("after")))
	if last, err := strconv.ParseInt(c.Request().Header.Get("Last-Event-ID"), 10, 64); err == nil {
		l.seen = max(l.seen, last)
	}
	return l
}

func (l *liveInbox) key(u delivery.Update) string {
	if l.token == "" || u.Inbox != l.token {
		return ""
	}
	return rowsKey
}

func (l *liveInbox) renew(ctx context.Context, b *board, _ []string) error {
	if _, err := l.p.inboxOf(ctx, l.reg, l.token); err != nil {
		return err
	}
	newest, err := l.p.Inboxes.Received(ctx, l.token, 0, pageSize)
	if err != nil {
		return err
	}
	who, _ := auth.PrincipalOf(ctx)
	var top strings.Builder
	for _, r := range newest {
		if r.ID <= l.seen {
			break
		}
		top.WriteString(b.draw(views.ReceivedLine(views.ReceivedRow{
			Received: r, Token: l.token, Open: true, Clear: who.May(account.Secrets, l.reg), Shell: views.Shell{Now: l.p.Now()},
		})))
	}
	if top.Len() > 0 {
		b.send("#rq-none", "delete", "")
		b.send("#rq-list", "afterbegin", top.String())
		l.seen = newest[0].ID
		b.id = strconv.FormatInt(l.seen, 10)
	}
	b.put(".fresh", "outerHTML", ui.Fresh(true, l.p.Now()))
	return nil
}
