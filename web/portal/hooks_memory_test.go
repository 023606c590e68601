package portal_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/webhook"
	"dockbell/web/portal"
)

// What the pages of webhooks never ask of these is left out: nil.
type (
	otherContents = portal.Contents
	otherInboxes  = portal.Inboxes
)

// memory stands in for the database: the webhooks, deliveries, events and inboxes of one registry.
type memory struct {
	otherContents
	otherInboxes

	mu           sync.Mutex
	sessions     map[string][]byte
	reg          registry.Registry
	hooks        []webhook.Webhook // by name
	deliveries   []delivery.Delivery
	events       []event.Event // newest first
	repositories []string
	boxes        []delivery.Inbox
	stakes       delivery.Stakes
	allowed      []netip.Prefix   // networks
	answer       delivery.Attempt // of every ping; none while its Started is zero
}

func (m *memory) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.sessions[token]
	return b, ok, nil
}

func (m *memory) CommitCtx(_ context.Context, token string, b []byte, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[token] = b
	return nil
}

func (m *memory) DeleteCtx(context.Context, string) error { return nil }

func (m *memory) User(context.Context, string) (account.User, error) {
	return account.User{}, fault.New(fault.NotFound, "No user.")
}

func (m *memory) Registry(_ context.Context, name registry.Name) (registry.Registry, error) {
	if !name.Is(m.reg.Name) {
		return registry.Registry{}, &fault.Error{Code: fault.NotFound, Field: "registry", Message: "No registry " + string(name) + "."}
	}
	return m.reg, nil
}

func (m *memory) Registries(context.Context) ([]registry.Registry, error) {
	return []registry.Registry{m.reg}, nil
}

func (m *memory) Webhooks(context.Context, registry.Name) ([]webhook.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.hooks), nil
}

func (m *memory) Turn() int64 { return 0 }

func (m *memory) Subscribers(ctx context.Context, name registry.Name) ([]webhook.Webhook, error) {
	return m.Webhooks(ctx, name)
}

func (m *memory) find(name webhook.Name) int {
	return slices.IndexFunc(m.hooks, func(w webhook.Webhook) bool { return w.Key() == name.Key() })
}

func (m *memory) Webhook(_ context.Context, _ registry.Name, name webhook.Name) (webhook.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(name)
	if i < 0 {
		return webhook.Webhook{}, &fault.Error{Code: fault.NotFound, Field: "webhook", Message: "No webhook " + string(name) + "."}
	}
	return m.hooks[i], nil
}

func (m *memory) AddWebhook(_ context.Context, w webhook.Webhook, quota int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.hooks) >= quota {
		return fault.New(fault.LimitReached, "%s has %d of %d webhooks.", m.reg.Name, len(m.hooks), quota)
	}
	m.hooks = append(m.hooks, w)
	slices.SortFunc(m.hooks, func(a, b webhook.Webhook) int { return slices.Compare([]byte(a.Key()), []byte(b.Key())) })
	return nil
}

func (m *memory) UpdateWebhook(_ context.Context, w webhook.Webhook, ifVersion int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(w.Name)
	if i < 0 || m.hooks[i].Version != ifVersion {
		return fault.New(fault.Conflict, "%s was changed meanwhile.", w.Name)
	}
	w.Version++
	m.hooks[i] = w
	return nil
}

func (m *memory) AddAudit(context.Context) error { return nil }

func (m *memory) DeleteWebhook(_ context.Context, _ registry.Name, name webhook.Name, _ int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(name)
	if i < 0 {
		return &fault.Error{Code: fault.NotFound, Field: "webhook", Message: "Gone."}
	}
	m.hooks = slices.Delete(m.hooks, i, i+1)
	return nil
}

func (m *memory) Health(_ context.Context, ids []string, _ time.Time) (map[string]delivery.Health, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]delivery.Health{}
	for _, del := range m.deliveries {
		if slices.Contains(ids, del.WebhookID) {
			all[del.WebhookID] = delivery.Health{Last: del.Last}
		}
	}
	return all, nil
}

