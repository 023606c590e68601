package store

import (
	"database/sql"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
)

// circuit is how the endpoint of a webhook is probed.
func (s webhookStateRow) circuit() delivery.Circuit {
	return delivery.Circuit{Dead: int(s.Dead), Gap: time.Duration(s.ProbeGap) * time.Microsecond, ProbeAt: moment(s.ProbeAt), Since: moment(s.ProbeSince)}
}

// keepCircuits counts the attempts that found no receiver. Its caller has locked the states of these webhooks; most batches have none.
func (db *DB) keepCircuits(tx *gorm.DB, ids []string, effects map[string]*effect) error {
	s, now := db.sql(tx), db.now()
	for _, id := range ids {
		e := effects[id]
		if e.dead == 0 {
			continue
		}
		var row webhookStateRow
		err := s.query(func(r *sql.Rows) error { return r.Scan(&row.Dead, &row.ProbeGap, &row.ProbeAt, &row.ProbeSince) },
			"select dead, probe_gap, probe_at, probe_since from webhook_states where webhook_id = ?", id)
		if err != nil {
			return err
		}
		c := row.circuit().After(e.dead, e.lastDead, now)
		err = s.exec("update webhook_states set dead = ?, probe_gap = ?, probe_at = ?, probe_since = ? where webhook_id = ?",
			c.Dead, c.Gap.Microseconds(), micros(c.ProbeAt), micros(c.Since), id)
		if err != nil {
			return err
		}
	}
	return nil
}

// probeNow lets the next delivery of a webhook whose endpoint looks dead go at once: somebody says that it is back.
func probeNow(tx *gorm.DB, webhookID string, now int64) error {
	return tx.Exec("update webhook_states set probe_at = ? where webhook_id = ? and probe_at > ?", now, webhookID, now).Error
}
