package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

type accessKeysRow struct {
	RegistryID      string `gorm:"primaryKey"`
	PasswordSealed  []byte
	Password2Sealed []byte `gorm:"column:password2_sealed"`
	Renewed         int64
}

// TableName is GORM's question for the table.
func (accessKeysRow) TableName() string { return "access_keys" }

// AccessKeys gives the passwords of a registry's admin user; the zero ones when there are none.
func (db *DB) AccessKeys(ctx context.Context, registryID string) (registry.AccessKeys, error) {
	var rows []accessKeysRow
	if err := db.read(ctx).Where("registry_id = ?", registryID).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return registry.AccessKeys{}, translate(err)
	}
	var k registry.AccessKeys
	for i, sealed := range [][]byte{rows[0].PasswordSealed, rows[0].Password2Sealed} {
		plain, err := db.sealer.open(accessKeyAt(registryID, i), sealed)
		if err != nil {
			return registry.AccessKeys{}, err
		}
		k[i] = string(plain)
	}
	return k, nil
}

func accessKeyAt(registryID string, i int) place {
	return place{"access_keys", []string{"password_sealed", "password2_sealed"}[i], registryID}
}

// KeepAccessKeys stores the passwords of a registry's admin user unless there are some, and gives what is there.
func (db *DB) KeepAccessKeys(ctx context.Context, registryID string, k registry.AccessKeys) (registry.AccessKeys, error) {
	kept, err := db.AccessKeys(ctx, registryID)
	if err != nil || kept != (registry.AccessKeys{}) {
		return kept, err
	}
	err = db.write(ctx, func(tx *gorm.DB) error {
		row := accessKeysRow{
			RegistryID: registryID, Renewed: micros(db.now()),
			PasswordSealed:  db.sealer.seal(accessKeyAt(registryID, 0), []byte(k[0])),
			Password2Sealed: db.sealer.seal(accessKeyAt(registryID, 1), []byte(k[1])),
		}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	})
	if err != nil {
		return registry.AccessKeys{}, err
	}
	return db.AccessKeys(ctx, registryID)
}

// RenewAccessKey stores one password of a registry's admin user in place of the one that was there.
func (db *DB) RenewAccessKey(ctx context.Context, registryID string, which int, key string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		at := accessKeyAt(registryID, which)
		done := tx.Model(&accessKeysRow{}).Where("registry_id = ?", registryID).
			Updates(map[string]any{at.column: db.sealer.seal(at, []byte(key)), "renewed": micros(db.now())})
		return orMissing(done, fault.New(fault.NotFound, "The registry has no access keys, or not any more."))
	})
}

// AdminUser gives a registry whose admin user is on, and its passwords; NotFound when there is none of that name.
func (db *DB) AdminUser(ctx context.Context, name registry.Name) (registry.Registry, registry.AccessKeys, error) {
	r, err := db.Registry(ctx, name)
	if err != nil {
		return r, registry.AccessKeys{}, err
	}
	if !r.AdminUser {
		return r, registry.AccessKeys{}, fault.New(fault.NotFound, "The admin user of %s is off.", r.Name)
	}
	k, err := db.AccessKeys(ctx, r.ID)
	return r, k, err
}
