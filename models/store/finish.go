package store

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"dockbell/models/audit"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/failpoint"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Finish stores the ends of attempts and what follows from them, all or none. A result that comes after its lease ended and
// the delivery was claimed again is kept as that attempt's, and decides nothing more.
func (db *DB) Finish(ctx context.Context, done []delivery.Done) error {
	if len(done) == 0 {
		return nil
	}
	var disabled []string // keys of registries
	err := db.write(ctx, func(tx *gorm.DB) error {
		disabled = nil
		s := db.sql(tx)
		if err := keepAttempts(s, done); err != nil {
			return err
		}
		if err := keepStates(s, done); err != nil {
			return err
		}
		if err := countAttempts(s, done); err != nil {
			return err
		}
		err := db.keepEffects(tx, done, func(name registry.Name) { disabled = append(disabled, name.Key()) })
		failpoint.Hit(failpoint.Finishing)
		return err
	})
	db.hooks.forget(disabled...)
	return err
}

// keepAttempts stores the attempts; one that was thought interrupted gets its real end.
func keepAttempts(s sqlTx, done []delivery.Done) error {
	rows := make([]attemptRow, 0, len(done))
	for _, d := range done {
		rows = append(rows, rowOfAttempt(d.Attempt))
	}
	var changes []string
	for _, column := range tableOf[attemptRow]().columns {
		changes = append(changes, column+" = excluded."+column)
	}
	return insert(s, rows, "on conflict (delivery_id, number) do update set "+strings.Join(changes, ", "))
}

// keepStates moves the deliveries on. A delivery that was cancelled meanwhile stays so unless it arrived. A result that comes
// after its lease ended still counts as long as the delivery was not claimed again.
func keepStates(s sqlTx, done []delivery.Done) error {
	rows := make([]endRow, 0, len(done))
	for _, d := range done {
		del := d.Delivery
		rows = append(rows, endRow{
			int64(del.ID), int64(d.Attempt.Number), string(del.State), int64(del.Retries), micros(del.Next),
			string(classOf(del.Last)), int64(del.Last.Status), string(del.Last.Cause), del.Last.Duration.Microseconds(), micros(del.Last.At),
		})
	}
	return update(s, rows, `update deliveries set
			state = case when deliveries.state = 'cancelled' and @state = 'pending' then 'cancelled' else @state end, retries = @retries,
			next = case when deliveries.state = 'cancelled' then 0 else @next end, claimed = 0,
			class = @class, last_status = @status, last_cause = @cause, last_duration_us = @duration, last_at = @at`,
		`where deliveries.id = @id and deliveries.attempts = @number and (deliveries.claimed <> 0 or deliveries.state = 'pending' and deliveries.last_at <> @at)`)
}

