package portal

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// newWebhook shows the empty form over the list.
func (p *Portal) newWebhook(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	return p.showForm(c, http.StatusOK, reg, views.NewWebhookForm(reg))
}

// createWebhook makes a webhook of the form, and pings it when that was asked for.
func (p *Portal) createWebhook(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	sent, err := c.FormParams()
	if err != nil {
		return err
	}
	form := typed(views.NewWebhookForm(reg), sent)
	if sent.Get("use") == "inbox" {
		return p.useInbox(c, reg, form)
	}
	hook, err := p.Webhooks.Create(c.Request().Context(), draftOf(form), who(c).Name)
	if err != nil {
		return p.refuseForm(c, reg, form, err)
	}
	to := views.WebhooksPath(reg.Name) + "?new=" + string(hook.Name)
	if sent.Get("then") == "ping" {
		return p.createdAndPing(c, hook, to)
	}
	return p.done(c, to, createdToast(hook))
}

// createdAndPing pings a webhook that was just made. Without JavaScript the list is shown once there is an answer; with it the
// list waits for the answer itself.
func (p *Portal) createdAndPing(c echo.Context, hook webhook.Webhook, to string) error {
	ctx := c.Request().Context()
	updates, cancel := p.Feed.Subscribe(hook.Registry)
	defer cancel()
	del, err := p.Outbox.Ping(ctx, hook.Registry, hook.Name)
	if err != nil {
		return err
	}
	if !isFragment(c) {
		if del, err = p.awaitResult(ctx, updates, del, p.patienceWith(hook)); err != nil {
			return err
		}
	}
	return p.done(c, to+"&ping="+del.ID.String(), createdToast(hook))
}

func createdToast(hook webhook.Webhook) ui.Toast {
	return ui.Toast{
		Kind: "ok", Title: string(hook.Name) + " created", Text: views.Listening(hook),
		LinkText: "Open webhook", LinkHref: views.WebhookPath(hook.Registry, hook.Name),
	}
}

// editWebhook shows the form with what is stored.
func (p *Portal) editWebhook(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	return p.showForm(c, http.StatusOK, reg, views.FormOf(reg, hook))
}

// updateWebhook stores the form. It names the version that it was made from: who changed the webhook meanwhile is not overwritten
// unseen.
func (p *Portal) updateWebhook(c echo.Context) error {
	reg, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	sent, err := c.FormParams()
	if err != nil {
		return err
	}
	form := typed(views.FormOf(reg, hook), sent)
	if form.FromList = sent.Get("from") == "list"; form.FromList {
		form.Back = views.WebhooksPath(reg.Name)
	}
	if sent.Get("use") == "inbox" {
		return p.useInbox(c, reg, form)
	}
	if form.Version < 1 {
		return fault.In("version", "The form is not complete. Open it again from the webhook’s page.")
	}
	saved, err := p.Webhooks.Update(c.Request().Context(), draftOf(form), form.Version, who(c).Name)
	if err != nil {
		return p.refuseForm(c, reg, form, err)
	}
	to := views.WebhookPath(reg.Name, saved.Name)
	if form.FromList {
		to = views.WebhooksPath(reg.Name) + "?new=" + string(saved.Name)
	}
	return p.done(c, to, ui.Toast{Kind: "ok", Title: string(saved.Name) + " saved", Text: views.Listening(saved)})
}

// typed puts what was sent into a form, as it was sent.
func typed(form views.WebhookForm, sent url.Values) views.WebhookForm {
	if form.Editing == "" {
		form.Name = sent.Get("name")
	}
	form.Location, form.URI, form.Headers = sent.Get("location"), sent.Get("serviceUri"), sent.Get("customHeaders")
	form.Actions, form.Scope = sent["actions"], sent.Get("scope")
	form.Enabled, form.Signed = sent.Get("status") == string(webhook.Enabled), sent.Get("signed") == "on"
	form.Format, form.Retry, form.Waits = sent.Get("format"), sent.Get("retry"), sent.Get("waits")
	form.Timeout, form.InFlight, form.Rate = sent.Get("timeout"), sent.Get("maxInFlight"), sent.Get("rate")
	form.Ordered = sent.Get("ordered") == "on"
	form.Version, _ = strconv.ParseInt(sent.Get("version"), 10, 64) // 0 when it is none: refused by the handler
	return form
}

