package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"sort"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

// Claim gives up to n due deliveries to the caller alone until the lease ends, and counts their attempts. Pings come first,
// whatever waits before them. Then webhooks take turns: who has least in flight comes first, and of these who waited longest,
// so that a long backlog of one does not hold back the rest. Whoever dies with a claim loses it when the lease ends: that
// attempt is then recorded as interrupted. What is returned counts only after a nil error.
func (db *DB) Claim(ctx context.Context, n int, caps delivery.Caps, lease time.Duration) ([]delivery.Job, error) {
	if n <= 0 {
		return nil, nil
	}
	db.settle(ctx)
	var jobs []delivery.Job
	turn := db.Turn()
	err := db.write(ctx, func(tx *gorm.DB) error {
		jobs = nil
		c := claim{db: db, tx: tx, sql: db.sql(tx), now: micros(db.now()), limited: map[string]line{}}
		if err := c.free(db.leaseEnded(), c.now); err != nil {
			return err
		}
		chosen, err := c.choose(n, caps)
		if err != nil {
			return err
		}
		takers, err := c.takers(chosen)
		if err != nil {
			return err
		}
		if chosen, err = c.willing(chosen, takers); err != nil || len(chosen) == 0 {
			return err
		}
		if jobs, err = c.take(chosen, takers, lease); err != nil {
			return err
		}
		return c.spend(chosen, c.limited)
	})
	if err != nil {
		return nil, err
	}
	for i := range jobs {
		jobs[i].Turn = turn
	}
	return jobs, nil
}

// Release gives claims back of which nothing was sent: they wait again, and their attempt does not count.
func (db *DB) Release(ctx context.Context, jobs []delivery.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	rows := make([]releaseRow, 0, len(jobs))
	for _, job := range jobs {
		rows = append(rows, releaseRow{int64(job.Delivery.ID), int64(job.Delivery.Attempts)})
	}
	return db.write(ctx, func(tx *gorm.DB) error {
		return update(db.sql(tx), rows, `update deliveries set attempts = attempts - 1, claimed = 0,
				next = case when state = 'pending' then claimed else 0 end`,
			"where deliveries.id = @id and deliveries.attempts = @number and deliveries.claimed <> 0")
	})
}

// releaseRow names a claim.
type releaseRow struct {
	ID     int64
	Number int64
}

// claim is one Claim inside its transaction.
type claim struct {
	db  *DB
	tx  *gorm.DB
	sql sqlTx
	now int64

	limited map[string]line // those with a rate that it looked into
}

// candidate is a due delivery.
type candidate struct {
	id        int64
	webhookID string
	ping      bool
	turn      int // how often its webhook had its turn before; what is in flight counts as turns that it had
}

// choose finds what this claim could take, in order.
func (c claim) choose(n int, caps delivery.Caps) ([]candidate, error) {
	chosen, err := c.due("action = 'ping'", n)
	for i := range chosen {
		chosen[i].ping = true
	}
	if err != nil || len(chosen) == n {
		return chosen, err
	}
	n -= len(chosen)
	lines, err := c.dueLines(n, caps)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return chosen, nil
	}
	found, err := c.turns(lines, n)
	return append(chosen, found...), err
}

// turns gives the n deliveries whose turn comes first. Of every line it reads as many as would have their turn if all lines were
// long enough; while some are not, it reads again what then is the others' turn.
func (c claim) turns(lines []line, n int) (found []candidate, err error) {
	read := make([]int, len(lines)) // of each line so far
	ended := make([]bool, len(lines))
	for len(found) < n {
		turn := turnOf(lines, ended, read, n-len(found))
		if turn < 0 {
			break
		}
		for i, l := range lines {
			want := min(turn+1-l.flying, l.room) - read[i]
			if ended[i] || want <= 0 {
				continue
			}
			mine, err := c.dueIn(l, read[i]+want)
			if err != nil {
				return nil, err
			}
			ended[i] = len(mine) < read[i]+want
			for at := read[i]; at < len(mine); at++ {
				mine[at].turn = l.flying + at
				found = append(found, mine[at])
			}
			read[i] = len(mine)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.turn, b.turn) })
	return found[:min(len(found), n)], nil
}

// turnOf is the turn up to which the lines that go on would give n more deliveries than were read of them; -1 when they give none.
func turnOf(lines []line, ended []bool, read []int, n int) int {
	last := -1
	for i, l := range lines {
		if !ended[i] && l.room > read[i] {
			last = max(last, l.flying+l.room-1)
		}
	}
	more := func(turn int) (sum int) {
		for i, l := range lines {
			if !ended[i] {
				sum += max(min(turn+1-l.flying, l.room)-read[i], 0)
			}
		}
		return sum
	}
	if last < 0 || more(last) == 0 {
		return -1
	}
	return sort.Search(last, func(turn int) bool { return more(turn) >= n })
}

// waiting is what waits for an attempt.
const waiting = "state = 'pending' and claimed = 0"

// due reads what is due, oldest first.
func (c claim) due(which string, n int, args ...any) (found []candidate, err error) {
	err = c.sql.query(func(row *sql.Rows) error {
		var d candidate
		err := row.Scan(&d.id, &d.webhookID)
		found = append(found, d)
		return err
	}, "select id, webhook_id from deliveries where "+waiting+" and "+which+" and next <= ? order by next, id limit ?"+c.sql.skipLocked(),
		append(args, c.now, n)...)
	return found, err
}

// willing keeps the candidates whose webhook takes them, and cancels what waits for the other webhooks: an event may be
// matched before its webhook is disabled or deleted, and stored after.
func (c claim) willing(chosen []candidate, takers map[string]taker) ([]candidate, error) {
	var kept []candidate
	refused := map[string]bool{}
	for _, d := range chosen {
		hook, here := takers[d.webhookID]
		if here && (d.ping || hook.Status == webhook.Enabled) {
			if d.ping || !hook.IsPaused() { // it may have been paused since its line was read
				kept = append(kept, d)
			}
			continue
		}
		if refused[d.webhookID] {
			continue
		}
		refused[d.webhookID] = true
		end := cancelAll
		if here {
			end = cancelWaiting
		}
		if err := end(c.tx, d.webhookID); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// take counts the attempts, begins the leases and gives the jobs in the order of the candidates.
func (c claim) take(chosen []candidate, takers map[string]taker, lease time.Duration) ([]delivery.Job, error) {
	ids, place := make([]int64, 0, len(chosen)), make(map[int64]int, len(chosen))
	for i, d := range chosen {
		ids = append(ids, d.id)
		place[d.id] = i
	}
	hooks := make(map[string]*webhook.Webhook, len(takers))
	for id, t := range takers {
		hooks[id] = &t.Webhook
	}
	jobs := make([]delivery.Job, len(ids))
	err := c.sql.query(func(row *sql.Rows) error {
		var r deliveryRow
		var body []byte
		err := row.Scan(&r.ID, &r.EventID, &r.Registry, &r.WebhookID, &r.Webhook, &r.Action, &r.Repository, &r.Tag, &r.Digest, &r.State, &r.Attempts,
			&r.Retries, &r.Claimed, &r.Created, &r.LastStatus, &r.LastCause, &r.LastDurationUS, &r.LastAt, &r.Lane, &body)
		del := r.delivery()
		del.Body = body
		jobs[place[r.ID]] = delivery.Job{Delivery: del, Webhook: hooks[r.WebhookID], FailingSince: takers[r.WebhookID].failingSince}
		return err
	}, `update deliveries set attempts = attempts + 1, claimed = ?, next = ? where id`+c.sql.among()+`
		returning id, event_id, registry, webhook_id, webhook, action, repository, tag, digest, state, attempts, retries, claimed, created,
			last_status, last_cause, last_duration_us, last_at, lane, (select body from bodies where bodies.id = deliveries.body_id)`,
		c.now, c.now+lease.Microseconds(), c.sql.list(ids))
	return jobs, err
}

// free ends claims: their attempts are recorded as interrupted, and what still waits is due at once.
func (c claim) free(which string, args ...any) error {
	var lost []attemptRow
	var ids []int64
	err := c.sql.query(func(row *sql.Rows) error {
		var id, attempts, claimed int64
		err := row.Scan(&id, &attempts, &claimed)
		ids = append(ids, id)
		lost = append(lost, rowOfAttempt(delivery.Attempt{
			DeliveryID: delivery.ID(id), Number: int(attempts), Started: moment(claimed),
			Cause: delivery.CauseInterrupted, Sentence: delivery.Sentence(delivery.CauseInterrupted, delivery.Facts{}),
		}))
		return err
	}, "select id, attempts, claimed from deliveries where claimed <> 0 and "+which+c.sql.skipLocked(), args...)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := insert(c.sql, lost, "on conflict do nothing"); err != nil {
		return err
	}
	return c.sql.exec("update deliveries set claimed = 0, next = case when state = 'pending' then cast(? as bigint) else 0 end where id"+c.sql.among(), c.now, c.sql.list(ids))
}

// TakeOver frees what a process before left claimed: its attempts are recorded as interrupted, and what still waits is due
// at once. Only the one process of a database may call it, before it claims.
func (db *DB) TakeOver(ctx context.Context) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return claim{db: db, tx: tx, sql: db.sql(tx), now: micros(db.now())}.free("true")
	})
}
