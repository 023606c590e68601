package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/registry"
)

// blobLinkRow says that a repository may give out a blob.
type blobLinkRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Repository  string `gorm:"primaryKey"`
	Digest      string `gorm:"primaryKey"`
	Size        int64
	Created     int64
}

// TableName is GORM's question for the table.
func (blobLinkRow) TableName() string { return "blob_links" }

func noBlob(repository, digest string) error {
	return absent("blob", "There is no blob "+digest+" in the repository "+repository+".")
}

// BlobSize gives a blob's length in bytes if it belongs to the repository; NotFound at field "blob".
func (db *DB) BlobSize(ctx context.Context, name registry.Name, repository, digest string) (int64, error) {
	var sizes []int64
	err := inRepository(db.read(ctx).Model(&blobLinkRow{}), name, repository).Where("digest = ?", digest).Limit(1).Pluck("size", &sizes).Error
	if err != nil {
		return 0, translate(err)
	}
	if len(sizes) == 0 {
		return 0, noBlob(repository, digest)
	}
	return sizes[0], nil
}

// LinkBlob makes a blob part of a repository; doing it again changes nothing.
func (db *DB) LinkBlob(ctx context.Context, name registry.Name, repository, digest string, size int64) error {
	row := blobLinkRow{RegistryKey: name.Key(), Repository: repository, Digest: digest, Size: size, Created: micros(db.now())}
	return db.write(ctx, func(tx *gorm.DB) error {
		link := row
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&link).Error
	})
}

// UnlinkBlob takes a blob out of a repository; NotFound at field "blob".
func (db *DB) UnlinkBlob(ctx context.Context, name registry.Name, repository, digest string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		done := inRepository(tx, name, repository).Where("digest = ?", digest).Delete(&blobLinkRow{})
		return orMissing(done, noBlob(repository, digest))
	})
}
