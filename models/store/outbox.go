package store

import (
	"cmp"
	"context"
	"database/sql"
	"reflect"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/failpoint"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Record carries out a change, if there is one, and stores the entries that it gives rise to, in one transaction. An event
// that is stored already changes nothing, and neither do its deliveries. entries may be asked more than once; its last
// answer counts.
func (db *DB) Record(ctx context.Context, c *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	var out event.Outcome
	var images map[int64]int64
	turn := db.images.now()
	err := db.write(ctx, func(tx *gorm.DB) error {
		out = event.Outcome{}
		if c != nil {
			var err error
			if out, err = carryOut(tx, *c); err != nil {
				return err
			}
		}
		made, err := entries(out)
		if err != nil {
			return err
		}
		_, images, err = db.keep(tx, made)
		return err
	})
	if err != nil {
		return event.Outcome{}, err
	}
	if !db.postgres {
		db.images.add(images, turn)
	}
	failpoint.Hit(failpoint.Committed)
	return out, nil
}

// keep stores entries, each of them unless its event is known, and says of each whether it is new. images are theirs, for
// db.images after the commit.
func (db *DB) keep(tx *gorm.DB, entries []delivery.Entry) (isNew []bool, images map[int64]int64, err error) {
	if len(entries) == 0 {
		return nil, nil, nil
	}
	s := db.sql(tx)
	if images, err = db.storeImages(s, entries); err != nil {
		return nil, nil, err
	}
	rows := make([]eventRow, 0, len(entries))
	for _, entry := range entries {
		rows = append(rows, rowOfEntry(entry, int64(db.ids.Next()), images))
	}
	fresh, err := insertEvents(s, rows)
	if err != nil {
		return nil, nil, err
	}
	in := intake{hours: map[eventHourRow]int64{}}
	isNew = make([]bool, len(entries))
	for i, entry := range entries {
		isNew[i] = fresh[rows[i].Seq]
		if entries[i].Known = !isNew[i]; isNew[i] {
			in.add(entry, rows[i].ImageID, s.shard())
		}
	}
	return isNew, images, in.insert(s)
}

// insertEvents stores the events whose ID is not known, and says by their seq which these are.
func insertEvents(s sqlTx, rows []eventRow) (fresh map[int64]bool, err error) {
	const unlessKnown = "on conflict (id) do nothing returning seq"
	fresh = make(map[int64]bool, len(rows))
	note := func(row *sql.Rows) error {
		var seq int64
		err := row.Scan(&seq)
		fresh[seq] = true
		return err
	}
	t := tableOf[eventRow]()
	if s.postgres {
		return fresh, s.query(note, t.insertAll+unlessKnown, t.lists(reflect.ValueOf(rows))...)
	}
	args := make([]any, 0, len(t.columns))
	for i := range rows { // without "returning", which costs SQLite's driver as much as the insert
		done, err := s.run(t.insertOne+"on conflict (id) do nothing", t.values(args[:0], reflect.ValueOf(&rows[i]).Elem())...)
		if err != nil {
			return nil, err
		}
		fresh[rows[i].Seq] = done > 0
	}
	return fresh, nil
}

// intake is what the events of one Record bring along.
type intake struct {
	bodies     []bodyRow
	deliveries []deliveryRow
	hours      map[eventHourRow]int64
}

func (in *intake) add(entry delivery.Entry, image, shard int64) {
	ev := entry.Event
	bodies := map[string]delivery.ID{}
	for _, del := range entry.Deliveries {
		id, known := bodies[string(del.Body)]
		if !known {
			id = del.ID
			bodies[string(del.Body)] = id
			in.bodies = append(in.bodies, bodyRow{int64(id), del.Body})
		}
		in.deliveries = append(in.deliveries, rowOfDelivery(del, id, image))
	}
	in.hours[eventHourRow{
		Registry: string(ev.Registry), RegistryKey: ev.Registry.Key(), Hour: micros(ev.Time.Truncate(time.Hour)), Action: string(ev.Action), Shard: shard,
	}]++
}

func (in *intake) insert(s sqlTx) error {
	if err := insert(s, in.bodies, ""); err != nil {
		return err
	}
	if err := insert(s, in.deliveries, ""); err != nil {
		return err
	}
	hours := make([]eventHourRow, 0, len(in.hours))
	for row, n := range in.hours {
		row.Events = n
		hours = append(hours, row)
	}
	slices.SortFunc(hours, func(a, b eventHourRow) int { // one order for every process, or two would wait for each other
		return cmp.Or(cmp.Compare(a.RegistryKey, b.RegistryKey), cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Action, b.Action))
	})
	return insert(s, hours, "on conflict (registry_key, hour, action, shard) do update set events = event_hours.events + excluded.events")
}

