package store

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/artifact"
)

// partRow says that a manifest needs a blob or a child.
type partRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Repository  string `gorm:"primaryKey"`
	Manifest    string `gorm:"primaryKey"`
	Digest      string `gorm:"primaryKey"`
}

// TableName is GORM's question for the table.
func (partRow) TableName() string { return "parts" }

// partsOf are the digests that a manifest needs in its repository; what lies elsewhere is not among them.
func partsOf(m artifact.Manifest) (blobs, children map[string]bool) {
	blobs, children = map[string]bool{}, map[string]bool{}
	if m.Config != nil {
		blobs[m.Config.Digest] = true
	}
	for _, layer := range m.Layers {
		if !layer.Foreign {
			blobs[layer.Digest] = true
		}
	}
	for _, child := range m.Children {
		if !child.Foreign {
			children[child.Digest] = true
		}
	}
	return blobs, children
}

// manyParts is how many of them one insert carries: both databases bound the parameters of a statement.
const manyParts = 200

// keepParts stores what a manifest needs.
func keepParts(tx *gorm.DB, key, repository string, m artifact.Manifest) error {
	blobs, children := partsOf(m)
	maps.Copy(blobs, children)
	rows := make([]partRow, 0, len(blobs))
	for _, digest := range slices.Sorted(maps.Keys(blobs)) {
		rows = append(rows, partRow{RegistryKey: key, Repository: repository, Manifest: m.Digest, Digest: digest})
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, manyParts).Error
}

// learnParts is how many manifests of older databases LearnParts takes in one transaction.
const learnParts = 200

// LearnParts stores what manifests need that were pushed before anybody kept it, and reports whether there may be more.
func (db *DB) LearnParts(ctx context.Context) (more bool, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		var rows []manifestRow
		if err := tx.Where("parts_known = 0").Limit(learnParts).Find(&rows).Error; err != nil {
			return err
		}
		more = len(rows) == learnParts
		for _, row := range rows {
			m, err := artifact.ParseManifest(row.Raw, row.MediaType, artifact.AlgorithmOf(row.Digest))
			if err != nil {
				return err
			}
			if err := keepParts(tx, row.RegistryKey, row.Repository, m); err != nil {
				return err
			}
			err = tx.Model(&manifestRow{}).Where("registry_key = ? and repository = ? and digest = ?", row.RegistryKey, row.Repository, row.Digest).Update("parts_known", 1).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}
