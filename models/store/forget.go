package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/keeping"
)

// heaviest is how many bytes of long values one step may remove: SQLite frees the pages of such a value one by one.
const heaviest = 256 << 10

// lateBodies is how much longer payloads stay than deliveries: those of an event are made within moments, and whether one still
// needs a payload is looked up among its neighbours.
const lateBodies = time.Minute

// old is a row that may go: its key, how heavy it is, and the image it is about.
type old struct{ id, weight, image int64 }

// Forget removes at most so many rows that are older than a moment, from a mark on, in one write. It looks for them before:
// the writer is held for the removal alone.
func (db *DB) Forget(ctx context.Context, what keeping.Thing, before time.Time, from keeping.Mark, most int) (keeping.Step, error) {
	f := forgetting{db: db, sql: db.sql(db.read(ctx)), from: from, most: most}
	step, err := f.step(ctx, what, before)
	return step, translate(err)
}

// forgetting is one step.
type forgetting struct {
	db   *DB
	sql  sqlTx // of the readers
	from keeping.Mark
	most int

	spare func(rows []old) ([]old, error) // gives those that may really go; nil: all of them
}

func (f forgetting) step(ctx context.Context, what keeping.Thing, before time.Time) (keeping.Step, error) {
	switch what {
	case keeping.Deliveries:
		return f.byID(ctx, oldDeliveries, firstIn(before), removeDeliveries)
	case keeping.Bodies:
		f.spare = f.unneeded
		return f.byID(ctx, oldBodies, firstIn(before.Add(-lateBodies)), from("bodies"))
	case keeping.Events:
		if err := f.db.returnImages(ctx); err != nil {
			return keeping.Step{}, err
		}
		return f.byID(ctx, oldEvents, firstIn(before), f.db.removeEvents)
	case keeping.Arrivals:
		return f.byID(ctx, oldArrivals, firstIn(before), removeArrivals)
	case keeping.Notices:
		return f.byID(ctx, oldNotices, firstIn(before), from("notices"))
	case keeping.AuditLog:
		return f.byID(ctx, oldAudit, firstIn(before), from("audit"))
	case keeping.Requests:
		return f.byKey(ctx, keyed{"received", "token", "id", "octet_length(body)"}, firstIn(before))
	case keeping.EventHours:
		return f.byKey(ctx, keyed{"event_hours", "registry_key", "hour", "0"}, micros(before))
	case keeping.WebhookHours:
		return f.byKey(ctx, keyed{"webhook_hours", "webhook_id", "hour", "0"}, micros(before))
	default:
		return keeping.Step{}, fmt.Errorf("nobody knows how to forget %s", what)
	}
}

// ended is what neither waits nor is being sent.
const ended = "state <> 'pending' and claimed = 0"

// What may go after a key and before another; id, weight, image.
const (
	oldDeliveries = `select id, (select coalesce(sum(octet_length(response_body) + octet_length(response_headers) + octet_length(request_headers)), 0)
		from attempts where delivery_id = deliveries.id), 0 from deliveries where id > ? and id < ? and ` + ended + ` order by id limit ?`
	oldBodies = "select id, octet_length(body), 0 from bodies where id > ? and id < ? order by id limit ?"
	oldEvents = `select seq, octet_length(verdicts), image_id from events where seq > ? and seq < ? and not exists
		(select 1 from deliveries where id between events.first_delivery and events.last_delivery and event_id || '' = events.id) order by seq limit ?`
	oldArrivals = "select id, octet_length(body) + octet_length(verdicts), 0 from arrivals where id > ? and id < ? order by id limit ?"
	oldNotices  = "select id, 0, 0 from notices where id > ? and id < ? order by id limit ?" // their mails go with them
	oldAudit    = "select id, octet_length(changes), 0 from audit where id > ? and id < ? order by id limit ?"
)

// byID removes rows whose keys grow with time.
func (f forgetting) byID(ctx context.Context, statement string, before int64, remove func(s sqlTx, rows []old) (int, error)) (keeping.Step, error) {
	rows, err := f.find(statement, f.from.ID, before, f.most)
	if err != nil || len(rows) == 0 {
		return keeping.Step{Done: true}, err
	}
	read := len(rows)
	rows = light(rows)
	step := keeping.Step{Next: keeping.Mark{ID: rows[len(rows)-1].id}, Done: len(rows) == read && read < f.most}
	if f.spare != nil {
		rows, err = f.spare(rows)
	}
	if err != nil || len(rows) == 0 {
		return step, err
	}
	err = f.remove(ctx, &step, func(s sqlTx) (int, error) { return remove(s, rows) })
	return step, err
}

// find reads what may go.
func (f forgetting) find(statement string, args ...any) (rows []old, err error) {
	err = f.sql.query(func(row *sql.Rows) error {
		var o old
		err := row.Scan(&o.id, &o.weight, &o.image)
		rows = append(rows, o)
		return err
	}, statement, args...)
	return rows, err
}

// light keeps the first rows that are not too heavy together; one always.
func light(rows []old) []old {
	sum := int64(0)
	for i, row := range rows {
		if sum += row.weight; i > 0 && sum > heaviest {
			return rows[:i]
		}
	}
	return rows
}

