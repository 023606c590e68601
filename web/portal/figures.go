package portal

import (
	"cmp"
	"slices"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// crowded is the part of a quota, in percent, from which the home page speaks of it.
const crowded = 80

// deliveryChart is the deliveries of 24 hours, one bar each.
func deliveryChart(hours []delivery.Hour, now time.Time) ui.Chart {
	chart := ui.Chart{
		Label: "Deliveries per hour over the last 24 hours", Low: true, Ticks: 6,
		Series: []ui.Series{{Name: "succeeded", Class: "f1"}, {Name: "failed", Class: "fbad"}},
	}
	first := firstHour(now)
	for i, x := range hours {
		chart.Bars = append(chart.Bars, ui.Bar{Label: clock(first, i), Values: []int{x.Succeeded, x.Failed}})
	}
	return chart
}

// eventSeries are the colours of the chart of events, and which of them an action belongs to.
var (
	eventSeries = []ui.Series{{Name: "push", Class: "f1"}, {Name: "delete", Class: "f2"}, {Name: "charts", Class: "f3"}, {Name: "quarantine", Class: "f4"}}
	eventColour = map[event.Action]int{event.Push: 0, event.Delete: 1, event.ChartPush: 2, event.ChartDelete: 2, event.Quarantine: 3}
)

// eventChart is the events of 24 hours, one bar each.
func eventChart(counts []event.HourCount, now time.Time) ui.Chart {
	chart := ui.Chart{Label: "Events per hour over the last 24 hours, by action", Ticks: 3, Series: eventSeries}
	first := firstHour(now)
	for i := range 24 {
		chart.Bars = append(chart.Bars, ui.Bar{Label: clock(first, i), Values: make([]int, len(eventSeries))})
	}
	for _, n := range counts {
		series, known := eventColour[n.Action]
		if hour := int(n.Hour.Sub(first) / time.Hour); known && !n.Hour.Before(first) && hour < 24 {
			chart.Bars[hour].Values[series] += n.Events
		}
	}
	return chart
}

func clock(first time.Time, hour int) string {
	return first.Add(time.Duration(hour) * time.Hour).Format("15:04")
}

// answerTimes are the median and the 95th percentile of all webhooks' hours. An hour is known by these two figures alone,
// so nine in ten of its attempts count as its median and the tenth as its 95th percentile: exact when all hours are alike,
// an estimate else.
func answerTimes(all []house) (p50, p95 time.Duration) {
	var points []weighted
	total := 0
	for _, h := range all {
		for _, health := range h.health {
			for _, x := range health.Hours {
				if n := x.Succeeded + x.Failed; n > 0 && x.P50 > 0 {
					points = append(points, weighted{x.P50, 9 * n}, weighted{x.P95, n})
					total += 10 * n
				}
			}
		}
	}
	slices.SortFunc(points, func(a, b weighted) int { return cmp.Compare(a.took, b.took) })
	return quantile(points, total, 50), quantile(points, total, 95)
}

// weighted is a duration that stands for so many.
type weighted struct {
	took   time.Duration
	weight int
}

// quantile is the value below which percent of the weight lies; 0 without any.
func quantile(sorted []weighted, total, percent int) time.Duration {
	below := 0
	for _, w := range sorted {
		below += w.weight
		if below*100 >= total*percent {
			return w.took
		}
	}
	return 0
}

// attentionOf lists what somebody should look at: failing webhooks, those that were disabled by themselves, full quotas.
func attentionOf(all []house, now time.Time) []views.Attention {
	var list []views.Attention
	for _, h := range all {
		for _, w := range h.hooks {
			if a, ok := h.concern(w, now); ok {
				list = append(list, a)
			}
		}
		if used, quota := len(h.hooks), h.registry.Tier.WebhookQuota(); used*100 >= quota*crowded {
			list = append(list, views.QuotaAttention(h.registry, used))
		}
	}
	return list
}

// concern says what is the matter with a webhook, if anything is.
func (h house) concern(w webhook.Webhook, now time.Time) (views.Attention, bool) {
	switch {
	case failing(w, h.health[w.ID]):
		return views.FailingAttention(w, h.health[w.ID], now), true
	case w.Status == webhook.Disabled && w.DisabledReason != "":
		return views.DisabledAttention(w), true
	}
	return views.Attention{}, false
}
