package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

func noWebhook(name webhook.Name) error {
	return &fault.Error{Code: fault.NotFound, Field: "webhook", Message: "There is no webhook " + string(name) + "."}
}

// Webhooks gives a registry's webhooks by name, with their secrets.
func (db *DB) Webhooks(ctx context.Context, name registry.Name) ([]webhook.Webhook, error) {
	hooks, err := db.Subscribers(ctx, name)
	return copies(hooks), err
}

// Subscribers gives the webhooks that an event of a registry is matched with. Every push asks for them, so they are
// remembered until this process changes one; with PostgreSQL, where other processes change them too, their versions are read anew.
// All who ask share them: nobody may change one.
func (db *DB) Subscribers(ctx context.Context, name registry.Name) ([]webhook.Webhook, error) {
	if db.postgres {
		hooks, err := db.subscribers.get(ctx, name.Key(), func(ctx context.Context) ([]webhook.Webhook, error) { return db.currentWebhooks(ctx, name) })
		return hooks, translate(err)
	}
	hooks, turn, known := db.hooks.get(name.Key())
	if !known {
		var err error
		if hooks, err = db.readWebhooks(ctx, name); err != nil {
			return nil, err
		}
		db.hooks.put(name.Key(), turn, hooks)
	}
	return hooks, nil
}

func (db *DB) readWebhooks(ctx context.Context, name registry.Name) ([]webhook.Webhook, error) {
	var rows []webhookRow
	if err := db.read(ctx).Where("registry_key = ?", name.Key()).Order("name_key").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]webhook.Webhook, 0, len(rows))
	for _, row := range rows {
		w, err := row.webhook(db.sealer)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// currentWebhooks is readWebhooks without opening again what was opened before and has the same version. It says besides which of
// them are in trouble: another process may know of that alone. What is started for the others at once is leased by the database's clock.
func (db *DB) currentWebhooks(ctx context.Context, name registry.Name) (hooks []webhook.Webhook, err error) {
	db.settle(ctx)
	all, troubled := true, map[string]bool{}
	err = db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		var id string
		var version int64
		var trouble bool
		err := row.Scan(&id, &version, &trouble)
		hook, known := db.opened.get(id, version)
		hook.Troubled, troubled[id] = trouble, trouble
		hooks, all = append(hooks, hook), all && known
		return err
	}, `select w.id, w.version, coalesce(s.failing_since <> 0 or s.paused_until > ? or s.probe_gap <> 0 or s.drain_last <> 0, false)
		from webhooks as w left join webhook_states as s on s.webhook_id = w.id where w.registry_key = ? order by w.name_key`, micros(db.now()), name.Key())
	if err != nil || all {
		return hooks, err
	}
	if hooks, err = db.readWebhooks(ctx, name); err != nil {
		return nil, err
	}
	for i := range hooks {
		db.opened.put(hooks[i])
		hooks[i].Troubled = troubled[hooks[i].ID]
	}
	return hooks, nil
}

// Webhook gives one webhook by name in any case, with its secrets; NotFound at field "webhook".
func (db *DB) Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error) {
	row, err := webhookIn(db.read(ctx), reg, name)
	if err != nil {
		return webhook.Webhook{}, err
	}
	return row.webhook(db.sealer)
}

// webhookIn finds a webhook's row inside a transaction or with the readers.
func webhookIn(tx *gorm.DB, reg registry.Name, name webhook.Name) (webhookRow, error) {
	var rows []webhookRow
	err := tx.Where("registry_key = ? and name_key = ?", reg.Key(), name.Key()).Limit(1).Find(&rows).Error
	if err != nil {
		return webhookRow{}, translate(err)
	}
	if len(rows) == 0 {
		return webhookRow{}, noWebhook(name)
	}
	return rows[0], nil
}

