package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
)

// recoverStep is how many deliveries one transaction makes due again, so that other writes come in between.
const recoverStep = 500

// Recoverable says what Recover would send again of a webhook. To count 100,000 takes 40 ms.
func (db *DB) Recoverable(ctx context.Context, webhookID string, since time.Time) (delivery.Recoverable, error) {
	return db.recoverable(ctx, webhookID, since, math.MaxInt64)
}

// Lost says whether Recover would send anything of a webhook again: it counts one of what failed, and one of what waits.
func (db *DB) Lost(ctx context.Context, webhookID string) (delivery.Recoverable, error) {
	return db.recoverable(ctx, webhookID, time.Time{}, 1)
}

func (db *DB) recoverable(ctx context.Context, webhookID string, since time.Time, most int64) (n delivery.Recoverable, err error) {
	err = db.read(ctx).Raw(`select
		(select count(*) from (select 1 from deliveries where state = 'failed' and webhook_id = ? and last_at >= ? and action <> 'ping' limit ?) as f) as failed,
		(select count(*) from (select 1 from deliveries where `+waiting+` and action <> 'ping' and webhook_id = ? and attempts > 0 and next > ? limit ?) as w) as waiting`,
		webhookID, micros(since), most, webhookID, micros(db.now()), most).Scan(&n).Error
	return n, translate(err)
}

// recoveredRow names a delivery that the last recovery of its webhook sent again.
type recoveredRow struct {
	WebhookID  string
	DeliveryID int64
}

// TableName is GORM's question for the table.
func (recoveredRow) TableName() string { return "recovered" }

// ForgetRecovered takes a few of the deliveries away that the last recovery of a webhook noted; 0 says that none are left.
func (db *DB) ForgetRecovered(ctx context.Context, webhookID string) (n int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		gone, err := db.sql(tx).run("delete from recovered where webhook_id = ? and delivery_id in (select delivery_id from recovered where webhook_id = ? limit ?)",
			webhookID, webhookID, recoverStep)
		n = int(gone)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// BeginRecovery notes that a recovery begins, in place of the one before.
func (db *DB) BeginRecovery(ctx context.Context, r delivery.Recovery) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return db.sql(tx).exec(`insert into recoveries (webhook_id, since, started, started_by) values (?, ?, ?, ?)
			on conflict (webhook_id) do update set since = excluded.since, started = excluded.started, started_by = excluded.started_by,
				total = 0, delivered = 0, failed = 0, waiting = 0, pending = 0, counted = 0`,
			r.HookID, micros(r.Since), micros(r.Started), plainText(r.By))
	})
}

// countedAtOnce is how many deliveries of a recovery are counted whenever somebody asks how far it is. Of a larger one the answer is
// what CountRecoveries wrote last: looking at 100,000 takes 150 ms.
const countedAtOnce = 1000

// LastRecovery gives the newest recovery of a webhook and how far it is; ok is false when there was none.
func (db *DB) LastRecovery(ctx context.Context, webhookID string) (r delivery.Recovery, ok bool, err error) {
	s := db.sql(db.read(ctx))
	err = s.query(func(row *sql.Rows) error {
		var since, started int64
		err := row.Scan(&since, &started, &r.By, &r.Total, &r.Delivered, &r.Failed, &r.Waiting)
		r.HookID, r.Since, r.Started, ok = webhookID, moment(since), moment(started), true
		return err
	}, "select since, started, started_by, total, delivered, failed, waiting from recoveries where webhook_id = ?", webhookID)
	if err == nil && ok && r.Total <= db.atOnce {
		_, err = countRecovery(s, &r)
	}
	return r, ok, translate(err)
}

// countRecovery looks at every delivery that a recovery sent again. pending are those that it may still change.
func countRecovery(s sqlTx, r *delivery.Recovery) (pending int, err error) {
	err = s.query(func(row *sql.Rows) error { return row.Scan(&r.Total, &r.Delivered, &r.Failed, &r.Waiting, &pending) },
		`select count(*), coalesce(sum(case when d.state = 'delivered' then 1 else 0 end), 0),
			coalesce(sum(case when d.state = 'failed' or d.state = 'pending' and d.last_at >= ? then 1 else 0 end), 0),
			coalesce(sum(case when d.state = 'pending' and d.last_at < ? then 1 else 0 end), 0),
			coalesce(sum(case when d.state = 'pending' then 1 else 0 end), 0)
		from recovered as r join deliveries as d on d.id = r.delivery_id where r.webhook_id = ?`, micros(r.Started), micros(r.Started), r.HookID)
	return pending, err
}

// CountRecoveries writes down how far large recoveries are whose numbers may change and are as old as that.
func (db *DB) CountRecoveries(ctx context.Context, old time.Time) error {
	var all []delivery.Recovery
	s := db.sql(db.read(ctx))
	err := s.query(func(row *sql.Rows) error {
		var r delivery.Recovery
		var started int64
		err := row.Scan(&r.HookID, &started)
		r.Started = moment(started)
		all = append(all, r)
		return err
	}, "select webhook_id, started from recoveries where total > ? and (pending > 0 or counted = 0) and counted <= ?", db.atOnce, micros(old))
	if err != nil {
		return translate(err)
	}
	for _, r := range all {
		at := micros(db.now())
		pending, err := countRecovery(s, &r)
		if err != nil {
			return translate(err)
		}
		err = db.write(ctx, func(tx *gorm.DB) error {
			return db.sql(tx).exec("update recoveries set total = ?, delivered = ?, failed = ?, waiting = ?, pending = ?, counted = ? where webhook_id = ? and started = ?",
				r.Total, r.Delivered, r.Failed, r.Waiting, pending, at, r.HookID, micros(r.Started))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Recover makes due again what failed of a webhook since a moment, with the whole schedule before it, and what waits for a
// retry, whose schedule goes on; oldest first. It does one step: 0 says that nothing is left to do. What is attempted after now
// is not touched, so that a receiver which goes on failing ends it.
func (db *DB) Recover(ctx context.Context, webhookID string, since, now time.Time) (n int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if err := probeNow(tx, webhookID, micros(now)); err != nil {
			return err
		}
		s, marks := db.sql(tx), []recoveredRow{}
		mark := func(row *sql.Rows) error {
			m := recoveredRow{WebhookID: webhookID}
			err := row.Scan(&m.DeliveryID)
			marks = append(marks, m)
			return err
		}
		err := s.query(mark, `update deliveries set state = 'pending', retries = 0, next = ?, lane = `+inLane+` where state = 'failed' and claimed = 0 and id in
			(select id from deliveries where state = 'failed' and webhook_id = ? and last_at >= ? and last_at < ? and action <> 'ping' order by last_at, id limit ?)
			returning id`, micros(now), webhookID, micros(since), micros(now), recoverStep)
		if err == nil && len(marks) == 0 {
			err = s.query(mark, `update deliveries set next = ? where `+waiting+` and id in
				(select id from deliveries where `+waiting+` and action <> 'ping' and webhook_id = ? and attempts > 0 and next > ? and last_at < ? order by next, id limit ?)
				returning id`, micros(now), webhookID, micros(now), micros(now), recoverStep)
		}
		n = len(marks)
		if err != nil || n == 0 {
			return err
		}
		if err := insert(s, marks, " on conflict do nothing"); err != nil {
			return err
		}
		return s.exec("update recoveries set total = total + ?, waiting = waiting + ?, pending = pending + ? where webhook_id = ?", n, n, n, webhookID)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
