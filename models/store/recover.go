package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
)

// recoverStep is how many deliveries one transaction makes due again, so that other writes come in between.
const recoverStep = 500

// Recoverable says what Recover would send again of a webhook.
func (db *DB) Recoverable(ctx context.Context, webhookID string, since time.Time) (delivery.Recoverable, error) {
	var n delivery.Recoverable
	err := db.read(ctx).Raw(`select
		(select count(*) from deliveries where state = 'failed' and webhook_id = ? and last_at >= ? and action <> 'ping') as failed,
		(select count(*) from deliveries where `+waiting+` and action <> 'ping' and webhook_id = ? and attempts > 0 and next > ?) as waiting`,
		webhookID, micros(since), webhookID, micros(db.now())).Scan(&n).Error
	return n, translate(err)
}

// Recover makes due again what failed of a webhook since a moment, with the whole schedule before it, and what waits for a
// retry, whose schedule goes on; oldest first. It does one step: 0 says that nothing is left to do. What is attempted after now
// is not touched, so that a receiver which goes on failing ends it.
func (db *DB) Recover(ctx context.Context, webhookID string, since, now time.Time) (n int, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		if err := probeNow(tx, webhookID, micros(now)); err != nil {
			return err
		}
		done := tx.Exec(`update deliveries set state = 'pending', retries = 0, next = ?, lane = `+inLane+` where state = 'failed' and claimed = 0 and id in
			(select id from deliveries where state = 'failed' and webhook_id = ? and last_at >= ? and last_at < ? and action <> 'ping' order by last_at, id limit ?)`,
			micros(now), webhookID, micros(since), micros(now), recoverStep)
		if n = int(done.RowsAffected); done.Error != nil || n > 0 {
			return done.Error
		}
		done = tx.Exec(`update deliveries set next = ? where `+waiting+` and id in
			(select id from deliveries where `+waiting+` and action <> 'ping' and webhook_id = ? and attempts > 0 and next > ? and last_at < ? order by next, id limit ?)`,
			micros(now), webhookID, micros(now), micros(now), recoverStep)
		n = int(done.RowsAffected)
		return done.Error
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
