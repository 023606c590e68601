package store

import (
	"context"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Finish stores the ends of attempts and what follows from them, all or none. A result that comes after its lease ended and
// the delivery was claimed again is kept as that attempt's, and decides nothing more.
func (db *DB) Finish(ctx context.Context, done []delivery.Done) error {
	if len(done) == 0 {
		return nil
	}
	var disabled []registry.Name
	err := db.write(ctx, func(tx *gorm.DB) error {
		disabled = nil
		if err := keepAttempts(tx, done); err != nil {
			return err
		}
		if err := keepStates(tx, done); err != nil {
			return err
		}
		if err := db.countAttempts(tx, done); err != nil {
			return err
		}
		return db.keepEffects(tx, done, func(name registry.Name) { disabled = append(disabled, name) })
	})
	db.hooks.forget(disabled...)
	return err
}

// keepAttempts stores the attempts; one that was thought interrupted gets its real end.
func keepAttempts(tx *gorm.DB, done []delivery.Done) error {
	rows := make([]attemptRow, 0, len(done))
	for _, d := range done {
		rows = append(rows, rowOfAttempt(d.Attempt))
	}
	return inserted(tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "delivery_id"}, {Name: "number"}}, UpdateAll: true,
	}), rows)
}

// keepStates moves the deliveries on, in one statement. A delivery that was cancelled meanwhile stays so unless it arrived.
func keepStates(tx *gorm.DB, done []delivery.Done) error {
	for chunk := range slices.Chunk(done, manyRows) {
		var args []any
		for _, d := range chunk {
			del := d.Delivery
			args = append(args, int64(del.ID), int64(d.Attempt.Number), string(del.State), int64(del.Retries), micros(del.Next),
				string(classOf(del.Last)), int64(del.Last.Status), string(del.Last.Cause), del.Last.Duration.Microseconds(), micros(del.Last.At))
		}
		const integer, text = "bigint", "text"
		rows := placeholders(len(chunk), integer, integer, text, integer, integer, text, integer, text, integer, integer)
		err := tx.Exec(`update deliveries set
				state = case when deliveries.state = 'cancelled' and v.column3 = 'pending' then 'cancelled' else v.column3 end,
				retries = v.column4,
				next = case when deliveries.state = 'cancelled' then 0 else v.column5 end,
				claimed = 0, class = v.column6, last_status = v.column7, last_cause = v.column8, last_duration_us = v.column9, last_at = v.column10
			from (select * from (values `+rows+`) as given) as v
			where deliveries.id = v.column1 and deliveries.attempts = v.column2 and deliveries.claimed <> 0`, args...).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// webhookHourRow counts the attempts of a webhook in an hour that took about as long.
type webhookHourRow struct {
	WebhookID string `gorm:"primaryKey"`
	Hour      int64  `gorm:"primaryKey;autoIncrement:false"`
	Bucket    int64  `gorm:"primaryKey;autoIncrement:false"`
	Shard     int64  `gorm:"primaryKey;autoIncrement:false"`
	Succeeded int64
	Failed    int64
}

// TableName is GORM's question for the table.
func (webhookHourRow) TableName() string { return "webhook_hours" }

// bucketsPerOctave is how fine durations are counted: four to a doubling, so a quantile is at most 19 % off.
const bucketsPerOctave = 4

// bucketOf is the bucket of a duration; bucketTop its upper end.
func bucketOf(d time.Duration) int64 {
	us := d.Microseconds()
	if us < 1 {
		return 0
	}
	return int64(math.Log2(float64(us)) * bucketsPerOctave)
}

func bucketTop(bucket int64) time.Duration {
	return time.Duration(math.Exp2(float64(bucket+1)/bucketsPerOctave)) * time.Microsecond
}

// countAttempts adds attempts to the hours in which they ended; an interrupted one says nothing about the receiver.
func (db *DB) countAttempts(tx *gorm.DB, done []delivery.Done) error {
	counted := map[webhookHourRow]webhookHourRow{}
	for _, d := range done {
		if d.Attempt.Cause == delivery.CauseInterrupted {
			continue
		}
		ended := d.Attempt.Started.Add(d.Attempt.Duration)
		key := webhookHourRow{WebhookID: d.Delivery.WebhookID, Hour: micros(ended.Truncate(time.Hour)), Bucket: bucketOf(d.Attempt.Duration), Shard: db.shard}
		row, known := counted[key]
		if !known {
			row = key
		}
		if d.Attempt.Succeeded() {
			row.Succeeded++
		} else {
			row.Failed++
		}
		counted[key] = row
	}
	rows := make([]webhookHourRow, 0, len(counted))
	for _, row := range counted {
		rows = append(rows, row)
	}
	return inserted(tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "webhook_id"}, {Name: "hour"}, {Name: "bucket"}, {Name: "shard"}},
		DoUpdates: clause.Assignments(map[string]any{
			"succeeded": gorm.Expr("webhook_hours.succeeded + excluded.succeeded"), "failed": gorm.Expr("webhook_hours.failed + excluded.failed"),
		}),
	}), rows)
}