// endRow is what the end of an attempt changes in its delivery.
type endRow struct {
	ID       int64
	Number   int64
	State    string
	Retries  int64
	Next     int64
	Class    string
	Status   int64
	Cause    string
	Duration int64
	At       int64
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
func countAttempts(s sqlTx, done []delivery.Done) error {
	counted := make(map[webhookHourRow]webhookHourRow, len(done))
	for _, d := range done {
		if d.Attempt.Cause == delivery.CauseInterrupted {
			continue
		}
		ended := d.Attempt.Started.Add(d.Attempt.Duration)
		key := webhookHourRow{WebhookID: d.Delivery.WebhookID, Hour: micros(ended.Truncate(time.Hour)), Bucket: bucketOf(d.Attempt.Duration), Shard: s.shard()}
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
	slices.SortFunc(rows, func(a, b webhookHourRow) int { // one order for every process, or two would wait for each other
		return cmp.Or(cmp.Compare(a.WebhookID, b.WebhookID), cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Bucket, b.Bucket))
	})
	return insert(s, rows, `on conflict (webhook_id, hour, bucket, shard) do update set
		succeeded = webhook_hours.succeeded + excluded.succeeded, failed = webhook_hours.failed + excluded.failed`)
}

// effect is what a batch of results does to one webhook.
type effect struct {
	registry registry.Name
	last     delivery.Result // of the newest attempt
	ended    bool            // some attempt came to an end of its own
	cleared  bool            // some attempt succeeded
	failing  time.Time       // start of the first failure after the last success; zero: none
	pause    time.Duration
	disable  *delivery.Done // asks for it
	alive    bool           // some attempt was answered, whatever the answer
	dead     int            // attempts after that which found no receiver
	lastDead time.Time      // when the last of them began

	failed    *delivery.Done // the newest attempt that failed; pings do not count here and below
	arrived   *delivery.Done // the newest that succeeded
	failedRow int            // attempts in a row that failed since then
	givenUp   int            // deliveries among them that failed for good
}

// keepEffects writes what results do to their webhooks: last result, since when it fails, pause, and disabling.
func (db *DB) keepEffects(tx *gorm.DB, done []delivery.Done, disabled func(registry.Name)) error {
	effects := effectsOf(done)
	ids := slices.Sorted(maps.Keys(effects)) // one order for every process, or two would wait for each other
	inTrouble, err := db.keepWebhookStates(tx, ids, effects)
	if err != nil {
		return err
	}
	if err := db.keepCircuits(tx, ids, effects); err != nil {
		return err
	}
	for _, id := range ids {
		e := effects[id]
		if e.disable == nil {
			continue
		}
		off, err := db.disable(tx, e.disable, inTrouble[id])
		if err != nil {
			return err
		}
		if off {
			disabled(e.registry)
		}
	}
	return db.keepNotices(tx, inTrouble, effects)
}

func effectsOf(done []delivery.Done) map[string]*effect {
	inOrder := make([]*delivery.Done, len(done))
	for i := range done {
		inOrder[i] = &done[i]
	}
	slices.SortStableFunc(inOrder, func(a, b *delivery.Done) int { return a.Attempt.Started.Compare(b.Attempt.Started) })
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

func (e *effect) add(d *delivery.Done) {
	if d.Attempt.Cause == delivery.CauseInterrupted {
		return
	}
	e.last, e.ended = d.Attempt.Result(), true
	e.pause = max(e.pause, d.Pause)
	if d.Disable != "" {
		e.disable = d
	}
	switch {
	case d.Attempt.Status != 0:
		e.alive, e.dead = true, 0
	case d.Attempt.Cause.Dead() && d.Delivery.Action != event.Ping:
		e.dead, e.lastDead = e.dead+1, d.Attempt.Started
	}
	e.count(d)
	switch {
	case d.Attempt.Succeeded():
		e.cleared, e.failing = true, time.Time{}
	case d.Delivery.Action != event.Ping && e.failing.IsZero(): // a failed ping does not count (PRODUCT.md, decision 24)
		e.failing = d.Attempt.Started
	}
}

// count is for what people are told.
func (e *effect) count(d *delivery.Done) {
	switch {
	case d.Delivery.Action == event.Ping:
	case d.Attempt.Succeeded():
		e.arrived, e.failedRow, e.givenUp = d, 0, 0
	default:
		e.failed = d
		e.failedRow++
		if d.Delivery.State == delivery.Failed {
			e.givenUp++
		}
	}
}

// stateRow is what results change in the state of a webhook.
type stateRow struct {
	WebhookID string
	Status    int64
	Cause     string
	Duration  int64
	At        int64
	Cleared   int64
	Failing   int64
	Until     int64
	Alive     int64
	Arrived   int64
	Failed    int64
	Given     int64
}

// keepWebhookStates writes the states of webhooks and gives those in trouble; a result that is older than the one there changes no "last".
func (db *DB) keepWebhookStates(tx *gorm.DB, ids []string, effects map[string]*effect) (troubles, error) {
	s, now := db.sql(tx), db.now()
	rows := make([]stateRow, 0, len(ids))
	for _, id := range ids {
		e := effects[id]
		if !e.ended {
			continue
		}
		row := stateRow{id, int64(e.last.Status), string(e.last.Cause), e.last.Duration.Microseconds(), micros(e.last.At), flag(e.cleared), micros(e.failing), 0, flag(e.alive), flag(e.arrived != nil), int64(e.failedRow), int64(e.givenUp)}
		if e.pause > 0 {
			row.Until = micros(now.Add(e.pause))
		}
		rows = append(rows, row)
	}
	if s.postgres { // it would lock them in the order in which it finds them
		if err := s.exec("select 1 from webhook_states where webhook_id = any (?) order by webhook_id for update", ids); err != nil {
			return nil, err
		}
	}
	return db.updateStates(s, rows, `update webhook_states set
			last_status = case when last_at <= @at then @status else last_status end, last_cause = case when last_at <= @at then @cause else last_cause end,
			last_duration_us = case when last_at <= @at then @duration else last_duration_us end, last_at = case when last_at <= @at then @at else last_at end,
			failing_since = case when @cleared = 1 or failing_since = 0 then @failing else failing_since end,
			paused_until = case when paused_until < @until then @until else paused_until end,
			dead = case when @alive = 1 then 0 else dead end, probe_gap = case when @alive = 1 then 0 else probe_gap end,
			probe_at = case when @alive = 1 then 0 else probe_at end,
			failed_row = case when @arrived = 1 then @failed else failed_row + @failed end,
			given_up = case when @arrived = 1 then @given else given_up + @given end`,
		"where webhook_states.webhook_id = @webhook_id")
}

// disable switches a webhook off because of its receiver, cancels what waits for it, and puts it on record and in a notice; off is
// false when it was off before.
func (db *DB) disable(tx *gorm.DB, by *delivery.Done, t notice.Trouble) (off bool, err error) {
	id := by.Delivery.WebhookID
	done := tx.Model(&webhookRow{}).Where("id = ? and status = ?", id, string(webhook.Enabled)).Updates(map[string]any{
		"status": string(webhook.Disabled), "disabled_reason": plainText(by.Disable), "version": gorm.Expr("version + 1"),
		"paused": 0, "updated_by": "dockbell", "updated": micros(db.now()),
	})
	if done.Error != nil || done.RowsAffected == 0 {
		return false, done.Error
	}
	var hooks []webhookRow
	if err := tx.Where("id = ?", id).Limit(1).Find(&hooks).Error; err != nil || len(hooks) == 0 {
		return false, err
	}
	if err := db.recordDisabling(tx, hooks[0]); err != nil {
		return false, err
	}
	if err := db.notifyDisabled(tx, hooks[0], by, t); err != nil {
		return false, err
	}
	return true, cancelWaiting(tx, id)
}

// recordDisabling puts it on record: nobody asked for it but the receiver.
func (db *DB) recordDisabling(tx *gorm.DB, hook webhookRow) error {
	row := db.rowOfAudit(audit.Entry{Action: "webhook.update", Registry: hook.Registry, Object: hook.Name, Changes: []audit.Change{
		{Field: "status", From: string(webhook.Enabled), To: string(webhook.Disabled)}, {Field: "disabledReason", To: hook.DisabledReason},
	}})
	return tx.Create(&row).Error
}