// remove runs the removal in a write of its own and times it.
func (f forgetting) remove(ctx context.Context, step *keeping.Step, remove func(s sqlTx) (int, error)) error {
	var began time.Time
	err := f.db.write(ctx, func(tx *gorm.DB) (err error) {
		began = time.Now()
		step.Forgotten, err = remove(f.db.sql(tx))
		step.Worked = time.Since(began)
		return err
	})
	step.Held = time.Since(began)
	f.db.checkpoints.heavier(stepCommits)
	return err
}

// stepCommits is how many common commits a step is like, by the pages that it changes.
const stepCommits = 50

func idsOf(rows []old) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.id
	}
	return ids
}

// removeRows removes rows by their keys; another process may have taken some of them already.
func removeRows(s sqlTx, table, key string, ids []int64) (int, error) {
	gone, err := s.numbers("delete from "+table+" where "+key+s.among()+" returning "+key, s.list(ids))
	return len(gone), err
}

// from removes rows of a table whose key is their ID.
func from(table string) func(s sqlTx, rows []old) (int, error) {
	return func(s sqlTx, rows []old) (int, error) { return removeRows(s, table, "id", idsOf(rows)) }
}

// removeDeliveries removes deliveries, unless somebody made them due again, and their attempts.
func removeDeliveries(s sqlTx, rows []old) (int, error) {
	which := s.among() + " and " + ended
	if s.postgres { // several processes find the same rows: they lock them in order, and leave to each other what they hold
		which = " in (select id from deliveries where id" + which + " order by id for update skip locked)"
	}
	gone, err := s.numbers("delete from deliveries where id"+which+" returning id", s.list(idsOf(rows)))
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	return len(gone), s.exec("delete from attempts where delivery_id"+s.among(), s.list(gone))
}

// unneeded gives the payloads that no delivery sends any more.
func (f forgetting) unneeded(rows []old) ([]old, error) {
	last := firstIn(delivery.ID(rows[len(rows)-1].id).Made().Add(lateBodies))
	kept, err := f.sql.numbers("select distinct body_id from deliveries where id >= ? and id < ? order by body_id", rows[0].id, last)
	return slices.DeleteFunc(rows, func(row old) bool { _, needed := slices.BinarySearch(kept, row.id); return needed }), err
}

// removeEvents removes events and the images that nothing else is about.
func (db *DB) removeEvents(s sqlTx, rows []old) (int, error) {
	if err := s.rememberEvents(idsOf(rows)); err != nil {
		return 0, err
	}
	n, err := removeRows(s, "events", "seq", idsOf(rows))
	if err != nil || n == 0 {
		return n, err
	}
	about := make([]int64, len(rows))
	for i, row := range rows {
		about[i] = row.image
	}
	var gone []imageRow
	err = s.query(func(row *sql.Rows) error {
		var image imageRow
		err := row.Scan(&image.ID, &image.RegistryKey, &image.Image)
		gone = append(gone, image)
		return err
	}, "delete from images where id"+s.among()+` and not exists (select 1 from events where image_id = images.id)
		and not exists (select 1 from deliveries where image_id = images.id) returning id, registry_key, image`, s.list(about))
	db.images.drop(gone, db.now(), s.postgres)
	return n, err
}

// returnImages puts images back that PostgreSQL removed while another transaction made an event about one, which neither could
// see. By now that other one has ended.
func (db *DB) returnImages(ctx context.Context) error {
	dropped := db.images.droppedBefore(db.now().Add(-2 * commitLimit))
	if len(dropped) == 0 {
		return nil
	}
	return db.write(ctx, func(tx *gorm.DB) error {
		s := db.sql(tx)
		ids := make([]int64, len(dropped))
		for i, image := range dropped {
			ids[i] = image.ID
		}
		used, err := s.numbers("select distinct image_id from events where image_id"+s.among(), s.list(ids))
		if err != nil {
			return err
		}
		again := slices.DeleteFunc(slices.Clone(dropped), func(image imageRow) bool { return !slices.Contains(used, image.ID) })
		return insert(s, again, "on conflict (id) do nothing")
	})
}

// keyed is a table whose rows lie by a key, and inside it by time.
type keyed struct{ table, key, order, weight string }

// byKey removes rows key by key; the mark's ID says that its key is not done.
func (f forgetting) byKey(ctx context.Context, t keyed, before int64) (keeping.Step, error) {
	key := f.from.Key
	if f.from.ID == 0 {
		var next sql.NullString
		err := f.sql.query(func(row *sql.Rows) error { return row.Scan(&next) }, "select min("+t.key+") from "+t.table+" where "+t.key+" > ?", key)
		if err != nil || !next.Valid {
			return keeping.Step{Done: true}, err
		}
		key = next.String
	}
	rows, err := f.find("select "+t.order+", "+t.weight+", 0 from "+t.table+" where "+t.key+" = ? and "+t.order+" < ? order by "+t.order+" limit ?", key, before, f.most)
	if err != nil || len(rows) == 0 {
		return keeping.Step{Next: keeping.Mark{Key: key}}, err
	}
	step := keeping.Step{Next: keeping.Mark{Key: key, ID: 1}}
	rows = light(rows)
	err = f.remove(ctx, &step, func(s sqlTx) (int, error) {
		gone, err := s.numbers("delete from "+t.table+" where "+t.key+" = ? and "+t.order+" <= ? returning "+t.order, key, rows[len(rows)-1].id)
		return len(gone), err
	})
	return step, err
}
