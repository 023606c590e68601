package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"dockbell/models/audit"
)

type auditRow struct {
	ID       int64 `gorm:"primaryKey"`
	At       int64
	Kind     string
	ActorID  string
	Actor    string
	Client   string
	Addr     string
	Action   string
	Registry string
	Object   string
	Changes  string
}

// TableName is GORM's question for the table.
func (auditRow) TableName() string { return "audit" }

// recorded gives fn with what ctx notes of it: both are stored, or neither.
func (db *DB) recorded(ctx context.Context, fn func(tx *gorm.DB) error) func(tx *gorm.DB) error {
	e, noted := audit.Noted(ctx)
	if !noted {
		return fn
	}
	row := db.rowOfAudit(e)
	return func(tx *gorm.DB) error {
		if err := fn(tx); err != nil {
			return err
		}
		added := row
		return tx.Create(&added).Error
	}
}

// rowOfAudit makes the row of a new entry: its ID and time are made here.
func (db *DB) rowOfAudit(e audit.Entry) auditRow {
	return auditRow{
		ID: int64(db.ids.Next()), At: micros(db.now()), Kind: e.Actor.Kind, ActorID: plainText(e.Actor.ID), Actor: plainText(e.Actor.Name),
		Client: plainText(e.Actor.Client), Addr: plainText(e.Actor.Addr),
		Action: e.Action, Registry: plainText(e.Registry), Object: plainText(e.Object), Changes: toJSON(e.Changes),
	}
}

// AddAudit records what ctx notes without changing anything else: that somebody read secrets.
func (db *DB) AddAudit(ctx context.Context) error {
	return db.write(ctx, func(*gorm.DB) error { return nil })
}

// Audit gives a page of the record, newest first.
func (db *DB) Audit(ctx context.Context, f audit.Filter) (audit.Page, error) {
	query := func() *gorm.DB {
		q := db.read(ctx).Model(&auditRow{})
		if f.Text != "" {
			q = q.Where(`lower(actor || ' ' || client || ' ' || action || ' ' || registry || ' ' || object) like ? escape '\'`, contains(strings.ToLower(plainText(f.Text))))
		}
		return q
	}
	rows, older, newer, err := read[auditRow](pager{query, "id", f.Before, f.After, f.Limit})
	if err != nil {
		return audit.Page{}, err
	}
	p := audit.Page{Older: older, Newer: newer}
	for _, row := range rows {
		e := audit.Entry{
			ID: row.ID, At: moment(row.At), Action: row.Action, Registry: row.Registry, Object: row.Object,
			Actor: audit.Actor{Kind: row.Kind, ID: row.ActorID, Name: row.Actor, Client: row.Client, Addr: row.Addr},
		}
		if err := fromJSON(row.Changes, &e.Changes); err != nil {
			return p, err
		}
		p.Entries = append(p.Entries, e)
	}
	return p, nil
}
