package portal

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
)

// useInbox makes an inbox and puts its address into the form's service URI: for those who have no endpoint at hand.
func (p *Portal) useInbox(c echo.Context, reg registry.Registry, form views.WebhookForm) error {
	token := newInboxToken()
	box := delivery.Inbox{Token: token, Registry: reg.Name, Created: p.Now()}
	status := http.StatusOK
	switch err := p.Inboxes.AddInbox(ofInbox(c.Request().Context(), "inbox.create", reg.Name), box, delivery.InboxesEach); {
	case err == nil:
		form.URI, form.Inbox = p.inboxURL(token), true
	case fault.Is(err, fault.LimitReached):
		status, form.Errors = http.StatusUnprocessableEntity, map[string]string{"serviceUri": messageOf(err)}
	default:
		return err
	}
	if isFragment(c) {
		return render(c, status, views.URIField(form))
	}
	return p.showForm(c, status, reg, form)
}

// inboxURL is the address that an inbox is called at.
func (p *Portal) inboxURL(token string) string {
	return strings.TrimSuffix(p.PublicURL, "/") + "/inbox/" + token
}

// newInboxToken makes an unguessable token of 256 bits.
func newInboxToken() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}
