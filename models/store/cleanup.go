package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/cleanup"
	"dockbell/models/registry"
)

type retentionRow struct {
	RegistryKey  string `gorm:"primaryKey"`
	KeepTags     int64
	UntaggedDays int64
	KeepPatterns string
	UpdatedBy    string
	Updated      int64
}

// TableName is GORM's question for the table.
func (retentionRow) TableName() string { return "retention" }

// Rules gives what a registry deletes by itself; the zero rules when nobody has set any.
func (db *DB) Rules(ctx context.Context, name registry.Name) (cleanup.Rules, error) {
	var rows []retentionRow
	if err := db.read(ctx).Where("registry_key = ?", name.Key()).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return cleanup.Rules{}, translate(err)
	}
	r := cleanup.Rules{KeepTags: int(rows[0].KeepTags), UntaggedDays: int(rows[0].UntaggedDays), By: rows[0].UpdatedBy, Updated: moment(rows[0].Updated)}
	return r, fromJSON(rows[0].KeepPatterns, &r.Keep)
}

// PutRules stores what a registry deletes by itself.
func (db *DB) PutRules(ctx context.Context, name registry.Name, r cleanup.Rules) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := retentionRow{
			RegistryKey: name.Key(), KeepTags: int64(r.KeepTags), UntaggedDays: int64(r.UntaggedDays), KeepPatterns: toJSON(r.Keep),
			UpdatedBy: plainText(r.By), Updated: micros(r.Updated),
		}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "registry_key"}}, UpdateAll: true}).Create(&row).Error
	})
}

// OldTags gives the tags that are not among the newest of their repositories, by repository, digest and name.
func (db *DB) OldTags(ctx context.Context, name registry.Name, keep int) ([]cleanup.Tagged, error) {
	var rows []struct {
		Repository, Tag, Digest            string
		Size, Updated, Locks, Tags, Needed int64
	}
	err := db.read(ctx).Raw(`select o.repository, o.name as tag, o.digest, m.size, o.updated, o.locks | m.locks | r.locks as locks,
			(select count(*) from tags t where t.registry_key = o.registry_key and t.repository = o.repository and t.digest = o.digest) as tags,
			(select count(*) from parts p where p.registry_key = o.registry_key and p.repository = o.repository and p.digest = o.digest) as needed
		from (select *, row_number() over (partition by repository order by updated desc, name desc) as place from tags where registry_key = ?) as o
		join manifests m on m.registry_key = o.registry_key and m.repository = o.repository and m.digest = o.digest
		join repositories r on r.registry_key = o.registry_key and r.name = o.repository
		where o.place > ? order by o.repository, o.digest, o.name`, name.Key(), keep).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	all := make([]cleanup.Tagged, 0, len(rows))
	for _, row := range rows {
		all = append(all, cleanup.Tagged{
			Repository: row.Repository, Tag: row.Tag, Digest: row.Digest, Size: row.Size, Pushed: moment(row.Updated),
			Locked: locksOf(row.Locks).Keeps(), Tags: int(row.Tags), Needed: row.Needed > 0,
		})
	}
	return all, nil
}

// UntaggedManifests gives the manifests that lost their last tag, or were pushed, before this moment, that no index is made
// of and that refer to nothing that is here; what is locked is left out.
func (db *DB) UntaggedManifests(ctx context.Context, name registry.Name, before time.Time) ([]cleanup.Untagged, error) {
	var rows []struct {
		Repository, Digest      string
		Size, Updated, Untagged int64
	}
	err := db.read(ctx).Raw(fmt.Sprintf(`select m.repository, m.digest, m.size, m.updated, m.untagged from manifests m
		join repositories r on r.registry_key = m.registry_key and r.name = m.repository
		where m.registry_key = ? and m.updated < ? and m.untagged < ? and (m.locks | r.locks) & %d = 0
		and not exists (select 1 from tags t where t.registry_key = m.registry_key and t.repository = m.repository and t.digest = m.digest)
		and not exists (select 1 from parts p where p.registry_key = m.registry_key and p.repository = m.repository and p.digest = m.digest)
		and (m.subject = '' or not exists (select 1 from manifests s where s.registry_key = m.registry_key and s.repository = m.repository and s.digest = m.subject))
		order by m.repository, m.updated, m.digest`, noDelete|noWrite), name.Key(), micros(before), micros(before)).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	all := make([]cleanup.Untagged, 0, len(rows))
	for _, row := range rows {
		all = append(all, cleanup.Untagged{
			Repository: row.Repository, Digest: row.Digest, Size: row.Size, Pushed: moment(row.Updated), Since: moment(max(row.Updated, row.Untagged)),
		})
	}
	return all, nil
}

// dropLinks is how many links one transaction drops: the writer is busy for a few milliseconds.
const dropLinks = 200

// unneeded is the condition that no manifest of its repository needs a linked blob.
const unneeded = "not exists (select 1 from parts p where p.registry_key = blob_links.registry_key and p.repository = blob_links.repository and p.digest = blob_links.digest)"

// DropLinks takes some of the blobs out of their repositories that were wanted last before this moment and that no manifest
// there needs, and reports how many, and whether there may be more. A push that is under way holds the links of its blobs
// (content.want), so they are skipped; whether a manifest needs them is asked after the others are held.
func (db *DB) DropLinks(ctx context.Context, before time.Time) (dropped int, more bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		dropped = 0
		var rows []blobLinkRow
		held := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked})
		if err := held.Where("created < ?", micros(before)).Where(unneeded).Limit(dropLinks).Find(&rows).Error; err != nil {
			return err
		}
		more = len(rows) == dropLinks
		for _, row := range rows {
			done := tx.Where("registry_key = ? and repository = ? and digest = ?", row.RegistryKey, row.Repository, row.Digest).Where(unneeded).Delete(&blobLinkRow{})
			if done.Error != nil {
				return done.Error
			}
			dropped += int(done.RowsAffected)
		}
		return nil
	})
	return dropped, more, err
}

// Linked gives those of the digests that belong to a repository of whichever registry.
func (db *DB) Linked(ctx context.Context, digests []string) (map[string]bool, error) {
	linked := make(map[string]bool, len(digests))
	for len(digests) > 0 {
		n := min(len(digests), manyDigests)
		var found []string
		if err := db.read(ctx).Model(&blobLinkRow{}).Where("digest in ?", digests[:n]).Distinct().Pluck("digest", &found).Error; err != nil {
			return nil, translate(err)
		}
		for _, digest := range found {
			linked[digest] = true
		}
		digests = digests[n:]
	}
	return linked, nil
}
