package portal

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// Hooks is what the pages of webhooks change things with.
type Hooks struct {
	Webhooks *webhook.Service
	Outbox   *delivery.Outbox
	Controls *delivery.Controls
	Replays  *delivery.Replays
	Patience time.Duration // longest that a page waits for the answer to a ping; 0 is 12 s
}

// hookRoutes are the list of webhooks, the form, one webhook's page and its commands. Addresses with a hyphen cannot be
// webhooks, whose names are letters and digits.
func (p *Portal) hookRoutes() []auth.Route {
	const list, one = "/registries/:registry/webhooks", "/registries/:registry/webhooks/:webhook"
	get := func(path string, perm account.Permission, h echo.HandlerFunc) auth.Route {
		return auth.Route{Method: http.MethodGet, Path: path, Permission: perm, Handler: h}
	}
	post := func(path string, h echo.HandlerFunc) auth.Route {
		return auth.Route{Method: http.MethodPost, Path: path, Permission: account.Write, Handler: h}
	}
	return []auth.Route{
		get(list, account.Read, p.webhooks),
		get(list+"/new", account.Write, p.newWebhook),
		post(list, p.createWebhook),
		get(list+"/check-name", account.Read, p.checkName),
		get(list+"/scope-preview", account.Read, p.scopePreview),
		post(list+"/-/ping", p.pings),
		post(list+"/-/enable", p.setStatuses(webhook.Enabled)),
		post(list+"/-/disable", p.setStatuses(webhook.Disabled)),
		post(list+"/-/pause", p.pauses),
		get(list+"/-/resume", account.Write, p.askResumes),
		post(list+"/-/resume", p.resumes),
		get(list+"/-/drop", account.Write, p.askDrops),
		post(list+"/-/drop", p.drops),
		get(list+"/-/edit", account.Write, p.editPicked),
		get(list+"/-/delete", account.Write, p.askDeletes),
		post(list+"/-/delete", p.deleteWebhooks),
		get(one, account.Read, p.webhook),
		get(one+"/edit", account.Write, p.editWebhook),
		post(one, p.updateWebhook),
		post(one+"/ping", p.ping),
		post(one+"/enable", p.setStatus(webhook.Enabled)),
		post(one+"/disable", p.setStatus(webhook.Disabled)),
		post(one+"/pause", p.pause),
		get(one+"/resume", account.Write, p.askResume),
		post(one+"/resume", p.resume),
		get(one+"/recover", account.Write, p.askRecover),
		post(one+"/recover", p.recoverFailed),
		get(one+"/recover/progress", account.Read, p.recoverProgress),
		get(one+"/replay", account.Write, p.askReplay),
		post(one+"/replay", p.replay),
		get(one+"/replay/progress", account.Read, p.replayProgress),
		get(one+"/drop", account.Write, p.askDrop),
		post(one+"/drop", p.drop),
		get(one+"/delete", account.Write, p.askDelete),
		post(one+"/delete", p.deleteWebhook),
		{Method: http.MethodPost, Path: one + "/secret", Permission: account.Secrets, Handler: p.showSecret},
		{Method: http.MethodPost, Path: one + "/secret/renew", Permission: account.Secrets, Handler: p.renewSecret},
		get("/registries/:registry/deliveries/:id/ping", account.Read, p.pingNews),
	}
}

// hookOf gives the registry and the webhook that the address names.
func (p *Portal) hookOf(c echo.Context) (registry.Registry, webhook.Webhook, error) {
	reg, err := p.registryOf(c)
	if err != nil {
		return reg, webhook.Webhook{}, err
	}
	hook, err := p.Registries.Webhook(c.Request().Context(), reg.Name, webhook.Name(c.Param("webhook")))
	return reg, hook, err
}
