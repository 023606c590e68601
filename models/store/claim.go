package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// Claim gives up to n due deliveries to the caller alone until the lease ends, and counts their attempts. Pings come first,
// whatever waits before them. Then webhooks take turns: the one that waited longest begins, and none gets a second delivery
// while another has none, so that a long backlog of one does not hold back the rest. Whoever dies with a claim loses it when
// the lease ends: that attempt is then recorded as interrupted. What is returned counts only after a nil error.
func (db *DB) Claim(ctx context.Context, n int, caps delivery.Caps, lease time.Duration) ([]delivery.Job, error) {
	if n <= 0 {
		return nil, nil
	}
	var jobs []delivery.Job
	err := db.write(ctx, func(tx *gorm.DB) error {
		jobs = nil
		c := claim{db: db, tx: tx, now: micros(db.now())}
		due, err := c.choose(n, caps)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := c.take(due, lease); err != nil {
			return err
		}
		jobs, err = c.jobs(due)
		return err
	})
	if err != nil {
		return nil, err
	}
	return jobs, nil
}

// claim is one Claim inside its transaction.
type claim struct {
	db  *DB
	tx  *gorm.DB
	now int64
}

// line is the queue of one webhook.
type line struct {
	WebhookID   string
	Due         int64 // of its first delivery
	PausedUntil int64
}

// lines gives the queue of every webhook for which something waits. It jumps from webhook to webhook in the index, so that
// its cost grows with the webhooks and not with what waits.
func lines(tx *gorm.DB) ([]line, error) {
	var all []line
	err := tx.Raw(`
		with recursive lines (webhook_id) as (
			select (select min(webhook_id) from deliveries where state = 'pending')
			union all
			select (select min(d.webhook_id) from deliveries as d where d.state = 'pending' and d.webhook_id > lines.webhook_id)
			from lines where lines.webhook_id is not null
		)
		select lines.webhook_id,
			(select min(d.next) from deliveries as d where d.state = 'pending' and d.webhook_id = lines.webhook_id) as due,
			coalesce(s.paused_until, 0) as paused_until
		from lines left join webhook_states as s on s.webhook_id = lines.webhook_id
		where lines.webhook_id is not null`).Scan(&all).Error
	return all, err
}

// flying counts what is in flight, by webhook.
func (c claim) flying() (map[string]int, error) {
	var rows []struct {
		WebhookID string
		N         int
	}
	err := c.tx.Raw("select webhook_id, count(*) as n from deliveries where claimed <> 0 and next > ? group by webhook_id", c.now).Scan(&rows).Error
	all := map[string]int{}
	for _, row := range rows {
		all[row.WebhookID] = row.N
	}
	return all, err
}

// candidate is a due delivery; Claimed is set when an attempt before ended without a result.
type candidate struct {
	ID       int64
	Attempts int64
	Claimed  int64
}

// choose finds what this claim takes.
func (c claim) choose(n int, caps delivery.Caps) ([]candidate, error) {
	chosen, err := c.due("action = 'ping'", nil, n)
	if err != nil || len(chosen) == n {
		return chosen, err
	}
	waiting, err := lines(c.tx)
	if err != nil {
		return nil, err
	}
	flying, err := c.flying()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(waiting, func(a, b line) int { return int(min(max(a.Due-b.Due, -1), 1)) })
	var turns [][]candidate
	for _, l := range waiting {
		room := min(roomFor(l.WebhookID, caps, flying), n-len(chosen))
		if len(turns) == n-len(chosen) || l.Due > c.now || l.PausedUntil > c.now || room <= 0 {
			continue
		}
		mine, err := c.dueOf(l.WebhookID, room)
		if err != nil {
			return nil, err
		}
		if len(mine) > 0 {
			turns = append(turns, mine)
		}
	}
	return inTurns(chosen, turns, n), nil
}

// roomFor is how many more deliveries of a webhook may be in flight.
func roomFor(id string, caps delivery.Caps, flying map[string]int) int {
	most, known := caps.Of[id]
	if !known {
		most = caps.Default
	}
	return most - flying[id]
}

// inTurns adds the first of every line, then the second of every line, and so on, up to n.
func inTurns(chosen []candidate, turns [][]candidate, n int) []candidate {
	for turn := 0; ; turn++ {
		more := false
		for _, mine := range turns {
			if turn >= len(mine) {
				continue
			}
			if len(chosen) == n {
				return chosen
			}
			chosen, more = append(chosen, mine[turn]), true
		}
		if !more {
			return chosen
		}
	}
}

// dueOf gives what is due of one webhook; its pings were taken before. Of several processes only one at a time looks into a
// line, so that together they keep to its cap.
func (c claim) dueOf(webhookID string, n int) ([]candidate, error) {
	if c.db.postgres {
		var mine bool
		if err := c.tx.Raw("select pg_try_advisory_xact_lock(hashtextextended(?, 0))", webhookID).Scan(&mine).Error; err != nil || !mine {
			return nil, err
		}
	}
	return c.due("webhook_id = ? and action <> 'ping'", []any{webhookID}, n)
}

func (c claim) due(which string, args []any, n int) ([]candidate, error) {
	statement := "select id, attempts, claimed from deliveries where state = 'pending' and " + which + " and next <= ? order by next, id limit ?"
	if c.db.postgres {
		statement += " for update skip locked"
	}
	var found []candidate
	err := c.tx.Raw(statement, append(args, c.now, n)...).Scan(&found).Error
	return found, err
}

