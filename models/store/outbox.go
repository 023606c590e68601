package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// manyRows is how many rows one insert carries: both databases bound the parameters of a statement.
const manyRows = 200

// Record carries out a change, if there is one, and stores the entries that it gives rise to, in one transaction. An event
// that is stored already changes nothing, and neither do its deliveries. entries may be asked more than once; its last
// answer counts.
func (db *DB) Record(ctx context.Context, c *event.Change, entries func(event.Outcome) ([]delivery.Entry, error)) (event.Outcome, error) {
	var out event.Outcome
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
		return db.keep(tx, made)
	})
	if err != nil {
		return event.Outcome{}, err
	}
	return out, nil
}

// intake is what one Record inserts.
type intake struct {
	verdicts   []verdictsRow
	bodies     []bodyRow
	deliveries []deliveryRow
	hours      map[eventHourRow]int64
}

// keep stores entries, each of them unless its event is known.
func (db *DB) keep(tx *gorm.DB, entries []delivery.Entry) error {
	in := intake{hours: map[eventHourRow]int64{}}
	for _, entry := range entries {
		row := rowOfEvent(entry.Event, int64(db.ids.Next()), len(entry.Deliveries))
		done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected > 0 {
			in.add(entry, db.shard)
		}
	}
	return in.insert(tx)
}

func (in *intake) add(entry delivery.Entry, shard int64) {
	ev := entry.Event
	verdicts := make([]verdictJSON, 0, len(entry.Verdicts))
	for _, v := range entry.Verdicts {
		verdicts = append(verdicts, verdictJSON{v.WebhookID, string(v.Webhook), v.Fires, v.As, v.Reason})
	}
	in.verdicts = append(in.verdicts, verdictsRow{string(ev.ID), toJSON(verdicts)})
	bodies := map[string]delivery.ID{}
	for _, del := range entry.Deliveries {
		id, known := bodies[string(del.Body)]
		if !known {
			id = del.ID
			bodies[string(del.Body)] = id
			in.bodies = append(in.bodies, bodyRow{int64(id), del.Body})
		}
		in.deliveries = append(in.deliveries, rowOfDelivery(del, id))
	}
	in.hours[eventHourRow{
		Registry: string(ev.Registry), RegistryKey: ev.Registry.Key(), Hour: micros(ev.Time.Truncate(time.Hour)), Action: string(ev.Action), Shard: shard,
	}]++
}

func (in *intake) insert(tx *gorm.DB) error {
	if err := inserted(tx, in.verdicts); err != nil {
		return err
	}
	if err := inserted(tx, in.bodies); err != nil {
		return err
	}
	if err := inserted(tx, in.deliveries); err != nil {
		return err
	}
	for row, n := range in.hours {
		row.Events = n
		err := tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "registry_key"}, {Name: "hour"}, {Name: "action"}, {Name: "shard"}},
			DoUpdates: clause.Assignments(map[string]any{"events": gorm.Expr("event_hours.events + excluded.events")}),
		}).Create(&row).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// inserted stores rows in batches; none is nothing to do.
func inserted[T any](tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, manyRows).Error
}

// Requeue makes a delivery due again with its whole schedule before it. NotFound at field "delivery"; Conflict while it is
// being sent, when its webhook is gone, and when its webhook is disabled, which drops what is not a ping.
func (db *DB) Requeue(ctx context.Context, reg registry.Name, id delivery.ID, now time.Time) (delivery.Delivery, error) {
	var row deliveryRow
	err := db.write(ctx, func(tx *gorm.DB) error {
		var err error
		if row, err = deliveryIn(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), reg, id); err != nil {
			return err
		}
		if row.Claimed != 0 && row.State == string(delivery.Pending) {
			return fault.New(fault.Conflict, "This delivery is being sent at this moment. Wait for its answer.")
		}
		if err := mayRequeue(tx, row); err != nil {
			return err
		}
		row.State, row.Retries, row.Next = string(delivery.Pending), 0, micros(now)
		return tx.Model(&deliveryRow{}).Where("id = ?", row.ID).Select("state", "retries", "next").Updates(&row).Error
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

// cancelWaiting ends what waits for a webhook that is disabled or deleted. An attempt that is under way goes on: its result
// is kept, and nothing follows from a failure.
func cancelWaiting(tx *gorm.DB, webhookID string) error {
	return tx.Exec(`update deliveries set state = ?, next = case when claimed = 0 then 0 else next end where webhook_id = ? and state = ?`,
		string(delivery.Cancelled), webhookID, string(delivery.Pending)).Error
}