// effect is what a batch of results does to one webhook.
type effect struct {
	registry registry.Name
	last     delivery.Result // of the newest attempt
	ended    bool            // some attempt came to an end of its own
	cleared  bool            // some attempt succeeded
	failing  time.Time       // start of the first failure after the last success; zero: none
	pause    time.Duration
	disable  string
}

// keepEffects writes what results do to their webhooks: last result, since when it fails, pause, and disabling.
func (db *DB) keepEffects(tx *gorm.DB, done []delivery.Done, disabled func(registry.Name)) error {
	effects := effectsOf(done)
	ids := make([]string, 0, len(effects))
	for id := range effects {
		ids = append(ids, id)
	}
	slices.Sort(ids) // one order for every process, or two would wait for each other
	for _, id := range ids {
		e := effects[id]
		if err := db.keepState(tx, id, e); err != nil {
			return err
		}
		if e.disable == "" {
			continue
		}
		off, err := db.disable(tx, id, e.disable)
		if err != nil {
			return err
		}
		if off {
			disabled(e.registry)
		}
	}
	return nil
}

func effectsOf(done []delivery.Done) map[string]*effect {
	inOrder := slices.Clone(done)
	slices.SortStableFunc(inOrder, func(a, b delivery.Done) int { return a.Attempt.Started.Compare(b.Attempt.Started) })
	effects := map[string]*effect{}
	for _, d := range inOrder {
		id := d.Delivery.WebhookID
		if effects[id] == nil {
			effects[id] = &effect{registry: d.Delivery.Registry}
		}
		effects[id].add(d)
	}
	return effects
}

func (e *effect) add(d delivery.Done) {
	if d.Attempt.Cause == delivery.CauseInterrupted {
		return
	}
	e.last, e.ended = d.Attempt.Result(), true
	e.pause = max(e.pause, d.Pause)
	if d.Disable != "" {
		e.disable = d.Disable
	}
	switch {
	case d.Attempt.Succeeded():
		e.cleared, e.failing = true, time.Time{}
	case d.Delivery.Action != event.Ping && e.failing.IsZero(): // a failed ping does not count (PRODUCT.md, decision 24)
		e.failing = d.Attempt.Started
	}
}

// keepState writes the row of a webhook's state; a result that is older than the one there changes no "last".
func (db *DB) keepState(tx *gorm.DB, id string, e *effect) error {
	if !e.ended {
		return nil
	}
	at := micros(e.last.At)
	newer := func(column string, v any) any {
		return gorm.Expr("case when last_at <= ? then ? else "+column+" end", at, v)
	}
	changes := map[string]any{
		"last_status": newer("last_status", int64(e.last.Status)), "last_cause": newer("last_cause", string(e.last.Cause)),
		"last_duration_us": newer("last_duration_us", e.last.Duration.Microseconds()), "last_at": newer("last_at", at),
	}
	switch {
	case e.cleared:
		changes["failing_since"] = micros(e.failing)
	case !e.failing.IsZero():
		changes["failing_since"] = gorm.Expr("case when failing_since = 0 then cast(? as bigint) else failing_since end", micros(e.failing))
	}
	if e.pause > 0 {
		until := micros(db.now().Add(e.pause))
		changes["paused_until"] = gorm.Expr("case when paused_until < ? then cast(? as bigint) else paused_until end", until, until)
	}
	return tx.Model(&webhookStateRow{}).Where("webhook_id = ?", id).Updates(changes).Error
}

// disable switches a webhook off because of its receiver, and cancels what waits for it; off is false when it was off before.
func (db *DB) disable(tx *gorm.DB, id, reason string) (off bool, err error) {
	done := tx.Model(&webhookRow{}).Where("id = ? and status = ?", id, string(webhook.Enabled)).Updates(map[string]any{
		"status": string(webhook.Disabled), "disabled_reason": reason, "version": gorm.Expr("version + 1"),
		"updated_by": "dockbell", "updated": micros(db.now()),
	})
	if done.Error != nil || done.RowsAffected == 0 {
		return false, done.Error
	}
	return true, cancelWaiting(tx, id)
}
