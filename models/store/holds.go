package store

import (
	"context"
	"database/sql"

	"dockbell/models/delivery"
)

// What holds deliveries back is asked when they are shown, of the webhooks of those that wait alone: the queue pays nothing for it.

// markHeld notes what keeps each delivery of a page back.
func (db *DB) markHeld(ctx context.Context, all []delivery.Delivery) error {
	var ids []string
	known := map[string]bool{}
	for _, del := range all {
		if del.Waits() && !known[del.WebhookID] {
			ids, known[del.WebhookID] = append(ids, del.WebhookID), true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := db.circumstances(ctx, ids)
	if err != nil {
		return translate(err)
	}
	s, now, first := db.sql(db.read(ctx)), db.now(), map[lane]delivery.ID{}
	for i, del := range all {
		at := lane{del.WebhookID, del.Lane}
		if _, asked := first[at]; !asked && del.Waits() && del.Lane != "" {
			if first[at], err = headOf(s, at); err != nil {
				return translate(err)
			}
		}
		all[i].Hold = found[del.WebhookID].Hold(del, first[at], now)
	}
	return nil
}

// lane is the deliveries of a repository that keep their order.
type lane struct{ webhookID, repository string }

// headQuery reads the delivery of a lane that comes first, under way or not.
const headQuery = "select coalesce(min(id), 0) from deliveries where state = 'pending' and lane <> '' and webhook_id = ? and lane = ?"

func headOf(s sqlTx, l lane) (id delivery.ID, err error) {
	err = s.query(func(row *sql.Rows) error { return row.Scan(&id) }, headQuery, l.webhookID, l.repository)
	return id, err
}

// circumstances gives what holds the deliveries of webhooks.
func (db *DB) circumstances(ctx context.Context, ids []string) (map[string]delivery.Circumstances, error) {
	var hooks []webhookRow
	if err := db.read(ctx).Select("id, paused, max_in_flight, rate").Where("id in ?", ids).Find(&hooks).Error; err != nil {
		return nil, err
	}
	var states []webhookStateRow
	if err := db.read(ctx).Where("webhook_id in ?", ids).Find(&states).Error; err != nil {
		return nil, err
	}
	flying, err := claim{sql: db.sql(db.read(ctx))}.flying()
	if err != nil {
		return nil, err
	}
	all := map[string]delivery.Circumstances{}
	for _, h := range hooks {
		all[h.ID] = delivery.Circumstances{Paused: moment(h.Paused), Rate: delivery.Rate(h.Rate), Most: int(h.MaxInFlight), Flying: flying[h.ID]}
	}
	for _, st := range states {
		c, here := all[st.WebhookID]
		if !here {
			continue
		}
		c.PutOff, c.Circuit, c.Whole = moment(st.PausedUntil), st.circuit(), moment(st.RateWhole)
		pace := paced(c.Rate, delivery.Rate(st.DrainRate), st.DrainLast)
		c.Rate, c.Drains = pace, pace != c.Rate
		all[st.WebhookID] = c
	}
	return all, nil
}
