package portal

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/audit"
	"dockbell/views"
)

// Record is what the audit log reads.
type Record interface {
	Audit(ctx context.Context, f audit.Filter) (audit.Page, error)
}

// audit shows a page of the record of changes.
func (p *Portal) audit(c echo.Context) error {
	q := c.QueryParams()
	list := views.Audit{Text: searchText(q), Now: p.Now()}
	f := audit.Filter{Text: list.Text, Before: int64(deliveryID(q.Get("before"))), After: int64(deliveryID(q.Get("after"))), Limit: pageSize}
	var err error
	if list.Page, err = p.Record.Audit(c.Request().Context(), f); err != nil {
		return err
	}
	return render(c, http.StatusOK, views.AuditPage(p.settingsShell(c, views.AtAudit, "Audit log"), list))
}
