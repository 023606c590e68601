package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"dockbell/models/audit"
	"dockbell/models/delivery"
	"dockbell/models/fault"
	"dockbell/models/webhook"
)

// waitingFor is what waits for a webhook but its pings.
func waitingFor(webhookID string, which delivery.Which) (where string, args []any) {
	where, args = waiting+" and action <> 'ping' and webhook_id = ?", []any{webhookID}
	if which.Before != 0 {
		where, args = where+" and id < ?", append(args, int64(which.Before))
	}
	if which.Repository != "" {
		where, args = where+" and repository = ?", append(args, plainText(which.Repository))
	}
	if which.Retries {
		where += " and attempts > 0"
	}
	return where, args
}

// sameImage is what makes deliveries about the same: the tag, or the digest of what has none.
const sameImage = "repository, tag, case when tag = '' then digest else '' end"

// dropSome is how many deliveries one transaction cancels, so that other writes come in between.
const dropSome = 500

// WaitingFor counts what waits for a webhook.
func (db *DB) WaitingFor(ctx context.Context, webhookID string, which delivery.Which) (n delivery.Waiting, err error) {
	where, args := waitingFor(webhookID, which)
	err = db.read(ctx).Raw(`select coalesce(sum(n), 0) as "all", count(*) as newest from
		(select count(*) as n from deliveries where `+where+` group by `+sameImage+`) as images`, args...).Scan(&n).Error
	return n, translate(err)
}

// Superseded gives what waits for a webhook while a newer delivery about the same image waits too.
func (db *DB) Superseded(ctx context.Context, webhookID string, which delivery.Which) (ids []delivery.ID, err error) {
	where, args := waitingFor(webhookID, which)
	err = db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		var id delivery.ID
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, `select id from (select id, row_number() over (partition by `+sameImage+` order by id desc) as place from deliveries where `+where+`) as placed
		where place > 1 order by id`, args...)
	return ids, translate(err)
}

// Drop cancels what waits for a webhook: these deliveries, or for nil the next few of all.
func (db *DB) Drop(ctx context.Context, webhookID string, which delivery.Which, ids []delivery.ID) (n int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		where, args := waitingFor(webhookID, which)
		if ids != nil {
			where, args = where+" and id in ?", append(args, ids)
		} else {
			where, args = waiting+" and id in (select id from deliveries where "+where+" order by next, id limit ?)", append(args, dropSome)
		}
		done := tx.Exec("update deliveries set state = 'cancelled', next = 0 where "+where, args...)
		n = int(done.RowsAffected)
		return done.Error
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// EndPause lets a paused webhook send again. What waits now goes at the drain rate, 0 is at once.
func (db *DB) EndPause(ctx context.Context, w webhook.Webhook, drain delivery.Rate, by string) error {
	defer db.hooks.forget(w.Registry.Key())
	return db.write(ctx, func(tx *gorm.DB) error {
		now := db.now()
		done := tx.Model(&webhookRow{}).Where("id = ? and paused <> 0", w.ID).Updates(map[string]any{
			"paused": 0, "version": gorm.Expr("version + 1"), "updated_by": by, "updated_by_kind": audit.ActorOf(ctx).Kind, "updated": micros(now),
		})
		if err := orMissing(done, fault.New(fault.Conflict, "The webhook %s is not paused any more.", w.Name)); err != nil {
			return err
		}
		changes := map[string]any{"drain_rate": int64(drain), "drain_last": 0}
		if drain > 0 {
			changes["drain_last"] = int64(delivery.FirstID(now)) - 1
		}
		return tx.Model(&webhookStateRow{}).Where("webhook_id = ?", w.ID).Updates(changes).Error
	})
}