// take counts the attempts and begins the leases.
func (c claim) take(due []candidate, lease time.Duration) error {
	ids := make([]int64, 0, len(due))
	var lost []candidate
	for _, d := range due {
		ids = append(ids, d.ID)
		if d.Claimed != 0 {
			lost = append(lost, d)
		}
	}
	if err := interrupted(c.tx, lost); err != nil {
		return err
	}
	return c.tx.Exec("update deliveries set attempts = attempts + 1, claimed = ?, next = ? where id in ?", c.now, c.now+lease.Microseconds(), ids).Error
}

// interrupted records attempts whose result nobody wrote.
func interrupted(tx *gorm.DB, lost []candidate) error {
	rows := make([]attemptRow, 0, len(lost))
	for _, d := range lost {
		rows = append(rows, rowOfAttempt(delivery.Attempt{
			DeliveryID: delivery.ID(d.ID), Number: int(d.Attempts), Started: moment(d.Claimed),
			Cause: delivery.CauseInterrupted, Sentence: delivery.Sentence(delivery.CauseInterrupted, delivery.Facts{}),
		}))
	}
	return inserted(tx.Clauses(clause.OnConflict{DoNothing: true}), rows)
}

// claimedRow is a claimed delivery with what it needs from other tables.
type claimedRow struct {
	Row          deliveryRow `gorm:"embedded"`
	Body         []byte
	FailingSince int64
}

// jobs reads the claimed deliveries in the order in which they were chosen.
func (c claim) jobs(due []candidate) ([]delivery.Job, error) {
	ids, place := make([]int64, 0, len(due)), map[int64]int{}
	for i, d := range due {
		ids = append(ids, d.ID)
		place[d.ID] = i
	}
	var rows []claimedRow
	err := c.tx.Raw(`select d.*, b.body, coalesce(s.failing_since, 0) as failing_since
		from deliveries as d join bodies as b on b.id = d.body_id left join webhook_states as s on s.webhook_id = d.webhook_id
		where d.id in ?`, ids).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b claimedRow) int { return place[a.Row.ID] - place[b.Row.ID] })
	hooks, err := c.hooks(rows)
	if err != nil {
		return nil, err
	}
	jobs := make([]delivery.Job, 0, len(rows))
	for _, row := range rows {
		hook, here := hooks[row.Row.WebhookID]
		if !here { // nobody is left to send it to
			if err := cancelWaiting(c.tx, row.Row.WebhookID); err != nil {
				return nil, err
			}
			continue
		}
		del := row.Row.delivery()
		del.Body = row.Body
		jobs = append(jobs, delivery.Job{Delivery: del, Webhook: hook, FailingSince: moment(row.FailingSince)})
	}
	return jobs, nil
}

// hooks reads the webhooks of claimed deliveries, with their secrets.
func (c claim) hooks(rows []claimedRow) (map[string]webhook.Webhook, error) {
	var ids []string
	for _, row := range rows {
		if !slices.Contains(ids, row.Row.WebhookID) {
			ids = append(ids, row.Row.WebhookID)
		}
	}
	var found []webhookRow
	if err := c.tx.Where("id in ?", ids).Find(&found).Error; err != nil {
		return nil, err
	}
	all := map[string]webhook.Webhook{}
	for _, row := range found {
		hook, err := row.webhook(c.db.sealer)
		if err != nil {
			return nil, err
		}
		all[row.ID] = hook
	}
	return all, nil
}

// NextDue says when a Claim could next give something: when the first delivery is due, its lease ends or its webhook's
// pause is over; ok is false when nothing waits.
func (db *DB) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	var first int64
	sooner := func(due int64) {
		if first == 0 || due < first {
			first = due
		}
	}
	var pings []int64
	err = db.read(ctx).Model(&deliveryRow{}).Where("state = 'pending' and action = ?", string(event.Ping)).Order("next").Limit(1).Pluck("next", &pings).Error
	if err != nil {
		return time.Time{}, false, translate(err)
	}
	for _, due := range pings {
		sooner(due)
	}
	waiting, err := lines(db.read(ctx))
	if err != nil {
		return time.Time{}, false, translate(err)
	}
	for _, l := range waiting {
		sooner(max(l.Due, l.PausedUntil))
	}
	return moment(first), first != 0, nil
}

// TakeOver frees what a process before left claimed: its attempts are recorded as interrupted, and what still waits is due
// at once. Only the one process of a database may call it, before it claims.
func (db *DB) TakeOver(ctx context.Context) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		var lost []candidate
		err := tx.Raw("select id, attempts, claimed from deliveries where claimed <> 0").Scan(&lost).Error
		if err != nil || len(lost) == 0 {
			return err
		}
		if err := interrupted(tx, lost); err != nil {
			return err
		}
		return tx.Exec(`update deliveries set claimed = 0, next = case when state = ? then ? else 0 end where claimed <> 0`,
			string(delivery.Pending), micros(db.now())).Error
	})
}

// placeholders writes n groups of question marks with the casts that PostgreSQL needs to know their types.
func placeholders(n int, casts ...string) string {
	group := make([]string, 0, len(casts))
	for _, cast := range casts {
		group = append(group, "cast(? as "+cast+")")
	}
	one := "(" + strings.Join(group, ", ") + ")"
	return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
}
