package delivery

import (
	"context"
	"time"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/notice"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/webhook"
)

// Store is what the Outbox needs of the database.
type Store interface {
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
	Subscribers(ctx context.Context, reg registry.Name) ([]webhook.Webhook, error) // shared: nobody may change them
	Turn() int64                                                                   // counts the changes of webhooks
	Record(ctx context.Context, c *event.Change, entries func(event.Outcome) ([]Entry, error)) (event.Outcome, error)
	Take(ctx context.Context, a source.Arrival, entries []Entry) (source.Arrival, error)
	Requeue(ctx context.Context, reg registry.Name, id ID, now time.Time) (Delivery, error)
	ForgetRecovered(ctx context.Context, webhookID string) (n int, err error) // a step of what the recovery before noted
	BeginRecovery(ctx context.Context, r Recovery) error
	Recover(ctx context.Context, webhookID string, since, now time.Time) (n int, err error)
}

// Outbox is where every delivery starts: the only way to send anything. It implements event.Sink.
type Outbox struct {
	Store         Store
	Now           func() time.Time
	NewID         func() event.ID
	NewDeliveryID func() ID
	Wake          func()  // tells the dispatcher that there is work
	Starter       Starter // sends deliveries at once; nil: all of them wait in the queue
	Feed          *Feed
}

var _ event.Sink = (*Outbox)(nil)

// Publish stores events that came from elsewhere with a verdict for every webhook and the deliveries of those that fire.
// It returns when they are safely stored; an event whose ID is already stored changes nothing.
func (o *Outbox) Publish(ctx context.Context, events ...event.Event) error {
	return o.take(ctx, events, func(made []Entry) error {
		_, err := o.Store.Record(ctx, nil, func(event.Outcome) ([]Entry, error) { return made, nil })
		return err
	})
}

// Record carries out a change of the built-in registry and stores the events it raises with their deliveries, all in
// one transaction. Each location of the registry tells of it: the one where it happened first, then the others.
func (o *Outbox) Record(ctx context.Context, c event.Change) (event.Outcome, error) {
	reg, err := o.Store.Registry(ctx, c.Registry)
	if err != nil {
		return event.Outcome{}, err
	}
	turn := o.Store.Turn()
	hooks, err := o.Store.Subscribers(ctx, c.Registry)
	if err != nil {
		return event.Outcome{}, err
	}
	c.Hold = reg.Policies.Quarantine
	return o.store(noted(ctx, c), &c, turn, func(done event.Outcome) ([]Entry, error) {
		events := event.RaiseEverywhere(reg, c, done, o.NewID)
		return o.entries(events, func(event.Event) []webhook.Webhook { return hooks })
	})
}

// Take stores what came from a source, its body and its events, all in one transaction: what Publish promises of the events, and
// for each event its verdict.
func (o *Outbox) Take(ctx context.Context, a source.Arrival, events []event.Event) (source.Arrival, error) {
	err := o.take(ctx, events, func(made []Entry) (err error) {
		a, err = o.Store.Take(ctx, a, made)
		return err
	})
	return a, err
}

// take makes the entries of events that came from elsewhere, lets keep store them, and sends what is to be sent.
func (o *Outbox) take(ctx context.Context, events []event.Event, keep func(made []Entry) error) error {
	s := starts{of: o.Starter, turn: o.Store.Turn()}
	hooks, err := o.subscribersOf(ctx, events)
	if err != nil {
		return err
	}
	made, err := o.entries(events, func(ev event.Event) []webhook.Webhook { return hooks[ev.Registry.Key()] })
	if err != nil {
		return err
	}
	s.reserve(made)
	if err := keep(made); err != nil {
		s.giveBack()
		return err
	}
	s.start(made)
	o.announce(made)
	return nil
}

