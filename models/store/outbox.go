package store

import (
	"context"
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
	var stored *part
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
		stored = newPart(made, nil)
		return db.storeParts(tx, []*part{stored})
	})
	if err != nil {
		return event.Outcome{}, err
	}
	db.rememberImages([]*part{stored}, turn)
	failpoint.Hit(failpoint.Committed)
	return out, nil
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
