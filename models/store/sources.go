package store

import (
	"context"
	"net/netip"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/source"
)

type sourceRow struct {
	ID           string `gorm:"primaryKey"`
	Name         string
	NameKey      string
	Registry     string
	RegistryKey  string
	Location     string
	Kind         string
	Rate         int64
	Space        int64
	Networks     string
	TokenHash    []byte
	SecretSealed []byte
	Version      int64
	CreatedBy    string
	Created      int64
	Rotated      int64
}

// TableName is GORM's question for the table.
func (sourceRow) TableName() string { return "sources" }

func secretPlace(id string) place { return place{table: "sources", column: "secret_sealed", row: id} }

func rowOfSource(s source.Source, by *sealer) sourceRow {
	row := sourceRow{
		ID: s.ID, Name: string(s.Name), NameKey: s.Name.Key(), Registry: string(s.Registry), RegistryKey: s.Registry.Key(),
		Location: string(s.Location), Kind: string(s.Kind), Rate: int64(s.Rate), Space: int64(s.Space), Networks: toJSON(s.Networks), TokenHash: s.TokenHash,
		SecretSealed: []byte{}, Version: s.Version, CreatedBy: s.CreatedBy, Created: micros(s.Created), Rotated: micros(s.Rotated),
	}
	if s.Secret != "" {
		row.SecretSealed = by.seal(secretPlace(s.ID), []byte(s.Secret))
	}
	return row
}

func (row sourceRow) source(by *sealer) (source.Source, error) {
	s := source.Source{
		ID: row.ID, Name: source.Name(row.Name), Registry: registry.Name(row.Registry), Location: registry.Location(row.Location),
		Kind: source.Kind(row.Kind), Rate: int(row.Rate), Space: int(row.Space), TokenHash: row.TokenHash, Version: row.Version,
		CreatedBy: row.CreatedBy, Created: moment(row.Created), Rotated: moment(row.Rotated),
	}
	if len(row.SecretSealed) > 0 {
		secret, err := by.open(secretPlace(row.ID), row.SecretSealed)
		if err != nil {
			return s, err
		}
		s.Secret = string(secret)
	}
	var networks []netip.Prefix
	err := fromJSON(row.Networks, &networks)
	s.Networks = networks
	return s, err
}

func noSource(name source.Name) error {
	return &fault.Error{Code: fault.NotFound, Field: "source", Message: "There is no source " + string(name) + "."}
}

// Source gives a source by its name in any case, with what came from it; NotFound at field "source".
func (db *DB) Source(ctx context.Context, name source.Name) (source.Source, error) {
	all, err := db.sourcesWhere(ctx, "name_key = ?", name.Key())
	if err != nil {
		return source.Source{}, err
	}
	if len(all) == 0 {
		return source.Source{}, noSource(name)
	}
	return all[0], nil
}

// Sources gives every source by name, with what came from it.
func (db *DB) Sources(ctx context.Context) ([]source.Source, error) {
	return db.sourcesWhere(ctx, "1 = 1")
}

// SourcesOf gives the sources of a registry by name, with what came from them.
func (db *DB) SourcesOf(ctx context.Context, name registry.Name) ([]source.Source, error) {
	return db.sourcesWhere(ctx, "registry_key = ?", name.Key())
}

func (db *DB) sourcesWhere(ctx context.Context, where string, args ...any) ([]source.Source, error) {
	var rows []sourceRow
	if err := db.read(ctx).Where(where, args...).Order("name_key").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]source.Source, 0, len(rows))
	for _, row := range rows {
		s, err := row.source(db.sealer)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, db.count(ctx, all)
}

// AddSource stores a new source; Conflict at field "name" when its name is taken.
func (db *DB) AddSource(ctx context.Context, s source.Source) error {
	row := rowOfSource(s, db.sealer)
	return db.write(ctx, func(tx *gorm.DB) error {
		added := row
		return orTaken(tx.Create(&added).Error, source.Taken(s.Name).Error())
	})
}

// UpdateSource stores a source's token and limits under its next version; source.ErrStale when it was changed or deleted meanwhile.
func (db *DB) UpdateSource(ctx context.Context, s source.Source) error {
	row := rowOfSource(s, db.sealer)
	return db.write(ctx, func(tx *gorm.DB) error {
		changed := row
		done := tx.Model(&sourceRow{}).Where("id = ? and version = ?", s.ID, s.Version-1).
			Select("token_hash", "secret_sealed", "version", "rotated", "rate", "space", "networks").Updates(&changed)
		return orMissing(done, source.ErrStale)
	})
}

// DeleteSource removes a source; what came from it stays.
func (db *DB) DeleteSource(ctx context.Context, name source.Name) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		return orMissing(tx.Where("name_key = ?", name.Key()).Delete(&sourceRow{}), noSource(name))
	})
}