// Ping sends a ping to one webhook, whatever its status, actions and scope.
func (o *Outbox) Ping(ctx context.Context, reg registry.Name, name webhook.Name) (Delivery, error) {
	turn := o.Store.Turn()
	hook, err := o.Store.Webhook(ctx, reg, name)
	if err != nil {
		return Delivery{}, err
	}
	ev := event.Event{
		ID: o.NewID(), Registry: hook.Registry, Location: hook.Location,
		Action: event.Ping, Time: kept(o.Now()), Source: "builtin",
	}
	body, err := encode(ev, event.Ping, hook.Format)
	if err != nil {
		return Delivery{}, err
	}
	del := o.newDelivery(ev, &hook, event.Ping, body)
	entry := Entry{Event: ev, Verdicts: []webhook.Verdict{hook.Matches(ev)}, Deliveries: []Delivery{del}, To: []*webhook.Webhook{&hook}}
	_, err = o.store(ctx, nil, turn, func(event.Outcome) ([]Entry, error) { return []Entry{entry}, nil })
	return del, err
}

// Notify tells of another webhook through this one. That it does so twice changes nothing. A disabled webhook gets none, nor one whose
// format has no words for notices, nor the one that the notice is about: it would tell of itself without end.
func (o *Outbox) Notify(ctx context.Context, n notice.Notice, to webhook.Webhook, link string) error {
	turn := o.Store.Turn()
	hook, err := o.Store.Webhook(ctx, to.Registry, to.Name) // as it is in this turn
	if fault.Is(err, fault.NotFound) || err == nil && hook.ID != to.ID {
		return nil // it was deleted meanwhile
	}
	if err != nil {
		return err
	}
	format, _ := payload.ByName(hook.Format)
	if hook.ID == n.WebhookID || hook.Status == webhook.Disabled || format.Notice == nil {
		return nil
	}
	body, err := format.Notice(n, link)
	if err != nil {
		return fault.New(fault.Internal, "The notice could not be written in the format %s.", format.Name).Because(err)
	}
	ev := event.Event{ID: n.EventID, Registry: hook.Registry, Location: hook.Location, Action: event.Noticed, Time: kept(n.At), Source: "builtin"}
	verdict := webhook.Verdict{WebhookID: hook.ID, Webhook: hook.Name, Fires: true, As: event.Noticed, Reason: "It gets the notices about the registry’s other webhooks."}
	entry := Entry{Event: ev, Verdicts: []webhook.Verdict{verdict}, Deliveries: []Delivery{o.newDelivery(ev, &hook, event.Noticed, body)}, To: []*webhook.Webhook{&hook}}
	_, err = o.store(ctx, nil, turn, func(event.Outcome) ([]Entry, error) { return []Entry{entry}, nil })
	return err
}

// Redeliver sends a delivery again: the same ID and bytes, with the whole retry schedule before it.
func (o *Outbox) Redeliver(ctx context.Context, reg registry.Name, id ID) (Delivery, error) {
	del, err := o.Store.Requeue(ctx, reg, id, o.Now())
	if err != nil {
		return Delivery{}, err
	}
	o.tell(Update{Registry: del.Registry, WebhookID: del.WebhookID, DeliveryID: del.ID, EventID: del.EventID})
	o.wake()
	return del, nil
}

// store keeps what entries made; only after the commit the dispatcher and the browsers hear of it. turn is that of the webhooks for
// which the entries are made.
func (o *Outbox) store(ctx context.Context, c *event.Change, turn int64, entries func(event.Outcome) ([]Entry, error)) (event.Outcome, error) {
	var made []Entry
	s := starts{of: o.Starter, turn: turn}
	done, err := o.Store.Record(ctx, c, func(out event.Outcome) ([]Entry, error) {
		s.giveBack()
		var err error
		if made, err = entries(out); err == nil {
			s.reserve(made)
		}
		return made, err
	})
	if err != nil {
		s.giveBack()
		return done, err
	}
	s.start(made)
	o.announce(made)
	return done, nil
}