func (m *memory) RepositoryStats(context.Context, registry.Name) (registry.Contents, error) {
	return registry.Contents{Repositories: len(m.repositories)}, nil
}

func (m *memory) Repositories(_ context.Context, _ registry.Name, _ string, n int) ([]string, bool, error) {
	return m.repositories[:min(n, len(m.repositories))], len(m.repositories) > n, nil
}

func (m *memory) Record(_ context.Context, _ *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	made, err := entries(event.Outcome{})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range made {
		m.deliveries = append(m.deliveries, entry.Deliveries...)
	}
	return event.Outcome{}, err
}

func (m *memory) Take(_ context.Context, a source.Arrival, _ []delivery.Entry) (source.Arrival, error) {
	return a, errors.New("no source sends to this one")
}

func (m *memory) LastRecovery(context.Context, string) (r delivery.Recovery, ok bool, err error) {
	return r, false, nil
}

func (m *memory) ForgetRecovered(context.Context, string) (int, error) { return 0, nil }

func (m *memory) BeginRecovery(context.Context, delivery.Recovery) error { return nil }

func (m *memory) Lost(context.Context, string) (delivery.Recoverable, error) {
	return delivery.Recoverable{}, nil
}

func (m *memory) Recoverable(context.Context, string, time.Time) (delivery.Recoverable, error) {
	return delivery.Recoverable{}, nil
}

func (m *memory) Recover(context.Context, string, time.Time, time.Time) (int, error) { return 0, nil }

func (m *memory) Requeue(context.Context, registry.Name, delivery.ID, time.Time) (delivery.Delivery, error) {
	return delivery.Delivery{}, fault.New(fault.Conflict, "In flight.")
}

// send gives every waiting delivery its answer and tells the feed: what the dispatcher does.
func (m *memory) send(feed *delivery.Feed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.deliveries {
		del := &m.deliveries[i]
		if del.State != delivery.Pending || m.answer.Started.IsZero() {
			continue
		}
		del.Last, del.State = m.answer.Result(), delivery.Failed
		if m.answer.Succeeded() {
			del.State = delivery.Delivered
		}
		feed.Publish(delivery.Update{Registry: del.Registry, WebhookID: del.WebhookID, DeliveryID: del.ID, EventID: del.EventID})
	}
}

func (m *memory) Deliveries(_ context.Context, f delivery.Filter) (delivery.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var page delivery.Page
	for _, del := range slices.Backward(m.deliveries) {
		if f.WebhookID == "" || f.WebhookID == del.WebhookID {
			page.Deliveries = append(page.Deliveries, del)
		}
	}
	return page, nil
}

func (m *memory) Delivery(_ context.Context, _ registry.Name, id delivery.ID) (delivery.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, del := range m.deliveries {
		if del.ID == id {
			return del, nil
		}
	}
	return delivery.Delivery{}, &fault.Error{Code: fault.NotFound, Field: "delivery", Message: "No such delivery."}
}

func (m *memory) Attempts(context.Context, delivery.ID) ([]delivery.Attempt, error) {
	return []delivery.Attempt{m.answer}, nil
}

func (m *memory) Events(_ context.Context, f event.Filter) (event.Page, error) {
	return event.Page{Events: m.events[:min(f.Limit, len(m.events))]}, nil
}

func (m *memory) Event(context.Context, registry.Name, event.ID) (event.Event, error) {
	return event.Event{}, fault.New(fault.NotFound, "No such event.")
}

func (m *memory) Verdicts(context.Context, event.ID) ([]webhook.Verdict, error) { return nil, nil }

func (m *memory) Stakes(_ context.Context, ids []string) (map[string]delivery.Stakes, error) {
	all := map[string]delivery.Stakes{}
	for _, id := range ids {
		all[id] = m.stakes
	}
	return all, nil
}

func (m *memory) AddInbox(_ context.Context, box delivery.Inbox, most int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.boxes) >= most {
		return fault.New(fault.LimitReached, "There are %d inboxes already. Delete one first.", most)
	}
	m.boxes = append(m.boxes, box)
	return nil
}