// AddWebhook stores a new webhook unless its registry has quota of them already (LimitReached) or its name is taken.
func (db *DB) AddWebhook(ctx context.Context, w webhook.Webhook, quota int) error {
	row := rowOfWebhook(w, db.sealer)
	defer db.hooks.forget(w.Registry.Key())
	return db.write(ctx, func(tx *gorm.DB) error {
		reg, err := lockRegistry(tx, w.Registry) // so that two at once do not both take the last place
		if err != nil {
			return err
		}
		var have int64
		if err := tx.Model(&webhookRow{}).Where("registry_key = ?", reg.NameKey).Count(&have).Error; err != nil {
			return err
		}
		if have >= int64(quota) {
			full := fault.New(fault.LimitReached, "A registry of the %s tier has at most %d webhooks, and %s has %d. Delete one, or change the tier.", reg.Tier, quota, reg.Name, have)
			full.Field = "quota"
			return full
		}
		added := row
		added.Registry = reg.Name
		if err := tx.Create(&added).Error; err != nil {
			if errors.Is(err, gorm.ErrDuplicatedKey) {
				return webhook.NameTaken(w.Name)
			}
			return err
		}
		return tx.Create(&webhookStateRow{WebhookID: added.ID}).Error
	})
}

// UpdateWebhook stores a webhook as the next version; Conflict when the stored one is not ifVersion any more. What waited
// for a webhook that is disabled is cancelled; one that is enabled again starts without its past failures and pause.
func (db *DB) UpdateWebhook(ctx context.Context, w webhook.Webhook, ifVersion int64) error {
	row := rowOfWebhook(w, db.sealer)
	row.Version = ifVersion + 1
	defer db.hooks.forget(w.Registry.Key())
	return db.write(ctx, func(tx *gorm.DB) error {
		before, err := webhookIn(tx, w.Registry, w.Name)
		if err != nil {
			return err
		}
		changed := row
		if row.Ordered != 0 {
			changed.Ordered = cmp.Or(before.Ordered, row.Updated)
		}
		done := tx.Model(&webhookRow{}).Where("id = ? and version = ?", w.ID, ifVersion).Select(webhookChanges).Updates(&changed)
		if err := orMissing(done, changedMeanwhile(before)); err != nil {
			return err
		}
		switch {
		case before.Status == row.Status && db.sameEndpoint(before, w):
			return nil
		case w.Status == webhook.Disabled:
			return cancelWaiting(tx, w.ID)
		default:
			return freshState(tx, w.ID)
		}
	})
}

// sameEndpoint reports whether a webhook goes to where the stored one goes: what is known of another endpoint says nothing of it.
func (db *DB) sameEndpoint(before webhookRow, w webhook.Webhook) bool {
	stored, err := before.webhook(db.sealer)
	return err == nil && stored.ServiceURI == w.ServiceURI
}

func changedMeanwhile(stored webhookRow) error {
	return fault.New(fault.Conflict, "%s was changed by %s at %s while you were editing. Look at the change and save again.",
		stored.Name, stored.UpdatedBy, moment(stored.Updated).Format("15:04:05 UTC"))
}

// freshState forgets a webhook's failures and pause; that people were told of them stays, so that they hear when it works again.
func freshState(tx *gorm.DB, webhookID string) error {
	return tx.Model(&webhookStateRow{}).Where("webhook_id = ?", webhookID).
		Updates(map[string]any{"failing_since": 0, "paused_until": 0, "drain_rate": 0, "drain_last": 0, "dead": 0, "probe_gap": 0, "probe_at": 0, "failed_row": 0, "given_up": 0}).Error
}

// DeleteWebhook removes a webhook and cancels what waits for it; its past deliveries stay. Conflict when the stored one is
// not ifVersion any more; 0 removes whatever is there.
func (db *DB) DeleteWebhook(ctx context.Context, reg registry.Name, name webhook.Name, ifVersion int64) error {
	defer db.hooks.forget(reg.Key())
	return db.write(ctx, func(tx *gorm.DB) error {
		row, err := webhookIn(locked(tx), reg, name)
		switch {
		case err != nil:
			return err
		case ifVersion != 0 && row.Version != ifVersion:
			return changedMeanwhile(row)
		}
		if err := cancelAll(tx, row.ID); err != nil {
			return err
		}
		return tx.Where("id = ?", row.ID).Delete(&webhookRow{}).Error // its state goes by the foreign key
	})
}
