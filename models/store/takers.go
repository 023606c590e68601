package store

import (
	"database/sql"
	"sync"
	"time"

	"dockbell/models/webhook"
)

// taker is the webhook of a claimed delivery, and since when it fails.
type taker struct {
	webhook.Webhook
	failingSince time.Time
}

// takers reads the webhooks of candidates with their secrets. One that was opened before is not opened again while its
// version is the same, whichever process changed it.
func (c claim) takers(chosen []candidate) (map[string]taker, error) {
	var ids []string
	all := map[string]taker{}
	for _, d := range chosen {
		if _, known := all[d.webhookID]; !known {
			ids, all[d.webhookID] = append(ids, d.webhookID), taker{}
		}
	}
	clear(all)
	if len(ids) == 0 {
		return all, nil
	}
	var stale []string
	err := c.sql.query(func(row *sql.Rows) error {
		var id string
		var version, failing int64
		err := row.Scan(&id, &version, &failing)
		hook, known := c.db.opened.get(id, version)
		if !known {
			stale = append(stale, id)
		}
		all[id] = taker{hook, moment(failing)}
		return err
	}, `select w.id, w.version, coalesce(s.failing_since, 0) from webhooks as w left join webhook_states as s on s.webhook_id = w.id where w.id`+c.sql.among(), c.sql.list(ids))
	if err != nil || len(stale) == 0 {
		return all, err
	}
	var rows []webhookRow
	if err := c.tx.Where("id in ?", stale).Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, row := range rows {
		hook, err := row.webhook(c.db.sealer)
		if err != nil {
			return nil, err
		}
		c.db.opened.put(hook)
		all[row.ID] = taker{hook, all[row.ID].failingSince}
	}
	return all, nil
}

// openedHooks remembers webhooks, opened, by ID and version.
type openedHooks struct {
	mu    sync.Mutex
	hooks map[string]webhook.Webhook
}

// manyOpened is how many are remembered at most.
const manyOpened = 5000

func (o *openedHooks) get(id string, version int64) (webhook.Webhook, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	hook, known := o.hooks[id]
	return hook, known && hook.Version == version
}

func (o *openedHooks) put(hook webhook.Webhook) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hooks == nil || len(o.hooks) >= manyOpened {
		o.hooks = map[string]webhook.Webhook{}
	}
	o.hooks[hook.ID] = hook
}