// Requeue makes a delivery due again with its whole schedule before it. NotFound at field "delivery"; Conflict while it is
// being sent, when its webhook is gone, and when its webhook is disabled, which drops what is not a ping.
func (db *DB) Requeue(ctx context.Context, reg registry.Name, id delivery.ID, now time.Time) (delivery.Delivery, error) {
	var row deliveryRow
	err := db.write(ctx, func(tx *gorm.DB) error {
		var err error
		if row, err = deliveryIn(locked(tx), reg, id); err != nil {
			return err
		}
		if row.Claimed != 0 && row.Next > micros(db.now()) {
			return fault.New(fault.Conflict, "This delivery is being sent at this moment. Wait for its answer.")
		}
		if err := mayRequeue(tx, row); err != nil {
			return err
		}
		row.State, row.Retries, row.Next = string(delivery.Pending), 0, micros(now)
		if err := probeNow(tx, row.WebhookID, row.Next); err != nil {
			return err
		}
		return tx.Exec("update deliveries set state = ?, retries = 0, next = ?, lane = "+inLane+" where id = ?", row.State, row.Next, row.ID).Error
	})
	if err != nil {
		return delivery.Delivery{}, err
	}
	return row.delivery(), nil
}

// mayRequeue refuses a delivery whose webhook does not take it any more.
func mayRequeue(tx *gorm.DB, row deliveryRow) error {
	var statuses []string
	if err := tx.Model(&webhookRow{}).Where("id = ?", row.WebhookID).Limit(1).Pluck("status", &statuses).Error; err != nil {
		return err
	}
	switch {
	case len(statuses) == 0:
		return fault.New(fault.Conflict, "The webhook %s was deleted, so nothing can be sent to it.", row.Webhook)
	case statuses[0] == string(webhook.Disabled) && row.Action != string(event.Ping):
		return fault.New(fault.Conflict, "The webhook %s is disabled. Enable it, then redeliver.", row.Webhook)
	}
	return nil
}

func deliveryIn(tx *gorm.DB, reg registry.Name, id delivery.ID) (deliveryRow, error) {
	var rows []deliveryRow
	if err := tx.Where("id = ? and registry_key = ?", int64(id), reg.Key()).Limit(1).Find(&rows).Error; err != nil {
		return deliveryRow{}, translate(err)
	}
	if len(rows) == 0 {
		return deliveryRow{}, absent("delivery", "There is no delivery "+id.String()+" in "+string(reg)+".")
	}
	return rows[0], nil
}

// cancelWaiting ends what waits for a webhook that is disabled; its pings go on. An attempt that is under way goes on too: its
// result is kept, and nothing follows from a failure.
func cancelWaiting(tx *gorm.DB, webhookID string) error {
	return cancel(tx, webhookID, "action <> 'ping'")
}

// cancelAll ends what waits for a webhook that is deleted.
func cancelAll(tx *gorm.DB, webhookID string) error {
	return cancel(tx, webhookID, "action <> 'ping'", "action = 'ping'")
}

// cancel ends what waits and what is in flight; each has an index by which it is found without reading a whole history.
func cancel(tx *gorm.DB, webhookID string, which ...string) error {
	for _, part := range which {
		err := tx.Exec("update deliveries set state = 'cancelled', next = 0 where "+waiting+" and "+part+" and webhook_id = ?", webhookID).Error
		if err != nil {
			return err
		}
		err = tx.Exec("update deliveries set state = 'cancelled' where claimed <> 0 and next > 0 and state = 'pending' and "+part+" and webhook_id = ?", webhookID).Error
		if err != nil {
			return err
		}
	}
	return nil
}
