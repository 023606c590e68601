package store

import (
	"context"
	"encoding/base64"
	"errors"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/fault"
)

type settingRow struct {
	Key   string `gorm:"primaryKey"`
	Value string
}

// TableName is GORM's question for the table.
func (settingRow) TableName() string { return "settings" }

// Setting gives the value of a key; "" when there is none.
func (db *DB) Setting(ctx context.Context, key string) (string, error) {
	var rows []settingRow
	err := db.read(ctx).Where(&settingRow{Key: key}).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return "", translate(err)
	}
	return rows[0].Value, nil
}

// PutSetting stores a value under a key, in place of the one that was there.
func (db *DB) PutSetting(ctx context.Context, key, value string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := settingRow{Key: key, Value: value}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "key"}}, DoUpdates: clause.AssignmentColumns([]string{"value"}),
		}).Create(&row).Error
	})
}

// KeepSetting stores a value under a key unless there is one, and gives what is there: of several that come first, one wins.
func (db *DB) KeepSetting(ctx context.Context, key, value string) (string, error) {
	kept, err := db.Setting(ctx, key)
	if err != nil || kept != "" {
		return kept, err
	}
	err = db.write(ctx, func(tx *gorm.DB) error {
		row := settingRow{Key: key, Value: value}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	})
	if err != nil {
		return "", err
	}
	return db.Setting(ctx, key)
}

// ErrOtherKey is the cause of an Open that is refused for its key.
var ErrOtherKey = errors.New("the stored proof does not open with this key")

// keyProof is the setting that only the key of this database opens.
const keyProof = "store.key"

// checkKey refuses a key that does not open what this database holds, at the start and not at the first delivery.
func (db *DB) checkKey(ctx context.Context) error {
	at := place{table: "settings", column: "value", row: keyProof}
	proof := base64.StdEncoding.EncodeToString(db.sealer.seal(at, []byte(keyProof)))
	stored, err := db.KeepSetting(ctx, keyProof, proof) // of two that start at once with two keys, one is refused
	if err != nil {
		return err
	}
	sealed, err := base64.StdEncoding.DecodeString(stored)
	if err == nil {
		_, err = db.sealer.open(at, sealed)
	}
	if err != nil {
		return fault.New(fault.Internal, "The key does not fit the database: its secrets were stored with another one. Start Dockbell with that key file.").Because(errors.Join(ErrOtherKey, err))
	}
	return nil
}
