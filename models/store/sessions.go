package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// sweepEvery is how often expired sessions are forgotten.
const sweepEvery = 10 * time.Minute

type sessionRow struct {
	Token   string `gorm:"primaryKey"` // a hash; the token itself is in the browser alone
	Data    []byte
	Expires int64
}

// TableName is GORM's question for the table.
func (sessionRow) TableName() string { return "sessions" }

// FindCtx gives what a session holds; an expired one is not found.
func (db *DB) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	var rows []sessionRow
	err = db.read(ctx).Where("token = ? and expires > ?", token, micros(db.now())).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, false, translate(err)
	}
	return rows[0].Data, true, nil
}

// CommitCtx stores what a session holds until it expires. Now and then the expired ones go with it.
func (db *DB) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	now := micros(db.now())
	swept := db.swept.Load()
	sweep := now-swept >= sweepEvery.Microseconds() && db.swept.CompareAndSwap(swept, now)
	return db.write(ctx, func(tx *gorm.DB) error {
		row := sessionRow{Token: token, Data: b, Expires: micros(expiry)}
		err := tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "token"}}, DoUpdates: clause.AssignmentColumns([]string{"data", "expires"}),
		}).Create(&row).Error
		if err != nil || !sweep {
			return err
		}
		return tx.Where("expires <= ?", now).Delete(&sessionRow{}).Error
	})
}

// DeleteCtx ends a session; one that is not there has ended already.
func (db *DB) DeleteCtx(ctx context.Context, token string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return tx.Where("token = ?", token).Delete(&sessionRow{}).Error
	})
}
