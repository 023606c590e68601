package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
)

// patience is how long a page waits for the answer to a ping before it says that it is still to come.
const patience = 12 * time.Second

// ping sends a ping and answers with its result, or that it is still to come.
func (p *Portal) ping(c echo.Context) error {
	_, hook, err := p.hookOf(c)
	if err != nil {
		return err
	}
	result, err := p.pingAndWait(c.Request().Context(), hook)
	if err != nil {
		return err
	}
	if !isFragment(c) {
		return seeOther(c, result.Here)
	}
	return render(c, http.StatusOK, views.PingCallout(result))
}

// pingNews holds the request until a ping that is under way has its result, or patience ends.
func (p *Portal) pingNews(c echo.Context) error {
	reg, err := p.registryOf(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	del, err := p.History.Delivery(ctx, reg.Name, deliveryID(c.Param("id")))
	if err != nil {
		return err
	}
	hook, err := p.Registries.Webhook(ctx, reg.Name, del.Webhook)
	if err != nil {
		return err
	}
	updates, cancel := p.Feed.Subscribe(reg.Name)
	defer cancel()
	if del, err = p.awaitResult(ctx, updates, del, p.patienceWith(hook)); err != nil {
		return err
	}
	result, err := p.pingResult(ctx, hook, del)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.PingCallout(result))
}

// pingAndWait sends a ping and waits for its result as long as patience lasts and the client is there.
func (p *Portal) pingAndWait(ctx context.Context, hook webhook.Webhook) (views.PingResult, error) {
	updates, cancel := p.Feed.Subscribe(hook.Registry) // before the ping: nothing is missed
	defer cancel()
	del, err := p.Outbox.Ping(ctx, hook.Registry, hook.Name)
	if err != nil {
		return views.PingResult{}, err
	}
	if del, err = p.awaitResult(ctx, updates, del, p.patienceWith(hook)); err != nil {
		return views.PingResult{}, err
	}
	return p.pingResult(ctx, hook, del)
}

func (p *Portal) patienceWith(hook webhook.Webhook) time.Duration {
	longest := p.Patience
	if longest == 0 {
		longest = patience
	}
	return min(hook.Timeout+time.Second, longest)
}

// awaitResult reads the delivery whenever there is news of it, until it was attempted or limit has passed.
func (p *Portal) awaitResult(
	ctx context.Context, updates <-chan delivery.Update, del delivery.Delivery, limit time.Duration,
) (delivery.Delivery, error) {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		now, err := p.History.Delivery(ctx, del.Registry, del.ID)
		if err != nil {
			return del, err
		}
		if !now.Last.At.IsZero() || now.State != delivery.Pending || !hears(wait, updates, del.ID) {
			return now, nil
		}
	}
}

// hears waits for news of a delivery; false when ctx ended or this listener was dropped.
func hears(ctx context.Context, updates <-chan delivery.Update, id delivery.ID) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case u, open := <-updates:
			if !open || u.DeliveryID == id {
				return open
			}
		}
	}
}

// pingNamed gives what became of the ping that the address names; nil when it names none, or one that is not to be shown
// here. A webhook with an ID limits it to its own.
func (p *Portal) pingNamed(c echo.Context, reg registry.Registry, only webhook.Webhook) (*views.PingResult, error) {
	id := deliveryID(c.QueryParam("ping"))
	if id == 0 {
		return nil, nil
	}
	ctx := c.Request().Context()
	del, err := p.History.Delivery(ctx, reg.Name, id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if del.Action != event.Ping || only.ID != "" && del.WebhookID != only.ID {
		return nil, nil
	}
	hook, err := p.Registries.Webhook(ctx, reg.Name, del.Webhook)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	result, err := p.pingResult(ctx, hook, del)
	result.Here = c.Request().URL.RequestURI()
	return &result, err
}

// pingResult is what the callout tells of a ping.
func (p *Portal) pingResult(ctx context.Context, hook webhook.Webhook, del delivery.Delivery) (views.PingResult, error) {
	result := views.PingResult{
		Registry: hook.Registry, Webhook: hook.Name, Host: hook.ServiceURI.Authority(), Delivery: del,
		Here: views.WebhookPath(hook.Registry, hook.Name) + "?ping=" + del.ID.String(),
	}
	if result.Waits() {
		return result, nil
	}
	attempts, err := p.History.Attempts(ctx, del.ID)
	if n := len(attempts); n > 0 {
		result.Attempt = attempts[n-1]
	}
	return result, err
}
