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
}

// manyLines is how many webhooks the page lists.
const manyLines = 100

// members shows the servers that share the work, what waits, and what is wrong.
func (p *Portal) members(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := p.Members.Members(ctx)
	if err != nil {
		return err
	}
	queue, err := p.Members.Queue(ctx, manyLines)
	if err != nil {
		return err
	}
	facts := doctor.Facts{Now: p.Now(), Members: all, Queue: queue}
	return render(c, http.StatusOK, views.MembersPage(p.settingsShell(c, views.AtMembers, "Servers"), views.Members{Facts: facts, Findings: doctor.Examine(facts)}))
}
