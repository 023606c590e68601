package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// defaultPage is how many rows a page has when nobody says.
const defaultPage = 100

// Deliveries gives a page of a delivery history, newest first, without bodies. An empty registry means all of them.
func (db *DB) Deliveries(ctx context.Context, f delivery.Filter) (delivery.Page, error) {
	query := func() *gorm.DB { return narrowDeliveries(db.read(ctx).Model(&deliveryRow{}), f) }
	rows, older, newer, err := read[deliveryRow](pager{query, "id", int64(f.Before), int64(f.After), f.Limit})
	if err != nil {
		return delivery.Page{}, err
	}
	p := delivery.Page{Older: older, Newer: newer}
	for _, row := range rows {
		p.Deliveries = append(p.Deliveries, row.delivery())
	}
	return p, nil
}

func narrowDeliveries(query *gorm.DB, f delivery.Filter) *gorm.DB {
	if f.WebhookID != "" {
		query = query.Where("webhook_id = ?", f.WebhookID)
	}
	if f.EventID != "" { // its deliveries were made together, so that their IDs are near each other
		id := plainText(string(f.EventID))
		query = query.Where(`event_id = ? and id between (select first_delivery from events where events.id = ?) and (select last_delivery from events where events.id = ?)`, id, id, id)
	}
	if f.Registry != "" {
		query = query.Where("registry_key = ?", f.Registry.Key())
	}
	if f.Action != "" {
		query = query.Where("action = ?", string(f.Action))
		if f.Action != event.Push {
			query = query.Where("action <> 'push'") // SQLite finds a partial index by its own words alone
		}
	}
	if f.Class != delivery.AnyClass {
		query = query.Where("class = ?", string(f.Class))
		if f.Class != delivery.Class2xx {
			query = query.Where("class <> '' and class <> '2xx'")
		}
	}
	if f.Text != "" {
		query = narrowText(query, f.Text, "event_id")
	}
	if !f.Since.IsZero() {
		query = query.Where("id >= ?", int64(delivery.FirstID(f.Since)))
	}
	return query
}

// narrowText looks for a part of a repository or tag, or the beginning of an event's ID.
func narrowText(query *gorm.DB, text, id string) *gorm.DB {
	text = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(plainText(text)))
	part := "%" + text + "%"
	return query.Where("(lower(repository || ':' || tag) like ? escape '\\' or "+id+" like ? escape '\\')", part, text+"%")
}

// pager reads one page by a key that grows with time: the rows before a key, those after one, or the newest.
type pager struct {
	query         func() *gorm.DB
	key           string
	before, after int64
	limit         int
}

