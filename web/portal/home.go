package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// feedLines is how many events the home page shows as they arrive.
const feedLines = 8

// fresh is how young a failure is that the home page calls new.
const fresh = time.Hour

// house is one registry with what the home page and the list of registries say about it.
type house struct {
	registry registry.Registry
	hooks    []webhook.Webhook
	health   map[string]delivery.Health
	events   int // of the last 24 hours
	before   int // of the 24 hours before those
}

// home shows the whole server at a glance.
func (p *Portal) home(c echo.Context) error {
	h, err := p.homeOf(c.Request().Context())
	if err != nil {
		return err
	}
	s := p.shell(c, "Registries")
	if isFragment(c) { // the page renews itself, and the bell with it
		return render(c, http.StatusOK, templ.Join(views.HomeBody(s, h), views.BellNow(p.unseen(c))))
	}
	return render(c, http.StatusOK, views.HomePage(s, h))
}

// registries is the plain list.
func (p *Portal) registries(c echo.Context) error {
	all, err := p.houses(c.Request().Context())
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.RegistriesPage(p.registriesShell(c), rowsOf(all)))
}

func (p *Portal) registriesShell(c echo.Context) views.Shell {
	return p.shell(c, "All registries", views.Crumb{Text: "Registries", Href: "/"}, views.Crumb{Text: "All registries"})
}

func (p *Portal) homeOf(ctx context.Context) (views.Home, error) {
	all, err := p.houses(ctx)
	if err != nil {
		return views.Home{}, err
	}
	backlog, err := p.Figures.Backlog(ctx, "")
	if err != nil {
		return views.Home{}, err
	}
	arrivals, err := p.Figures.Arrivals(ctx, "", feedLines)
	if err != nil {
		return views.Home{}, err
	}
	hours := hoursOf(all)
	h := views.Home{
		Registries: rowsOf(all), Figures: p.figuresOf(all, hours, backlog), Attention: attentionOf(all, p.Now()),
		Deliveries: deliveryChart(hours, p.Now()), Feed: feedOf(arrivals),
	}
	h.Succeeded, h.Failed = h.Figures.Succeeded, h.Figures.Failed
	return h, nil
}

// houses reads every registry with its webhooks, their health and its events.
func (p *Portal) houses(ctx context.Context) ([]house, error) {
	regs, err := p.Registries.Registries(ctx)
	if err != nil {
		return nil, err
	}
	today := firstHour(p.Now())
	counts, err := p.Figures.EventHours(ctx, "", today.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	all := make([]house, len(regs))
	for i, r := range regs {
		h := house{registry: r}
		if h.hooks, err = p.Registries.Webhooks(ctx, r.Name); err != nil {
			return nil, err
		}
		if h.health, err = p.Registries.Health(ctx, idsOf(h.hooks), p.Now()); err != nil {
			return nil, err
		}
		h.events, h.before = eventsOf(counts, r.Name, today)
		all[i] = h
	}
	return all, nil
}

// firstHour is the beginning of the oldest of the 24 hours that charts show; the last one is the running hour.
func firstHour(now time.Time) time.Time { return now.UTC().Truncate(time.Hour).Add(-23 * time.Hour) }

func eventsOf(counts []event.HourCount, name registry.Name, today time.Time) (now, before int) {
	for _, n := range counts {
		switch {
		case !n.Registry.Is(name):
		case n.Hour.Before(today):
			before += n.Events
		default:
			now += n.Events
		}
	}
	return now, before
}

// hoursOf adds up the hours of every webhook.
func hoursOf(all []house) []delivery.Hour {
	var total [24][]delivery.Hour
	for _, h := range all {
		for _, x := range h.health {
			for i, hour := range x.Hours {
				total[i] = append(total[i], hour)
			}
		}
	}
	sums := make([]delivery.Hour, len(total))
	for i, hours := range total {
		for _, x := range hours {
			sums[i].Succeeded += x.Succeeded
			sums[i].Failed += x.Failed
		}
	}
	return sums
}

func (p *Portal) figuresOf(all []house, hours []delivery.Hour, b delivery.Backlog) views.HomeFigures {
	f := views.HomeFigures{Waiting: b.Waiting, Next: b.Next}
	f.P50, f.P95 = answerTimes(all)
	for _, x := range hours {
		f.Succeeded += x.Succeeded
		f.Failed += x.Failed
	}
	for _, h := range all {
		f.Events += h.events
		f.EventsBefore += h.before
		for _, w := range h.hooks {
			health := h.health[w.ID]
			if !failing(w, health) {
				continue
			}
			f.Failing++
			if p.Now().Sub(health.FailingSince) < fresh {
				f.FailingFresh++
			}
		}
	}
	return f
}

func rowsOf(all []house) []views.RegistryRow {
	rows := make([]views.RegistryRow, len(all))
	for i, h := range all {
		r := h.registry
		rows[i] = views.RegistryRow{
			Name: string(r.Name), Source: views.SourceTitle(r.Kind), Location: views.Place(r), Tier: string(r.Tier),
			Webhooks: len(h.hooks), Quota: r.Tier.WebhookQuota(), Events: h.events, Hours: stripOf(h),
		}
		rows[i].State, rows[i].StateKind = h.state()
	}
	return rows
}

// state is a registry's health in one word: it is as well as its webhooks are.
func (h house) state() (word, kind string) {
	enabled, bad := 0, 0
	for _, w := range h.hooks {
		if w.Status == webhook.Enabled {
			enabled++
		}
		if failing(w, h.health[w.ID]) {
			bad++
		}
	}
	switch {
	case len(h.hooks) == 0:
		return "No webhooks", "off"
	case enabled == 0:
		return "All disabled", "off"
	case bad == 0:
		return "Healthy", ""
	case bad == enabled:
		return "Failing", "bad"
	default:
		return "Degraded", "warn"
	}
}

func stripOf(h house) []ui.Hour {
	hours := make([]ui.Hour, 24)
	for i, x := range hoursOf([]house{h}) {
		hours[i] = ui.Hour{Succeeded: x.Succeeded, Failed: x.Failed}
	}
	return hours
}

func feedOf(arrivals []event.Arrival) []views.FeedLine {
	lines := make([]views.FeedLine, len(arrivals))
	for i, a := range arrivals {
		lines[i] = views.FeedLineOf(a)
	}
	return lines
}