// announce tells browsers and the dispatcher what was stored.
func (o *Outbox) announce(made []Entry) {
	work := false
	for _, entry := range made {
		if entry.Known { // nothing of it is new
			continue
		}
		if len(entry.Deliveries) == 0 {
			o.tell(Update{Registry: entry.Event.Registry, EventID: entry.Event.ID})
		}
		for _, del := range entry.Deliveries {
			work = work || del.Lease == 0
			o.tell(Update{Registry: del.Registry, WebhookID: del.WebhookID, DeliveryID: del.ID, EventID: del.EventID})
		}
	}
	if work {
		o.wake()
	}
}

func (o *Outbox) subscribersOf(ctx context.Context, events []event.Event) (map[string][]webhook.Webhook, error) {
	hooks := map[string][]webhook.Webhook{}
	for _, ev := range events {
		if _, known := hooks[ev.Registry.Key()]; known {
			continue
		}
		subs, err := o.Store.Subscribers(ctx, ev.Registry)
		if err != nil {
			return nil, err
		}
		hooks[ev.Registry.Key()] = subs
	}
	return hooks, nil
}

func (o *Outbox) entries(events []event.Event, hooksOf func(event.Event) []webhook.Webhook) ([]Entry, error) {
	made := make([]Entry, 0, len(events))
	for _, ev := range events {
		entry, err := o.entry(ev, hooksOf(ev))
		if err != nil {
			return nil, err
		}
		made = append(made, entry)
	}
	return made, nil
}

// bodyKey names a body: webhooks with the same format that receive the same action share its bytes.
type bodyKey struct {
	format string
	action event.Action
}

// entry asks every webhook for its verdict, encodes each body once and makes a delivery for each webhook that fires.
func (o *Outbox) entry(ev event.Event, hooks []webhook.Webhook) (Entry, error) {
	ev.Time = kept(ev.Time)
	entry := Entry{Event: ev, Verdicts: make([]webhook.Verdict, len(hooks))}
	fire := 0
	for i := range hooks {
		if entry.Verdicts[i] = hooks[i].Matches(ev); entry.Verdicts[i].Fires {
			fire++
		}
	}
	entry.Deliveries, entry.To = make([]Delivery, 0, fire), make([]*webhook.Webhook, 0, fire)
	bodies := map[bodyKey][]byte{}
	for i := range hooks {
		hook, verdict := &hooks[i], entry.Verdicts[i]
		if !verdict.Fires {
			continue
		}
		key := bodyKey{hook.Format, verdict.As}
		body, known := bodies[key]
		if !known {
			var err error
			if body, err = encode(ev, verdict.As, hook.Format); err != nil {
				return Entry{}, err
			}
			bodies[key] = body
		}
		entry.Deliveries, entry.To = append(entry.Deliveries, o.newDelivery(ev, hook, verdict.As, body)), append(entry.To, hook)
	}
	return entry, nil
}

// kept is a time as the database keeps it: what is sent says the same moment as what is shown of the event later.
func kept(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

// encode writes the body; the event carries the action it goes out as.
func encode(ev event.Event, as event.Action, format string) ([]byte, error) {
	ev.Action = as
	f, _ := payload.ByName(format)
	body, err := f.Encode(ev)
	if err != nil {
		return nil, fault.New(fault.Internal, "The event could not be written in the format %s.", f.Name).Because(err)
	}
	return body, nil
}

func (o *Outbox) newDelivery(ev event.Event, hook *webhook.Webhook, as event.Action, body []byte) Delivery {
	now := o.Now()
	del := Delivery{
		ID: o.NewDeliveryID(), EventID: ev.ID, Registry: hook.Registry, WebhookID: hook.ID, Webhook: hook.Name, Action: as,
		Image: Image{Repository: ev.Target.Repository, Tag: ev.Target.Tag, Digest: ev.Target.Digest},
		Body:  body, State: Pending, Next: now, Created: now,
	}
	if hook.Ordered && as != event.Ping {
		del.Lane = ev.Target.Repository
	}
	return del
}

func (o *Outbox) tell(u Update) {
	if o.Feed != nil {
		o.Feed.Publish(u)
	}
}

func (o *Outbox) wake() {
	if o.Wake != nil {
		o.Wake()
	}
}
