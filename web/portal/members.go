package portal

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/doctor"
	"dockbell/views"
)

// Members is what the page of the servers shows.
type Members interface {
	Members(ctx context.Context) ([]doctor.Member, error)
	Queue(ctx context.Context, most int) (doctor.Queue, error) // with the lines of so many webhooks
	Mails(ctx context.Context) (doctor.Mails, error)
	FullSources(ctx context.Context) ([]doctor.FullSource, error)
}

// manyLines is how many webhooks the page lists.
const manyLines = 100

// members shows the servers that share the work, what waits, and what is wrong.
func (p *Portal) members(c echo.Context) error {
	ctx := c.Request().Context()
	facts, err := p.facts(ctx)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.MembersPage(p.settingsShell(c, views.AtMembers, "Servers"), views.Members{Facts: facts, Findings: doctor.Examine(facts)}))
}

func (p *Portal) facts(ctx context.Context) (f doctor.Facts, err error) {
	f.Now = p.Now()
	if f.Members, err = p.Members.Members(ctx); err != nil {
		return f, err
	}
	if f.Queue, err = p.Members.Queue(ctx, manyLines); err != nil {
		return f, err
	}
	if f.Mails, err = p.Members.Mails(ctx); err != nil {
		return f, err
	}
	f.Full, err = p.Members.FullSources(ctx)
	return f, err
}
