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
	query, key, err := db.deliveries(ctx, f)
	if err != nil {
		return delivery.Page{}, err
	}
	rows, older, newer, err := read[deliveryRow](pager{query, key, int64(f.Before), int64(f.After), f.Limit})
	if err != nil {
		return delivery.Page{}, err
	}
	p := delivery.Page{Older: older, Newer: newer}
	for _, row := range rows {
		p.Deliveries = append(p.Deliveries, row.delivery())
	}
	return p, db.markHeld(ctx, p.Deliveries)
}

// deliveries gives the query of a filter, after the text in it was looked up, and the key of its pages.
func (db *DB) deliveries(ctx context.Context, f delivery.Filter) (query func() *gorm.DB, key string, err error) {
	n := narrowing{sql: db.sql(db.read(ctx)), key: "id", text: f.Text}
	if err := n.lookUp(searchDeliveries, f.Registry); err != nil {
		return nil, "", translate(err)
	}
	id, later := plainText(string(f.EventID)), []int64(nil)
	if id != "" {
		if later, err = db.replayedOf(ctx, id); err != nil {
			return nil, "", err
		}
	}
	return func() *gorm.DB {
		n := n
		n.query = db.read(ctx).Model(&deliveryRow{})
		n.textIn("event_id")
		if f.EventID != "" { // its deliveries were made together, so that their IDs are near each other
			near, args := "id between (select first_delivery from events where events.id = ?) and (select last_delivery from events where events.id = ?)", []any{id, id}
			if len(later) > 0 {
				near, args = "("+near+" or id in ?)", append(args, later)
			}
			n.by("event_id", id, near, args...)
		}
		if f.WebhookID != "" {
			n.by("webhook_id", f.WebhookID, "")
		}
		if f.Registry != "" {
			n.by("registry_key", f.Registry.Key(), "")
		}
		if f.Class != delivery.AnyClass {
			n.rare("class", string(f.Class), f.Class != delivery.Class2xx, "class <> '' and class <> '2xx'")
		}
		if f.Action != "" {
			n.rare("action", string(f.Action), f.Action != event.Push, "action <> 'push'")
		}
		n.since(f.Since)
		return n.query
	}, n.pageKey(), nil
}

// narrowing builds the query of a filter so that both databases find it by the index that leads there: an equation that shall
// not be looked up has its column hidden in an expression.
type narrowing struct {
	query *gorm.DB
	sql   sqlTx
	key   string
	text  string
	few   bool    // what the text finds is in found
	found []int64 // keys
	led   bool    // there is something to begin with
	last  bool    // nothing more can be found by the index
}

// lookUp finds what the text stands for, if it is little.
func (n *narrowing) lookUp(look search, reg registry.Name) (err error) {
	if n.text != "" {
		n.found, n.few, err = look.keys(n.sql, reg, n.text)
	}
	return err
}

// pageKey is the key of pages; when the rows are known it is hidden from the index, which would be read from its end to find
// them in order.
func (n *narrowing) pageKey() string {
	if n.few {
		return n.key + " + 0"
	}
	return n.key
}

// textIn narrows by the text, which begins a search when it finds little.
func (n *narrowing) textIn(id string) {
	switch {
	case n.text == "":
	case n.few:
		if n.sql.postgres {
			n.query = n.query.Where(n.key+" in ?", n.found)
		} else {
			n.query = n.query.Where(n.key+n.sql.among(), n.sql.list(n.found))
		}
		n.led, n.last = true, true
	default:
		text := literal(strings.ToLower(plainText(n.text)))
		n.query = n.query.Where("(lower(repository || ':' || tag) like ? escape '\\' or "+id+" like ? escape '\\')", "%"+text+"%", text+"%")
	}
}

// by narrows by a column that has an index, unless another leads already; more is what helps to find it.
func (n *narrowing) by(column, value, more string, args ...any) {
	if n.led {
		n.query = n.query.Where(column+" || '' = ?", value)
		return
	}
	n.led = true
	if more != "" {
		n.query, n.last = n.query.Where(more, args...), true
		column += " || ''"
	}
	n.query = n.query.Where(column+" = ?", value)
}

// rare narrows by a column of which only the rare values have an index, which SQLite finds by its own words alone.
func (n *narrowing) rare(column, value string, isRare bool, words string) {
	if n.last || !isRare {
		n.query = n.query.Where(column+" || '' = ?", value)
		return
	}
	n.last = true
	n.query = n.query.Where(column+" = ? and "+words, value)
}

func (n *narrowing) since(t time.Time) {
	if !t.IsZero() {
		n.query = n.query.Where(n.pageKey()+" >= ?", firstIn(t))
	}
}

// firstIn is the lowest ID of what was made since a time; IDs count milliseconds, and that of the time itself is included.
func firstIn(since time.Time) int64 { return int64(delivery.FirstID(since.Truncate(time.Millisecond))) }

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
	one := []delivery.Delivery{del}
	err = db.markHeld(ctx, one)
	return one[0], err
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
	query, key, err := db.events(ctx, f)
	if err != nil {
		return event.Page{}, err
	}
	rows, older, newer, err := read[eventRow](pager{query, key, before, after, f.Limit})
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

// events gives the query of a filter, after the text in it was looked up, and the key of its pages.
func (db *DB) events(ctx context.Context, f event.Filter) (query func() *gorm.DB, key string, err error) {
	n := narrowing{sql: db.sql(db.read(ctx)), key: "seq", text: f.Text}
	if err := n.lookUp(searchEvents, f.Registry); err != nil {
		return nil, "", translate(err)
	}
	return func() *gorm.DB {
		n := n
		n.query = db.read(ctx).Model(&eventRow{}).Select(eventFacts)
		n.textIn("id")
		if f.Registry != "" {
			n.by("registry_key", f.Registry.Key(), "")
		}
		if f.Action == "" {
			n.query = n.query.Where("action <> 'ping'")
		} else {
			n.rare("action", string(f.Action), f.Action != event.Push, "action <> 'push'")
		}
		n.since(f.Since)
		return n.query
	}, n.pageKey(), nil
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