// draftOf is the form as the service takes it.
func draftOf(form views.WebhookForm) webhook.Draft {
	status := webhook.Disabled
	if form.Enabled {
		status = webhook.Enabled
	}
	word, retry, timeout, inFlight, rate := string(status), retryText(form), numberOf(form.Timeout), numberOf(form.InFlight), numberOf(form.Rate)
	d := webhook.Draft{
		Registry: form.Registry.Name, Name: form.Name, Location: &form.Location, ServiceURI: &form.URI, HeaderText: &form.Headers,
		Actions: &form.Actions, Status: &word, Scope: &form.Scope, Retry: &retry, TimeoutSeconds: &timeout, Signed: &form.Signed,
		MaxInFlight: &inFlight, Rate: &rate, Ordered: &form.Ordered,
	}
	if form.Format != "" {
		d.Format = &form.Format
	}
	return d
}

// retryText is the choice as webhook.ParseRetry reads it. An own list gets a comma at its end, so that it is read as a list
// also when it is empty or says "none".
func retryText(form views.WebhookForm) string {
	if form.Retry == string(webhook.RetryOwn) {
		return form.Waits + ","
	}
	return form.Retry
}

// numberOf reads a number of a form; empty is 0, the default, and -1 stands for whatever is no such number and so is refused.
func numberOf(text string) int {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return -1
	}
	return n
}

// refuseForm shows the form again with what was typed and what is wrong with it; what is no fault of the input is returned.
func (p *Portal) refuseForm(c echo.Context, reg registry.Registry, form views.WebhookForm, err error) error {
	form.Errors = map[string]string{}
	for _, f := range fault.All(err) {
		field := f.Field
		switch {
		case field != "" && form.HasField(field):
		case f.Code == fault.LimitReached || f.Code == fault.Conflict:
			field = ""
		default:
			return err
		}
		if form.Errors[field] == "" {
			form.Errors[field] = f.Message
		}
	}
	if len(form.Errors) == 0 {
		return err
	}
	if form.Editing != "" && fault.Is(err, fault.Conflict) {
		return p.refuseStale(c, reg, form)
	}
	return p.showForm(c, http.StatusUnprocessableEntity, reg, form)
}

// refuseStale shows what somebody else stored meanwhile beside what was typed. The form is now made from their version: saving
// it again overwrites it knowingly.
func (p *Portal) refuseStale(c echo.Context, reg registry.Registry, form views.WebhookForm) error {
	stored, err := p.Registries.Webhook(c.Request().Context(), reg.Name, form.Editing)
	if err != nil {
		return err
	}
	form.Version, form.Theirs = stored.Version, form.Against(views.FormOf(reg, stored))
	return p.showForm(c, http.StatusConflict, reg, form)
}

// showForm answers htmx with the panel, else with the page below it and the panel over it.
func (p *Portal) showForm(c echo.Context, status int, reg registry.Registry, form views.WebhookForm) error {
	var err error
	if form.Preview, err = p.previewOf(c, reg, form); err != nil {
		return err
	}
	if isFragment(c) {
		if at, ok := p.listBehind(c, reg); ok && (form.Editing == "" || form.FromList) {
			form.Back = at
		}
		return render(c, status, views.WebhookPanel(form))
	}
	if form.Editing != "" && !form.FromList {
		return p.showWebhook(c, status, reg, form.Editing, views.WebhookPanel(form))
	}
	page, err := p.webhookList(c, reg)
	if err != nil {
		return err
	}
	page.Shell.Overlay = views.WebhookPanel(form)
	return p.showWebhooks(c, status, reg, page)
}

// listBehind is the address of the list, with its filters, when that is the page on which htmx asks.
func (p *Portal) listBehind(c echo.Context, reg registry.Registry) (string, bool) {
	at, err := url.Parse(c.Request().Header.Get("HX-Current-URL"))
	if err != nil || !strings.EqualFold(at.Path, views.WebhooksPath(reg.Name)) {
		return "", false
	}
	return views.WebhooksPath(reg.Name) + webhookFilter(at.Query(), reg).Query(), true
}