// read gives a page, newest first, and whether there are older and newer rows than its own.
func read[T any](p pager) (rows []T, older, newer bool, err error) {
	limit := p.limit
	if limit <= 0 {
		limit = defaultPage
	}
	upwards := p.after > 0 && p.before == 0
	q := p.query().Limit(limit + 1)
	switch {
	case upwards:
		q = q.Where(p.key+" > ?", p.after).Order(p.key)
	case p.before > 0:
		q = q.Where(p.key+" < ?", p.before).Order(p.key + " desc")
	default:
		q = q.Order(p.key + " desc")
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, false, false, translate(err)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	switch {
	case upwards:
		slices.Reverse(rows)
		older, err = p.any(p.key+" <= ?", p.after, p.key+" desc")
		return rows, older, more, err
	case p.before > 0:
		newer, err = p.any(p.key+" >= ?", p.before, p.key)
		return rows, more, newer, err
	default:
		return rows, more, false, nil
	}
}

// any reports whether there is a row on that side of a key.
func (p pager) any(where string, key int64, order string) (bool, error) {
	var keys []int64
	err := p.query().Where(where, key).Order(order).Limit(1).Pluck(p.key, &keys).Error
	return len(keys) > 0, translate(err)
}

// Delivery gives a delivery with its body; NotFound at field "delivery".
func (db *DB) Delivery(ctx context.Context, name registry.Name, id delivery.ID) (delivery.Delivery, error) {
	row, err := deliveryIn(db.read(ctx), name, id)
	if err != nil {
		return delivery.Delivery{}, err
	}
	del := row.delivery()
	var bodies []bodyRow
	if err := db.read(ctx).Where("id = ?", row.BodyID).Limit(1).Find(&bodies).Error; err != nil {
		return delivery.Delivery{}, translate(err)
	}
	if len(bodies) > 0 {
		del.Body = bodies[0].Body
	}
	return del, nil
}

// Attempts gives the finished attempts of a delivery, oldest first.
func (db *DB) Attempts(ctx context.Context, id delivery.ID) ([]delivery.Attempt, error) {
	var rows []attemptRow
	if err := db.read(ctx).Where("delivery_id = ?", int64(id)).Order("number").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]delivery.Attempt, 0, len(rows))
	for _, row := range rows {
		a, err := row.attempt()
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// Events gives a page of events, newest first; an empty registry means all of them. Pings are not among them unless they
// are asked for: nothing happened in the registry.
func (db *DB) Events(ctx context.Context, f event.Filter) (event.Page, error) {
	before, err := db.seqOf(ctx, f.Before)
	if err != nil {
		return event.Page{}, err
	}
	after, err := db.seqOf(ctx, f.After)
	if err != nil {
		return event.Page{}, err
	}
	query := func() *gorm.DB { return narrowEvents(db.read(ctx).Model(&eventRow{}).Select(eventFacts), f) }
	rows, older, newer, err := read[eventRow](pager{query, "seq", before, after, f.Limit})
	if err != nil {
		return event.Page{}, err
	}
	p := event.Page{Older: older, Newer: newer}
	for _, row := range rows {
		ev, err := row.event()
		if err != nil {
			return event.Page{}, err
		}
		p.Events = append(p.Events, ev)
	}
	return p, nil
}

func narrowEvents(query *gorm.DB, f event.Filter) *gorm.DB {
	if f.Registry != "" {
		query = query.Where("registry_key = ?", f.Registry.Key())
	}
	switch f.Action {
	case "":
		query = query.Where("action <> 'ping'")
	case event.Push:
		query = query.Where("action = 'push'")
	default:
		query = query.Where("action = ? and action <> 'push'", string(f.Action))
	}
	if f.Text != "" {
		query = narrowText(query, f.Text, "id")
	}
	if !f.Since.IsZero() {
		query = query.Where("seq >= ?", int64(delivery.FirstID(f.Since)))
	}
	return query
}

// seqOf gives an event's place in the order of lists; 0 for no event, or one that is not there.
func (db *DB) seqOf(ctx context.Context, id event.ID) (int64, error) {
	if id == "" {
		return 0, nil
	}
	var seqs []int64
	err := db.read(ctx).Model(&eventRow{}).Where("id = ?", plainText(string(id))).Limit(1).Pluck("seq", &seqs).Error
	if err != nil || len(seqs) == 0 {
		return 0, translate(err)
	}
	return seqs[0], nil
}

// Event gives one event; NotFound at field "event".
func (db *DB) Event(ctx context.Context, name registry.Name, id event.ID) (event.Event, error) {
	var rows []eventRow
	err := db.read(ctx).Select(eventFacts).Where("id = ? and registry_key = ?", plainText(string(id)), name.Key()).Limit(1).Find(&rows).Error
	if err != nil {
		return event.Event{}, translate(err)
	}
	if len(rows) == 0 {
		return event.Event{}, absent("event", "There is no event "+string(id)+" in "+string(name)+".")
	}
	return rows[0].event()
}

// Verdicts says for every webhook why it fired or did not, as it was when the event came.
func (db *DB) Verdicts(ctx context.Context, id event.ID) ([]webhook.Verdict, error) {
	var rows []eventRow
	if err := db.read(ctx).Select("verdicts").Where("id = ?", plainText(string(id))).Limit(1).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	var list []verdictJSON
	for _, row := range rows {
		if err := fromJSON(row.Verdicts, &list); err != nil {
			return nil, err
		}
	}
	all := make([]webhook.Verdict, 0, len(list))
	for _, v := range list {
		all = append(all, webhook.Verdict{WebhookID: v.WebhookID, Webhook: webhook.Name(v.Webhook), Fires: v.Fires, As: v.As, Reason: v.Reason})
	}
	return all, nil
}

// Stakes says, per webhook, what goes when it is deleted.
func (db *DB) Stakes(ctx context.Context, webhookIDs []string) (map[string]delivery.Stakes, error) {
	all := map[string]delivery.Stakes{}
	for _, id := range webhookIDs {
		var n struct{ Waiting, Past int }
		err := db.read(ctx).Raw(`select
			(select count(*) from deliveries where webhook_id = ? and state = 'pending' and claimed = 0 and action <> 'ping')
				+ (select count(*) from deliveries where webhook_id = ? and state = 'pending' and claimed = 0 and action = 'ping')
				+ (select count(*) from deliveries where webhook_id = ? and state = 'pending' and claimed <> 0 and next > 0) as waiting,
			(select count(*) from deliveries where webhook_id = ?) as past`, id, id, id, id).Scan(&n).Error
		if err != nil {
			return nil, translate(err)
		}
		all[id] = delivery.Stakes{Waiting: n.Waiting, Past: n.Past}
	}
	return all, nil
}

// hour is the beginning of the hour of a time.
func hour(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }
