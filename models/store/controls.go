package store

import (
	"cmp"
	"database/sql"
	"slices"

	"dockbell/models/delivery"
)

// controls are how a webhook holds its own deliveries back: what it was set to, and what came of it so far. Most are nothing.
type controls struct {
	paused    int64         // since when; 0: not paused
	most      int           // in flight; 0: whatever the claim allows
	rate      delivery.Rate // of the webhook, or of the draining after a pause when that is stricter
	rateWhole int64
	drainLast int64 // the last delivery of a pause's backlog; 0: nothing drains
	ordered   int64
	probed    bool  // its endpoint looks dead: one at a time
	probeAt   int64 // and not before
}

// controlled gives the webhooks that have any; the index holds no others, so that the rest cost nothing.
const controlled = `controlled as materialized (
		select id, paused, max_in_flight, rate, ordered from webhooks where paused <> 0 or max_in_flight <> 0 or rate <> 0 or ordered <> 0
	)`

// controlColumns tell them of a line: w is of controlled, s of webhook_states.
const controlColumns = `coalesce(w.paused, 0), coalesce(w.max_in_flight, 0), coalesce(w.rate, 0), coalesce(w.ordered, 0),
		coalesce(s.rate_whole, 0), coalesce(s.drain_rate, 0), coalesce(s.drain_last, 0),
		coalesce(s.probe_gap, 0) <> 0, coalesce(s.probe_at, 0)`

// scan reads the columns of a line, then the controls.
func (l *line) scan(row *sql.Rows) error {
	var rate, drain delivery.Rate
	err := row.Scan(&l.webhookID, &l.due, &l.pausedUntil, &l.paused, &l.most, &rate, &l.ordered, &l.rateWhole, &drain, &l.drainLast, &l.probed, &l.probeAt)
	l.rate = paced(rate, drain, l.drainLast)
	return err
}

// paced is the rate of a webhook while what a pause kept goes out at another.
func paced(rate, drain delivery.Rate, drainLast int64) delivery.Rate {
	if drainLast != 0 {
		return rate.Least(drain)
	}
	return rate
}

// ready is when the first delivery of a line may be taken; ok is false while its webhook is paused.
func (l line) ready() (at int64, ok bool) {
	at = max(l.due, l.pausedUntil, l.probeAt)
	if l.rate > 0 {
		at = max(at, micros(l.rate.Next(moment(l.rateWhole))))
	}
	return at, l.paused == 0
}

// again reads what other processes may have spent of the lines' rates before this one was alone with them.
func (c claim) again(due []line) error {
	if !c.sql.postgres {
		return nil
	}
	ids, place := []string{}, map[string]int{}
	for i, l := range due {
		if l.rate > 0 {
			ids, place[l.webhookID] = append(ids, l.webhookID), i
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return c.sql.query(func(row *sql.Rows) error {
		var id string
		var whole int64
		err := row.Scan(&id, &whole)
		due[place[id]].rateWhole = whole
		return err
	}, "select webhook_id, rate_whole from webhook_states where webhook_id = any (?)", ids)
}

// spend counts what is taken now against the rates, and ends the draining of those whose backlog is gone.
func (c claim) spend(chosen []candidate, lines map[string]line) error {
	taken := map[string]int{}
	for _, d := range chosen {
		if _, limited := lines[d.webhookID]; limited && !d.ping {
			taken[d.webhookID]++
		}
	}
	ids := make([]string, 0, len(taken))
	for id := range taken {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare) // one order for every process, or two would wait for each other
	for _, id := range ids {
		l := lines[id]
		whole := micros(l.rate.Spend(moment(l.rateWhole), moment(c.now), taken[id]))
		if err := c.sql.exec("update webhook_states set rate_whole = ? where webhook_id = ?", whole, id); err != nil {
			return err
		}
		if l.drainLast == 0 {
			continue
		}
		if err := c.sql.exec(`update webhook_states set drain_rate = 0, drain_last = 0 where webhook_id = ? and not exists
			(select 1 from deliveries where `+waiting+` and action <> 'ping' and webhook_id = ? and id <= ? and next <= ?)`, id, id, l.drainLast, c.now); err != nil {
			return err
		}
	}
	return nil
}
