package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

type replayRow struct {
	ID        string `gorm:"primaryKey"`
	WebhookID string
	Kind      string
	Position  int64
	Until     int64
	Total     int64
	Made      int64
	State     string
	StartedBy string
	Started   int64
	Changed   int64
}

// TableName is GORM's question for the table.
func (replayRow) TableName() string { return "replays" }

// replayedRow names a delivery that was made after its event was stored.
type replayedRow struct {
	EventID    string
	WebhookID  string
	DeliveryID int64
}

// TableName is GORM's question for the table.
func (replayedRow) TableName() string { return "replayed" }

func rowOfReplay(r delivery.Replay) replayRow {
	return replayRow{
		ID: r.ID, WebhookID: r.HookID, Kind: string(r.Kind), Position: r.Position, Until: r.Until, Total: int64(r.Total), Made: int64(r.Made),
		State: string(r.State), StartedBy: plainText(r.By), Started: micros(r.Started), Changed: micros(r.Changed),
	}
}

// missedEvents are the events that a webhook has no delivery for. Their deliveries have IDs near each other, so that the second
// condition reads few.
const missedEvents = `from events where registry_key = ? and seq > ? and seq < ? and action <> 'ping'
	and not exists (select 1 from deliveries as d where d.webhook_id = ? and d.id between events.first_delivery and events.last_delivery and d.event_id = events.id)
	and not exists (select 1 from replayed as r where r.event_id = events.id and r.webhook_id = ?)`

// MissedEvents gives up to n events between two positions that a webhook has no delivery for, oldest first, and the position of each.
func (db *DB) MissedEvents(ctx context.Context, w webhook.Webhook, after, until int64, n int) (events []event.Event, positions []int64, err error) {
	var rows []eventRow
	err = db.read(ctx).Raw("select * "+missedEvents+" order by seq limit ?", w.Registry.Key(), after, until, w.ID, w.ID, n).Scan(&rows).Error
	if err != nil {
		return nil, nil, translate(err)
	}
	for _, row := range rows {
		ev, err := row.event()
		if err != nil {
			return nil, nil, err
		}
		events, positions = append(events, ev), append(positions, row.Seq)
	}
	return events, positions, nil
}

// sentBefore are the deliveries of a webhook between two IDs that can be sent again.
const sentBefore = "webhook_id = ? and id > ? and id < ? and state <> 'pending' and claimed = 0 and action <> 'ping'"

// CountSent counts the deliveries of a webhook between two IDs that can be sent again.
func (db *DB) CountSent(ctx context.Context, webhookID string, after, until int64) (n int, err error) {
	err = db.read(ctx).Raw("select count(*) from deliveries where "+sentBefore, webhookID, after, until).Scan(&n).Error
	return n, translate(err)
}

// AddReplay stores a new replay; Conflict while one of the webhook runs.
func (db *DB) AddReplay(ctx context.Context, r delivery.Replay) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		if _, err := webhookIn(locked(tx), r.Registry, r.Webhook); err != nil { // so that two at once do not both begin
			return err
		}
		var running int64
		if err := tx.Model(&replayRow{}).Where("webhook_id = ? and state = 'running'", r.HookID).Count(&running).Error; err != nil {
			return err
		}
		if running > 0 {
			return fault.New(fault.Conflict, "A replay of %s is under way. Wait until it is done.", r.Webhook)
		}
		row := rowOfReplay(r)
		return tx.Create(&row).Error
	})
}

// RunningReplays gives the replays that have something to do, oldest first.
func (db *DB) RunningReplays(ctx context.Context) ([]delivery.Replay, error) {
	return db.replays(ctx, "r.state = 'running' order by r.started")
}

// LastReplay gives the newest replay of a webhook; ok is false when there was none.
func (db *DB) LastReplay(ctx context.Context, webhookID string) (r delivery.Replay, ok bool, err error) {
	all, err := db.replays(ctx, "r.webhook_id = ? order by r.started desc limit 1", webhookID)
	if err != nil || len(all) == 0 {
		return r, false, err
	}
	return all[0], true, nil
}

