package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
)

// line is the queue of one webhook; its pings do not stand in it.
type line struct {
	webhookID   string
	due         int64 // of its first delivery
	pausedUntil int64
	flying      int // in flight
	room        int // how many more may be

	controls
}

// lines gives the queue of every webhook for which something waits. It jumps from webhook to webhook in the index, so that
// its cost grows with the webhooks and not with what waits.
func lines(s sqlTx) (all []line, err error) {
	err = s.query(func(row *sql.Rows) error {
		var l line
		err := l.scan(row)
		all = append(all, l)
		return err
	}, linesQuery)
	return all, err
}

const linesQuery = `
	with recursive ` + controlled + `, lines (webhook_id) as (
		select (select min(webhook_id) from deliveries where state = 'pending' and claimed = 0 and action <> 'ping')
		union all
		select (select min(d.webhook_id) from deliveries as d where d.state = 'pending' and d.claimed = 0 and d.action <> 'ping' and d.webhook_id > lines.webhook_id)
		from lines where lines.webhook_id is not null
	)
	select lines.webhook_id,
		(select min(d.next) from deliveries as d where d.state = 'pending' and d.claimed = 0 and d.action <> 'ping' and d.webhook_id = lines.webhook_id),
		coalesce(s.paused_until, 0), ` + controlColumns + `
	from lines left join webhook_states as s on s.webhook_id = lines.webhook_id left join controlled as w on w.id = lines.webhook_id
	where lines.webhook_id is not null`

// dueLines gives the lines that may be taken from: those with least in flight first, and of these the one that waited
// longest. More than n of them cannot have a turn.
func (c claim) dueLines(n int, caps delivery.Caps) ([]line, error) {
	all, err := lines(c.sql)
	if err != nil {
		return nil, err
	}
	due := slices.DeleteFunc(all, func(l line) bool {
		at, ok := l.ready()
		return !ok || at > c.now || most(l.webhookID, caps) <= 0
	})
	if due, err = c.alone(due); err == nil {
		err = c.again(due)
	}
	if err != nil || len(due) == 0 {
		return nil, err
	}
	flying, err := c.flying()
	if err != nil {
		return nil, err
	}
	for i := range due {
		due[i].flying = flying[due[i].webhookID]
		due[i].room = c.roomIn(due[i], most(due[i].webhookID, caps))
	}
	due = slices.DeleteFunc(due, func(l line) bool { return l.room <= 0 })
	slices.SortStableFunc(due, func(a, b line) int { return cmp.Or(cmp.Compare(a.flying, b.flying), cmp.Compare(a.due, b.due)) })
	return due[:min(len(due), n)], nil
}

// roomIn is how many more deliveries of a line may be taken when the caps allow most in flight.
func (c claim) roomIn(l line, most int) int {
	if l.controls.most > 0 {
		most = min(most, l.controls.most)
	}
	if l.probed {
		most = min(most, 1)
	}
	room := most - l.flying
	if l.rate > 0 {
		room = min(room, l.rate.Free(moment(l.rateWhole), moment(c.now)))
		c.limited[l.webhookID] = l
	}
	return room
}

// most is how many deliveries of a webhook may be in flight.
func most(id string, caps delivery.Caps) int {
	if n, known := caps.Of[id]; known {
		return n
	}
	return caps.Default
}

// alone gives the lines that no other process looks into at this moment, and keeps the others out of them until the end of
// the transaction: so that together they keep to the caps, which are counted afterwards. SQLite has one writer.
func (c claim) alone(due []line) ([]line, error) {
	if !c.sql.postgres || len(due) == 0 {
		return due, nil
	}
	ids, mine := make([]string, 0, len(due)), map[string]bool{}
	for _, l := range due {
		ids = append(ids, l.webhookID)
	}
	err := c.sql.query(func(row *sql.Rows) error {
		var id string
		var got bool
		err := row.Scan(&id, &got)
		mine[id] = got
		return err
	}, "select id, pg_try_advisory_xact_lock(hashtextextended(id, 0)) from unnest(cast(? as text[])) as lines (id)", ids)
	return slices.DeleteFunc(due, func(l line) bool { return !mine[l.webhookID] }), err
}

// flying counts what is in flight, by webhook.
func (c claim) flying() (map[string]int, error) {
	all := map[string]int{}
	err := c.sql.query(func(row *sql.Rows) error {
		var id string
		var n int
		err := row.Scan(&id, &n)
		all[id] = n
		return err
	}, flyingQuery)
	return all, err
}

// flyingQuery groups by a text that no index has: by the webhook itself SQLite would read a whole history in the order of its webhooks.
const flyingQuery = "select webhook_id || '', count(*) from deliveries where claimed <> 0 and next > 0 group by webhook_id || ''"

// NextDue says when a Claim could next give something: when the first delivery is due, its lease ends, its webhook's pause is
// over or its rate allows one more; and for which webhooks something is due that was not claimed, paused ones too.
func (db *DB) NextDue(ctx context.Context) (due delivery.Due, err error) {
	// All queries see one moment, or a delivery that is claimed between them would be in none.
	err = db.read(ctx).Transaction(func(tx *gorm.DB) error {
		due, err = dueNext(db.sql(tx), micros(db.now()))
		return err
	}, db.oneMoment())
	if err != nil {
		return delivery.Due{}, translate(err)
	}
	return due, nil
}

// oneMoment are the options of a transaction whose queries see the same state; SQLite's always do.
func (db *DB) oneMoment() *sql.TxOptions {
	if db.postgres {
		return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	}
	return &sql.TxOptions{}
}

// justNow is how long a delivery may wait for a claim without being called a backlog.
const justNow = time.Second

// onItsWay reports whether a line began to wait just now and nothing holds it back. Of several processes each stores some deliveries
// that another one claims in the next moment; if for these nothing could be started at once, all would have to wait for ever.
func (l line) onItsWay(now int64) bool {
	at, ok := l.ready()
	return ok && at <= now && l.due > now-justNow.Microseconds()
}

func dueNext(s sqlTx, now int64) (due delivery.Due, err error) {
	var first int64
	sooner := func(at int64) {
		if first == 0 || at < first {
			first = at
		}
	}
	err = s.query(func(row *sql.Rows) error {
		var at *int64
		err := row.Scan(&at)
		if at != nil {
			sooner(*at)
		}
		return err
	}, `select min(next) from deliveries where state = 'pending' and claimed = 0 and action = 'ping'
		union all select min(next) from deliveries where claimed <> 0`)
	if err != nil {
		return due, err
	}
	waiting, err := lines(s)
	for _, l := range waiting {
		if l.due <= now && (!s.postgres || !l.onItsWay(now)) {
			due.Waiting = append(due.Waiting, l.webhookID)
		}
		if l.ordered != 0 && err == nil {
			l.due, err = dueLane(s, l)
		}
		if at, ok := l.ready(); ok && l.due != 0 {
			sooner(at)
		}
	}
	due.At = moment(first)
	return due, err
}
