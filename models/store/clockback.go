package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// How a clock that was set back is noticed: with SQLite the times in the database are this machine's. A PostgreSQL keeps the time
// for all of its processes, and each of them notices when it is asked again.
const (
	setBack    = time.Second   // a clock that shows so much less than went by was set back
	clockKept  = "store.clock" // setting: the time when somebody last looked, for the next start
	clockEvery = time.Minute   // it is written so often
)

// watched is what a process knows of its clock.
type watched struct {
	seen  time.Time // when it last looked; its monotonic reading counts
	shown time.Time // what the clock showed then
	kept  time.Time // what stands in the setting
}

// KeepTime brings what waits forward when this machine's clock was set back: otherwise a retry that was due in five seconds would
// be due in a day and five seconds. It is called before the first claim and every few seconds; one caller at a time. What a clock that was
// set forward makes due early is sent early, for a machine that slept looks the same. moved says that something may be due earlier
// than NextDue said.
func (db *DB) KeepTime(ctx context.Context) (moved bool, err error) {
	if db.postgres {
		return db.keepSharedTime(ctx)
	}
	seen, shown := time.Now(), db.now().Round(0)
	before := db.watched
	if before.seen.IsZero() {
		if before, err = db.lastWatch(ctx, seen); err != nil {
			return false, err
		}
	}
	back := before.shown.Add(seen.Sub(before.seen)).Sub(shown)
	if back < setBack && shown.Sub(before.kept).Abs() < clockEvery {
		db.watched = watched{seen, shown, before.kept}
		return false, nil
	}
	if err := db.write(ctx, func(tx *gorm.DB) error { return moveForward(tx, back, shown) }); err != nil {
		return false, err
	}
	if back >= setBack {
		db.log.Warn("this machine's clock was set back; what waits keeps its distance", "by", back.String())
	}
	db.watched = watched{seen, shown, shown}
	return back >= setBack, nil
}

// lastWatch is what the process before this one wrote; how long it is gone nobody knows.
func (db *DB) lastWatch(ctx context.Context, seen time.Time) (watched, error) {
	text, err := db.Setting(ctx, clockKept)
	if err != nil || text == "" {
		return watched{seen: seen}, err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return watched{seen: seen, shown: at}, err
}

// moveForward takes the distance from everything that lies ahead, and writes down what the clock shows.
func moveForward(tx *gorm.DB, back time.Duration, shown time.Time) error {
	if back >= setBack {
		now, by := micros(shown), back.Microseconds()
		for _, statement := range []string{
			"update deliveries set next = case when next - ? > ? then next - ? else ? end where state = 'pending' and next > ?",
			"update webhook_states set paused_until = case when paused_until - ? > ? then paused_until - ? else ? end where paused_until > ?",
		} {
			if err := tx.Exec(statement, by, now, by, now, now).Error; err != nil {
				return err
			}
		}
	}
	row := settingRow{Key: clockKept, Value: shown.UTC().Format(time.RFC3339Nano)}
	return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "key"}}, DoUpdates: clause.AssignmentColumns([]string{"value"})}).Create(&row).Error
}

// allSettled is how long after one process noticed that PostgreSQL's clock was set back all of them go by the new time: they ask at
// least so often. What is scheduled until then may still be so by the old one.
const allSettled = 2 * clockFresh

// keepSharedTime is KeepTime with PostgreSQL. Every process does it, and a second time changes nothing.
func (db *DB) keepSharedTime(ctx context.Context) (moved bool, err error) {
	if db.clock == nil {
		return false, nil
	}
	if err := db.clock.settle(ctx); err != nil {
		return false, translate(err)
	}
	when, yes := db.clock.wasSetBack(allSettled)
	if !yes {
		return false, nil
	}
	if err := db.write(ctx, func(tx *gorm.DB) error { return bringBack(tx, micros(db.now())) }); err != nil {
		return false, err
	}
	db.log.Warn("the database's clock was set back; what waits keeps its distance")
	db.clock.settled(when)
	return true, nil
}

// bringBack gives what was attempted at a time that has not come yet the gap until its next attempt from now on, and makes due what was
// stored then. What is in flight keeps its lease: one that is too long takes nothing from anybody.
func bringBack(tx *gorm.DB, now int64) error {
	for _, statement := range []string{
		"update deliveries set next = ? + next - last_at, last_at = ? where " + waiting + " and last_at > ?",
		"update webhook_states set paused_until = case when paused_until > last_at then ? + paused_until - last_at else paused_until end, last_at = ? where last_at > ?",
	} {
		if err := tx.Exec(statement, now, now, now).Error; err != nil {
			return err
		}
	}
	return tx.Exec("update deliveries set next = ? where "+waiting+" and attempts = 0 and next > ?", now, now).Error
}