func (db *DB) replays(ctx context.Context, which string, args ...any) (all []delivery.Replay, err error) {
	err = db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		var r replayRow
		var reg, name string
		err := row.Scan(&r.ID, &r.WebhookID, &r.Kind, &r.Position, &r.Until, &r.Total, &r.Made, &r.State, &r.StartedBy, &r.Started, &r.Changed, &reg, &name)
		all = append(all, delivery.Replay{
			ID: r.ID, Registry: registry.Name(reg), Webhook: webhook.Name(name), HookID: r.WebhookID, Kind: delivery.ReplayKind(r.Kind),
			Position: r.Position, Until: r.Until, Total: int(r.Total), Made: int(r.Made), State: delivery.ReplayState(r.State), By: r.StartedBy,
			Started: moment(r.Started), Changed: moment(r.Changed),
		})
		return err
	}, `select r.id, r.webhook_id, r.kind, r.position, r.until, r.total, r.made, r.state, r.started_by, r.started, r.changed, w.registry, w.name
		from replays as r join webhooks as w on w.id = r.webhook_id where `+which, args...)
	return all, translate(err)
}

// moveOn stores how far a replay is, unless another process moved it since it was read.
func (db *DB) moveOn(tx *gorm.DB, r, next delivery.Replay) error {
	done := tx.Exec("update replays set position = ?, made = ?, state = ?, changed = ? where id = ? and position = ? and made = ? and state = 'running'",
		next.Position, next.Made, string(next.State), micros(db.now()), r.ID, r.Position, r.Made)
	return orMissing(done, fault.New(fault.Conflict, "Another process made this step."))
}

// StepMissed stores the deliveries of one step and moves the replay on, both or neither.
func (db *DB) StepMissed(ctx context.Context, r delivery.Replay, made []delivery.Delivery, next delivery.Replay) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := db.moveOn(tx, r, next); err != nil {
			return err
		}
		s := db.sql(tx)
		images, err := imagesOfEvents(s, made)
		if err != nil {
			return err
		}
		in, marks := intake{}, make([]replayedRow, 0, len(made))
		for _, del := range made {
			in.bodies = append(in.bodies, bodyRow{int64(del.ID), del.Body})
			in.deliveries = append(in.deliveries, rowOfDelivery(del, del.ID, images[del.EventID]))
			marks = append(marks, replayedRow{string(del.EventID), del.WebhookID, int64(del.ID)})
		}
		if err := insert(s, marks, ""); err != nil {
			return err
		}
		return in.insert(s)
	})
}

// imagesOfEvents gives the IDs of the images that the events of deliveries are about.
func imagesOfEvents(s sqlTx, made []delivery.Delivery) (map[event.ID]int64, error) {
	events := make([]string, 0, len(made))
	for _, del := range made {
		events = append(events, string(del.EventID))
	}
	images := make(map[event.ID]int64, len(made))
	return images, s.query(func(row *sql.Rows) error {
		var id event.ID
		var image int64
		err := row.Scan(&id, &image)
		images[id] = image
		return err
	}, "select id, image_id from events where id"+s.among(), s.list(events))
}

// StepAgain makes the next n deliveries of a replay due again, with their whole schedule before them.
func (db *DB) StepAgain(ctx context.Context, r delivery.Replay, n int) (next delivery.Replay, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		next = r
		s, ids := db.sql(tx), []int64{}
		err := s.query(func(row *sql.Rows) error {
			var id int64
			err := row.Scan(&id)
			ids = append(ids, id)
			return err
		}, "select id from deliveries where "+sentBefore+" order by id limit ?", r.HookID, r.Position, r.Until, n)
		if err != nil {
			return err
		}
		if next.Made += len(ids); len(ids) > 0 {
			next.Position = ids[len(ids)-1]
		}
		if len(ids) < n {
			next.State = delivery.ReplayDone
		}
		if err := db.moveOn(tx, r, next); err != nil || len(ids) == 0 {
			return err
		}
		return s.exec("update deliveries set state = 'pending', retries = 0, next = ?, lane = "+inLane+" where state <> 'pending' and claimed = 0 and id"+s.among(),
			micros(db.now()), s.list(ids))
	})
	return next, err
}

// replayedOf gives the deliveries of an event that were made after it was stored.
func (db *DB) replayedOf(ctx context.Context, id string) (ids []int64, err error) {
	err = db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		var one int64
		err := row.Scan(&one)
		ids = append(ids, one)
		return err
	}, "select delivery_id from replayed where event_id = ?", id)
	return ids, translate(err)
}
