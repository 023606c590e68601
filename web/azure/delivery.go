package azure

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// deliveryRoutes are beside Azure's: how a webhook is delivered, which Azure has no words for. No resource of Azure's shows it.
func (d *Door) deliveryRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: hooksAt + "/:webhook/delivery", Permission: account.Read, Handler: d.getDelivery},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/pause", Permission: account.Write, Handler: d.pauseWebhook},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/resume", Permission: account.Write, Handler: d.resumeWebhook},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/getSigningSecrets", Permission: account.Secrets, Handler: d.signingSecrets},
		{Method: http.MethodPost, Path: hooksAt + "/:webhook/rotateSigningSecret", Permission: account.Secrets, Handler: d.rotateSecret},
	}
}

// deliveryJSON is how a webhook is delivered; 0 in flight is adapted, rate 0 is no limit.
type deliveryJSON struct {
	Format         string `json:"format"`
	Retry          string `json:"retry"`
	TimeoutSeconds int    `json:"timeoutSeconds"`
	Signed         bool   `json:"signed"`
	MaxInFlight    int    `json:"maxInFlight"`
	Rate           int    `json:"rate"`
	Ordered        bool   `json:"ordered"`
	Paused         bool   `json:"paused"`
}

func answerDelivery(c echo.Context, w webhook.Webhook) error {
	c.Response().Header().Set("ETag", etag(w.Version))
	return c.JSON(http.StatusOK, deliveryJSON{
		Format: w.Format, Retry: w.Retry.String(), TimeoutSeconds: int(w.Timeout.Seconds()), Signed: len(w.SigningSecrets) > 0,
		MaxInFlight: w.MaxInFlight, Rate: w.Rate, Ordered: w.Ordered, Paused: w.IsPaused(),
	})
}

// readDelivery reads what a PUT or PATCH says of the delivery, in an object that Azure's clients never send.
func readDelivery(draft *webhook.Draft, p body) {
	draft.Format, draft.Retry, draft.TimeoutSeconds, draft.Signed = p.text("format"), p.text("retry"), p.number("timeoutSeconds"), p.flag("signed")
	draft.MaxInFlight, draft.Rate, draft.Ordered, draft.Paused = p.number("maxInFlight"), p.number("rate"), p.flag("ordered"), p.flag("paused")
}

// number is a whole number; nil when it is absent.
func (b body) number(name string) *int {
	v := b.value(name)
	if v == nil {
		return nil
	}
	text, ok := v.(interface{ String() string })
	n := 0
	if ok {
		var err error
		n, err = strconv.Atoi(text.String())
		ok = err == nil
	}
	if !ok {
		b.note(name, "%s must be a whole number.", name)
	}
	return &n
}

func (d *Door) getDelivery(c echo.Context) error {
	_, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	return answerDelivery(c, w)
}

func (d *Door) pauseWebhook(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	if w, err = d.Webhooks.Pause(c.Request().Context(), r.Name, w.Name, who(c).Name); err != nil {
		return err
	}
	return answerDelivery(c, w)
}

// resumeWebhook ends a pause; the body says what becomes of what waits.
func (d *Door) resumeWebhook(c echo.Context) error {
	q, err := d.command(c)
	if err != nil {
		return err
	}
	how := delivery.Resume{Send: delivery.SendAll, By: who(c).Name}
	if send := q.text("send"); send != nil {
		how.Send = delivery.Choice(*send)
	}
	if rate := q.number("rate"); rate != nil {
		how.Drain = delivery.Rate(*rate)
	}
	if err := q.sound(); err != nil {
		return err
	}
	answer := resumedJSON{DryRun: q.dryRun}
	if q.dryRun {
		answer.Sent, answer.Dropped, err = d.Controls.Preview(c.Request().Context(), q.hook, how.Send)
	} else {
		answer.Sent, answer.Dropped, err = d.Controls.Resume(c.Request().Context(), q.registry.Name, q.hook.Name, how)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// resumedJSON is what became of what waited.
type resumedJSON struct {
	Sent    int  `json:"sent"`
	Dropped int  `json:"dropped"`
	DryRun  bool `json:"dryRun"` // nothing was done
}

// secretsJSON are the signing secrets of a webhook, the newest first.
type secretsJSON struct {
	Secrets []secretJSON `json:"secrets"`
}

type secretJSON struct {
	Secret  string     `json:"secret"`
	Expires *time.Time `json:"expires,omitempty"` // absent: the current one
}

func answerSecrets(c echo.Context, w webhook.Webhook) error {
	answer := secretsJSON{Secrets: []secretJSON{}}
	for _, s := range w.SigningSecrets {
		one := secretJSON{Secret: s.Value}
		if !s.Expires.IsZero() {
			one.Expires = &s.Expires
		}
		answer.Secrets = append(answer.Secrets, one)
	}
	return c.JSON(http.StatusOK, answer)
}

// signingSecrets gives them in clear: receivers check signatures with them.
func (d *Door) signingSecrets(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	if w, err = d.Webhooks.Secrets(c.Request().Context(), r.Name, w.Name); err != nil {
		return err
	}
	return answerSecrets(c, w)
}

// rotateSecret renews the signing secret.
func (d *Door) rotateSecret(c echo.Context) error {
	r, w, err := d.hookOf(c)
	if err != nil {
		return err
	}
	if w, err = d.Webhooks.Rotate(c.Request().Context(), r.Name, w.Name, who(c).Name); err != nil {
		return err
	}
	return answerSecrets(c, w)
}
