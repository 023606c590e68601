package store

import (
	"context"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

type groupRow struct {
	NameKey  string `gorm:"primaryKey"`
	Name     string
	Location string
	Tags     string
	Created  int64
}

// TableName is GORM's question for the table.
func (groupRow) TableName() string { return "resource_groups" }

// ResourceGroups gives every resource group by name.
func (db *DB) ResourceGroups(ctx context.Context) ([]registry.Group, error) {
	var rows []groupRow
	if err := db.read(ctx).Order("name_key").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]registry.Group, 0, len(rows))
	for _, row := range rows {
		g := registry.Group{Name: row.Name, Location: registry.Location(row.Location), Created: moment(row.Created)}
		if err := fromJSON(row.Tags, &g.Tags); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// PutResourceGroup adds a resource group, or changes the tags of the one that is there.
func (db *DB) PutResourceGroup(ctx context.Context, g registry.Group) error {
	return db.write(ctx, func(tx *gorm.DB) error {
		row := groupRow{NameKey: strings.ToLower(g.Name), Name: g.Name, Location: string(g.Location), Tags: toJSON(g.Tags), Created: micros(g.Created)}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "name_key"}}, DoUpdates: clause.AssignmentColumns([]string{"tags"}),
		}).Create(&row).Error
	})
}

// DeleteResourceGroup removes an empty resource group; Conflict while a registry is in it.
func (db *DB) DeleteResourceGroup(ctx context.Context, name string) error {
	key := strings.ToLower(name)
	return db.write(ctx, func(tx *gorm.DB) error {
		if err := orMissing(tx.Where("name_key = ?", key).Delete(&groupRow{}), registry.NoGroup(name)); err != nil {
			return err
		}
		var inside []string
		if err := tx.Model(&registryRow{}).Where("lower(resource_group) = ?", key).Pluck("name", &inside).Error; err != nil {
			return err
		}
		if len(inside) > 0 {
			return fault.New(fault.Conflict, "The resource group %s holds %s. Delete what is in it first.", name, strings.Join(inside, ", "))
		}
		return nil
	})
}

// ensureGroup makes the resource group of a new registry where there is none of that name, and gives its spelling.
func ensureGroup(tx *gorm.DB, r registry.Registry) (string, error) {
	row := groupRow{NameKey: strings.ToLower(r.Group), Name: r.Group, Location: string(r.Home), Tags: "{}", Created: micros(r.Created)}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return "", err
	}
	var names []string
	if err := tx.Model(&groupRow{}).Where("name_key = ?", row.NameKey).Pluck("name", &names).Error; err != nil || len(names) == 0 {
		return row.Name, err
	}
	return names[0], nil
}
