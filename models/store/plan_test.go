package store_test

import (
	"strings"
	"testing"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// index gives the index by which a plan finds deliveries.
func index(plan string) string {
	_, name, _ := strings.Cut(plan, "INDEX deliveries_")
	name, _, _ = strings.Cut(name, " ")
	return strings.TrimSuffix(name, ";")
}

// TestEveryFilterUsesItsIndex asks SQLite how it would find a page: never by reading a history to its end, nor by sorting one.
func TestEveryFilterUsesItsIndex(t *testing.T) {
	db := storetest.Open(t)
	const reg = registry.Name("acmereg")
	for name, c := range map[string]struct {
		f    delivery.Filter
		want string
	}{
		"nothing":                    {delivery.Filter{}, ""},
		"registry":                   {delivery.Filter{Registry: reg}, "registry"},
		"webhook":                    {delivery.Filter{WebhookID: "w"}, "webhook"},
		"webhook of a registry":      {delivery.Filter{Registry: reg, WebhookID: "w"}, "webhook"},
		"class":                      {delivery.Filter{Registry: reg, Class: delivery.Class5xx}, "class"},
		"class of all":               {delivery.Filter{Class: delivery.NoAnswer}, "all_class"},
		"class of a webhook":         {delivery.Filter{Registry: reg, WebhookID: "w", Class: delivery.Class3xx}, "webhook_class"},
		"action":                     {delivery.Filter{Registry: reg, Action: event.Delete}, "action"},
		"action of all":              {delivery.Filter{Action: event.ChartPush}, "all_action"},
		"action of a webhook":        {delivery.Filter{Registry: reg, WebhookID: "w", Action: event.Ping}, "webhook_action"},
		"class and action":           {delivery.Filter{Registry: reg, Class: delivery.Class4xx, Action: event.Delete}, "class"},
		"all three of a webhook":     {delivery.Filter{Registry: reg, WebhookID: "w", Class: delivery.Class4xx, Action: event.Delete}, "webhook_class"},
		"successes":                  {delivery.Filter{Registry: reg, Class: delivery.Class2xx}, "registry"},
		"pushes of a webhook":        {delivery.Filter{Registry: reg, WebhookID: "w", Action: event.Push}, "webhook"},
		"successful pings":           {delivery.Filter{Registry: reg, Class: delivery.Class2xx, Action: event.Ping}, "action"},
		"since":                      {delivery.Filter{Registry: reg, Since: noon}, "registry"},
		"event":                      {delivery.Filter{Registry: reg, EventID: "e"}, ""},
		"event and webhook and more": {delivery.Filter{Registry: reg, EventID: "e", WebhookID: "w", Class: delivery.Class5xx}, ""},
		"text":                       {delivery.Filter{Registry: reg, Text: "nosuch"}, ""},
		"text and more":              {delivery.Filter{Registry: reg, WebhookID: "w", Class: delivery.Class5xx, Text: "nosuch"}, ""},
	} {
		plan, err := db.PlanOf(t.Context(), c.f)
		if err != nil || index(plan) != c.want || strings.Contains(plan, "SCAN deliveries") || strings.Contains(plan, "TEMP B-TREE") && c.f.Text == "" {
			t.Errorf("%s: found by %q, want the index %q (%v)", name, plan, c.want, err)
		}
	}
	plan, err := db.Plan(t.Context(), "select * from deliveries where digest = 'x' order by id desc") // the control
	if err != nil || !strings.Contains(plan, "SCAN deliveries") {
		t.Errorf("a filter without an index: %q (%v)", plan, err)
	}
}

// TestTheQueueReadsNoHistory holds the same for what a claim asks.
func TestTheQueueReadsNoHistory(t *testing.T) {
	db := storetest.Open(t)
	for name, c := range map[string]struct{ statement, want string }{
		"lines":     {store.LinesQuery, "waiting"},
		"in flight": {store.FlyingQuery, "claimed"},
		"a lane":    {store.HeadQuery, "lanes"},
		"a line":    {"select id, webhook_id from deliveries where " + store.Waiting + " and action <> 'ping' and webhook_id = ? and next <= ? order by next, id limit 5", "waiting"},
		"pings":     {"select id, webhook_id from deliveries where " + store.Waiting + " and action = 'ping' and next <= ? order by next, id limit 5", "pings"},
		"leases":    {"select id, attempts, claimed from deliveries where claimed <> 0 and next <= ?", "claimed"},
		"cancel":    {"update deliveries set state = 'cancelled' where " + store.Waiting + " and action <> 'ping' and webhook_id = ?", "waiting"},
		"backlog":   {"select count(*), min(next) from deliveries where state = 'pending' and claimed = 0 and attempts > 0 and registry_key = ?", "retries"},
	} {
		args := make([]any, strings.Count(c.statement, "?"))
		plan, err := db.Plan(t.Context(), c.statement, args...)
		sorts := strings.Contains(plan, "TEMP B-TREE") && name != "in flight" // which is counted by webhook
		if err != nil || index(plan) != c.want || strings.Contains(plan, "SCAN deliveries") || sorts {
			t.Errorf("%s: found by %q, want the index %q (%v)", name, plan, c.want, err)
		}
	}
}
