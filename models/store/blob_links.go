package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/fault"
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

// wantedAgain is how old a link is when somebody who asks for its blob makes it young again: at most one write in that
// time, which is a small part of the time after which a clean-up takes an unneeded link away.
const wantedAgain = time.Hour

// BlobSize gives a blob's length in bytes if it belongs to the repository; NotFound at field "blob".
func (db *DB) BlobSize(ctx context.Context, name registry.Name, repository, digest string) (int64, error) {
	row, err := db.blobLink(ctx, name, repository, digest)
	return row.Size, err
}

// WantBlob is BlobSize for somebody who may rely on the blob being here, because they are about to push what needs it: the
// link counts as young from now on.
func (db *DB) WantBlob(ctx context.Context, name registry.Name, repository, digest string) (int64, error) {
	row, err := db.blobLink(ctx, name, repository, digest)
	now := db.now()
	if err != nil || now.Sub(moment(row.Created)) < wantedAgain {
		return row.Size, err
	}
	return row.Size, db.write(ctx, func(tx *gorm.DB) error {
		done := inRepository(tx.Model(&blobLinkRow{}), name, repository).Where("digest = ?", digest).Update("created", micros(now))
		return orMissing(done, noBlob(repository, digest)) // dropped meanwhile: the client has to upload it again
	})
}

func (db *DB) blobLink(ctx context.Context, name registry.Name, repository, digest string) (blobLinkRow, error) {
	found, link := false, blobLinkRow{RegistryKey: name.Key(), Repository: repository, Digest: digest}
	err := db.quick(ctx).query(func(row *sql.Rows) error {
		found = true
		return row.Scan(&link.Size, &link.Created)
	}, "select size, created from blob_links where registry_key = ? and repository = ? and digest = ?", link.RegistryKey, repository, digest)
	switch {
	case err != nil:
		return blobLinkRow{}, translate(err)
	case !found:
		return blobLinkRow{}, noBlob(repository, digest)
	}
	return link, nil
}

// MayPush refuses a push to a repository that is locked against writing, so that nobody uploads layers in vain. A repository
// that is not there yet is open to everybody who may push.
func (db *DB) MayPush(ctx context.Context, name registry.Name, repository string) error {
	return translate(mayWrite(db.read(ctx), name, repository))
}

func mayWrite(tx *gorm.DB, name registry.Name, repository string) error {
	bits, err := repositoryLocks(tx, name.Key(), repository)
	if err == nil && bits.NoWrite {
		err = isLocked("The repository " + repository)
	}
	return err
}

// LinkBlob makes a blob part of a repository; doing it again makes the link young again.
func (db *DB) LinkBlob(ctx context.Context, name registry.Name, repository, digest string, size int64) error {
	row := blobLinkRow{RegistryKey: name.Key(), Repository: repository, Digest: digest, Size: size, Created: micros(db.now())}
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := mayWrite(tx, name, repository); err != nil {
			return err
		}
		link := row
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "registry_key"}, {Name: "repository"}, {Name: "digest"}},
			DoUpdates: clause.AssignmentColumns([]string{"created"}),
		}).Create(&link).Error
	})
}

// UnlinkBlob takes a blob out of a repository; NotFound at field "blob", and Conflict while a manifest there needs it.
func (db *DB) UnlinkBlob(ctx context.Context, name registry.Name, repository, digest string) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := mayChange(tx, name.Key(), repository); err != nil {
			return err
		}
		here := func(tx *gorm.DB) *gorm.DB { return inRepository(tx, name, repository).Where("digest = ?", digest) }
		var rows []blobLinkRow
		if err := here(locked(tx)).Limit(1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			return noBlob(repository, digest)
		}
		var needing []string
		if err := here(tx.Model(&partRow{})).Limit(1).Pluck("manifest", &needing).Error; err != nil {
			return err
		}
		if len(needing) > 0 {
			return &fault.Error{Code: fault.Conflict, Field: "blob", Message: "The manifest " + needing[0] + " needs this blob. Delete the manifest first."}
		}
		return here(tx).Delete(&blobLinkRow{}).Error
	})
}
