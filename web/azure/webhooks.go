package azure

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// hooksAt is where the webhooks of a registry are.
const hooksAt = registryAt + "/webhooks"

func (d *Door) webhookRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: hooksAt, Permission: account.Read, Handler: d.listWebhooks},
		{Method: http.MethodGet, Path: hooksAt + "/:webhook", Permission: account.Read, Handler: d.getWebhook},
		{Method: http.MethodPut, Path: hooksAt, Permission: account.Write, Handler: d.putWebhook}, // without a name: says so
		{Method: http.MethodPut, Path: hooksAt + "/:webhook", Permission: account.Write, Handler: d.putWebhook},
		{Method: http.MethodPatch, Path: hooksAt + "/:webhook", Permission: account.Write, Handler: d.patchWebhook},
		{Method: http.MethodDelete, Path: hooksAt + "/:webhook", Permission: account.Write, Handler: d.deleteWebhook},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/ping", Permission: account.Write, Handler: d.pingWebhook},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/getCallbackConfig", Permission: account.Secrets, Handler: d.callbackConfig},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/listEvents", Permission: account.Read, Handler: d.listEvents},
		{Method: http.MethodGet, Path: hooksAt + "/:webhook/listEvents", Permission: account.Read, Handler: d.listEvents}, // a nextLink is followed with GET
	}
}

type webhookJSON struct {
	resource

	Properties webhookProperties `json:"properties"`
}

// webhookProperties leaves out serviceUri and customHeaders: they are secrets, and getCallbackConfig alone gives them.
type webhookProperties struct {
	Status            webhook.Status `json:"status"`
	Scope             string         `json:"scope"`
	Actions           []string       `json:"actions"`
	ProvisioningState string         `json:"provisioningState"`
}

func (d *Door) webhookJSON(r registry.Registry, w webhook.Webhook) webhookJSON {
	return webhookJSON{
		resource: resource{
			ID: d.registryID(r) + "/webhooks/" + string(w.Name), Name: string(w.Name), Type: webhookType,
			Location: w.Location, Tags: tagsOf(w.Tags),
			SystemData: systemDataOf(mark{w.CreatedBy, w.CreatedByKind, w.Created}, mark{w.UpdatedBy, w.UpdatedByKind, w.Updated}),
		},
		Properties: webhookProperties{Status: w.Status, Scope: w.Scope.String(), Actions: w.ActionWords(), ProvisioningState: succeeded},
	}
}

func (d *Door) answerWebhook(c echo.Context, r registry.Registry, w webhook.Webhook) error {
	c.Response().Header().Set("ETag", etag(w.Version))
	return c.JSON(http.StatusOK, d.webhookJSON(r, w))
}

// hookOf gives the webhook that the address names.
func (d *Door) hookOf(c echo.Context) (registry.Registry, webhook.Webhook, error) {
	r, err := d.registryOf(c)
	if err != nil {
		return r, webhook.Webhook{}, err
	}
	name, err := webhook.ParseName(param(c, "webhook"))
	if err != nil { // no webhook can have such a name
		return r, webhook.Webhook{}, missing("webhook", "There is no webhook %.60q in %s.", param(c, "webhook"), r.Name)
	}
	w, err := d.Reads.Webhook(c.Request().Context(), r.Name, name)
	return r, w, err
}

func (d *Door) listWebhooks(c echo.Context) error {
	r, err := d.registryOf(c)
	if err != nil {
		return err
	}
	hooks, err := d.Reads.Webhooks(c.Request().Context(), r.Name)
	if err != nil {
		return err
	}
	all := make([]webhookJSON, 0, len(hooks))
	for _, w := range hooks {
		all = append(all, d.webhookJSON(r, w))
	}
	return answerPage(d, c, all, func(w webhookJSON) string { return webhook.Name(w.Name).Key() })
}

func (d *Door) getWebhook(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	return d.answerWebhook(c, r, w)
}

