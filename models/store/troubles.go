package store

import (
	"database/sql"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/notice"
	"dockbell/models/webhook"
)

// troubles are webhooks that fail, or of which somebody was told so, by ID.
type troubles map[string]notice.Trouble

// troubleColumns tell of a webhook whether it is in trouble.
const troubleColumns = "webhook_states.webhook_id, failed_row, given_up, failing_since, told, recovered"

func (all troubles) scan(row *sql.Rows) error {
	var id string
	var failed, givenUp, since, told, recovered int64
	err := row.Scan(&id, &failed, &givenUp, &since, &told, &recovered)
	if failed != 0 || told != 0 {
		all[id] = notice.Trouble{Failed: int(failed), GivenUp: int(givenUp), Since: moment(since), Told: moment(told), Recovered: moment(recovered)}
	}
	return err
}

// updateStates changes the states of webhooks, and gives those in trouble. PostgreSQL says so with the change; of SQLite, whose driver
// takes long over what a change returns, only those are asked that failed before.
func (db *DB) updateStates(s sqlTx, rows []stateRow, changes, where string) (troubles, error) {
	all := troubles{}
	if s.postgres {
		t := tableOf[stateRow]()
		return all, s.query(all.scan, t.updateOf(true, changes, where)+" returning "+troubleColumns, t.lists(reflect.ValueOf(rows))...)
	}
	ids, err := db.suspects.among(s, rows) // before the change: should it be taken back, none of them is forgotten
	if err != nil {
		return nil, err
	}
	if err := update(s, rows, changes, where); err != nil || len(ids) == 0 {
		return all, err
	}
	return all, s.query(all.scan, "select "+troubleColumns+" from webhook_states where webhook_id"+s.among(), s.list(ids))
}

// suspects are webhooks that failed since this process began, or were in trouble then: with SQLite no other process writes results.
// One that does well again stays among them.
type suspects struct {
	mu     sync.Mutex
	failed map[string]bool // nil: the database was not asked yet
}

// among gives those that may be in trouble.
func (p *suspects) among(s sqlTx, rows []stateRow) (ids []string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		known := troubles{}
		if err := s.query(known.scan, "select "+troubleColumns+" from webhook_states where failed_row <> 0 or told <> 0"); err != nil {
			return nil, err
		}
		p.failed = map[string]bool{}
		for id := range known {
			p.failed[id] = true
		}
	}
	for _, row := range rows {
		if row.Failed > 0 {
			p.failed[row.WebhookID] = true
		}
		if p.failed[row.WebhookID] {
			ids = append(ids, row.WebhookID)
		}
	}
	return ids, nil
}

// keepNotices writes a notice for each webhook that begins to fail with these results, or works again. A disabled webhook does
// neither: what was under way when it was disabled says nothing new.
func (db *DB) keepNotices(tx *gorm.DB, all troubles, effects map[string]*effect) error {
	now := db.now()
	for _, id := range slices.Sorted(maps.Keys(all)) { // one order for every process, or two would wait for each other
		t, e := all[id], effects[id]
		switch {
		case !t.Told.IsZero() && e.arrived != nil:
			if err := db.notify(tx, id, notice.Recovered, e.arrived, t); err != nil {
				return err
			}
		case e.failed != nil && t.Begins(now):
			if err := db.notify(tx, id, notice.Failing, e.failed, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// notify writes a notice about an enabled webhook, and that people are told.
func (db *DB) notify(tx *gorm.DB, webhookID string, kind notice.Kind, by *delivery.Done, t notice.Trouble) error {
	var hooks []webhookRow
	err := tx.Where("id = ? and status = ?", webhookID, string(webhook.Enabled)).Limit(1).Find(&hooks).Error
	if err != nil || len(hooks) == 0 {
		return err
	}
	told, recovered := micros(db.now()), micros(t.Recovered)
	if kind == notice.Recovered {
		told, recovered = 0, told
	}
	if err := tx.Exec("update webhook_states set told = ?, recovered = ? where webhook_id = ?", told, recovered, webhookID).Error; err != nil {
		return err
	}
	return db.addNotice(tx, hooks[0], kind, by, t)
}

// notifyDisabled writes that a webhook was disabled because of its receiver. The first delivery that arrives after somebody
// enabled it is a recovery.
func (db *DB) notifyDisabled(tx *gorm.DB, hook webhookRow, by *delivery.Done, t notice.Trouble) error {
	err := tx.Exec("update webhook_states set told = ?, failed_row = 0, given_up = 0 where webhook_id = ?", micros(db.now()), hook.ID).Error
	if err != nil {
		return err
	}
	return db.addNotice(tx, hook, notice.Disabled, by, t)
}

func (db *DB) addNotice(tx *gorm.DB, hook webhookRow, kind notice.Kind, by *delivery.Done, t notice.Trouble) error {
	row := noticeRow{
		ID: int64(db.ids.Next()), EventID: uuid.NewString(), Registry: hook.Registry, RegistryKey: hook.RegistryKey, WebhookID: hook.ID, Webhook: hook.Name,
		Kind: string(kind), At: micros(db.now()), Since: micros(t.Since), DeliveryID: int64(by.Delivery.ID), Status: int64(by.Attempt.Status),
		Cause: string(by.Attempt.Cause), Sentence: plainText(by.Attempt.Sentence),
	}
	switch kind {
	case notice.Recovered:
		row.Since = micros(t.Told)
	case notice.Disabled:
		row.Sentence = hook.DisabledReason
	}
	return tx.Create(&row).Error
}