// webhookDraft reads what a PUT or PATCH says of a webhook.
func webhookDraft(c echo.Context, r registry.Registry) (webhook.Draft, body, error) {
	b, err := readBody(c)
	if err != nil {
		return webhook.Draft{}, b, err
	}
	p := b.in("properties")
	draft := webhook.Draft{
		Registry: r.Name, Name: param(c, "webhook"), Location: b.text("location"), Tags: b.texts("tags"),
		ServiceURI: p.text("serviceUri"), Headers: headersOf(p), Actions: p.words("actions"), Status: p.text("status"), Scope: p.text("scope"),
	}
	readDelivery(&draft, p.in("delivery"))
	draft.Wrong = *b.wrong
	return draft, b, nil
}

// headersOf reads the custom headers in the order of their names: an object has none of its own.
func headersOf(p body) *webhook.Headers {
	given := p.texts("customHeaders")
	if given == nil {
		return nil
	}
	all := webhook.Headers{}
	for _, name := range sortedKeys(*given) {
		all = append(all, webhook.Header{Name: name, Value: (*given)[name]})
	}
	return &all
}

// putWebhook makes a webhook or replaces the one that is there.
func (d *Door) putWebhook(c echo.Context) error {
	r, before, err := d.hookOf(c)
	if err != nil && before.ID == "" && !isMissing(err, "webhook") {
		return err
	}
	draft, b, err := webhookDraft(c, r)
	if err != nil {
		return err
	}
	b.required("location")
	draft.Wrong = *b.wrong
	cond := conditionOf(c, before.Version)
	if err := cond.check(before.Version); err != nil {
		return err
	}
	var w webhook.Webhook
	ctx, by := c.Request().Context(), who(c).Name
	switch {
	case cond.mustBeNew:
		w, err = d.Webhooks.Create(ctx, draft, by)
	case cond.mustBe:
		w, err = d.Webhooks.Update(ctx, draft.Whole(), cond.version, by)
	default:
		w, _, err = d.Webhooks.Put(ctx, draft, by)
	}
	if err != nil {
		return cond.settled(err)
	}
	return d.answerWebhook(c, r, w)
}

// isMissing reports whether err says that this part of the address leads nowhere.
func isMissing(err error, field string) bool {
	return fault.Is(err, fault.NotFound) && fault.All(err)[0].Field == field
}

// patchWebhook changes what the body names; the rest stays.
func (d *Door) patchWebhook(c echo.Context) error {
	r, before, err := d.hookOf(c)
	if err != nil {
		return err
	}
	draft, _, err := webhookDraft(c, r)
	if err != nil {
		return err
	}
	cond := conditionOf(c, before.Version)
	if err := cond.check(before.Version); err != nil {
		return err
	}
	w, err := d.Webhooks.Update(c.Request().Context(), draft, cond.version, who(c).Name)
	if err != nil {
		return cond.settled(err)
	}
	return d.answerWebhook(c, r, w)
}

// deleteWebhook removes a webhook; one that is not there is gone already.
func (d *Door) deleteWebhook(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil && !isMissing(err, "webhook") {
		return err
	}
	cond := conditionOf(c, w.Version)
	if err := cond.check(w.Version); err != nil {
		return err
	}
	if w.ID == "" {
		return c.NoContent(http.StatusNoContent)
	}
	switch err := cond.settled(d.Webhooks.Delete(c.Request().Context(), r.Name, w.Name, cond.version)); {
	case isMissing(err, "webhook"):
		return c.NoContent(http.StatusNoContent)
	case err != nil:
		return err
	}
	return c.NoContent(http.StatusOK)
}

// pingWebhook sends a ping; the answer comes with listEvents.
func (d *Door) pingWebhook(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	del, err := d.Outbox.Ping(c.Request().Context(), r.Name, w.Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"id": del.EventID})
}

type callbackJSON struct {
	ServiceURI    string            `json:"serviceUri"`
	CustomHeaders map[string]string `json:"customHeaders"`
}

// callbackConfig gives the service URI and the headers with their secrets in clear: programs compare them with their own.
func (d *Door) callbackConfig(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	if w, err = d.Webhooks.CallbackConfig(c.Request().Context(), r.Name, w.Name); err != nil {
		return err
	}
	config := callbackJSON{ServiceURI: w.ServiceURI.String(), CustomHeaders: map[string]string{}}
	for _, h := range w.Headers {
		config.CustomHeaders[h.Name] = h.Value
	}
	return c.JSON(http.StatusOK, config)
}
