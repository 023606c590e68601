package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

type registryRow struct {
	ID               string `gorm:"primaryKey"`
	Name             string
	NameKey          string
	LoginServer      string
	Home             string
	Replicas         string
	Tier             string
	Kind             string
	AnnounceUntagged int64
	AnnounceUntag    int64
	Quarantine       int64
	AnonymousPull    int64
	Tags             string
	ResourceGroup    string
	AdminUser        int64
	Version          int64
	CreatedBy        string
	CreatedByKind    string
	Created          int64
	UpdatedBy        string
	UpdatedByKind    string
	Updated          int64
}

// TableName is GORM's question for the table.
func (registryRow) TableName() string { return "registries" }

// replicaJSON is one replica inside its registry's row.
type replicaJSON struct {
	Name        string            `json:"name,omitempty"` // absent: the location's
	Location    registry.Location `json:"location"`
	Tags        map[string]string `json:"tags,omitempty"`
	EndpointOff bool              `json:"endpoint_off,omitempty"`
	Created     int64             `json:"created"`
}

func rowOfRegistry(r registry.Registry) registryRow {
	replicas := []replicaJSON{}
	for _, rep := range r.Replicas {
		replicas = append(replicas, replicaJSON{rep.Name, rep.Location, rep.Tags, rep.EndpointOff, micros(rep.Created)})
	}
	return registryRow{
		ID: r.ID, Name: string(r.Name), NameKey: r.Name.Key(), LoginServer: r.LoginServer, Home: string(r.Home),
		Replicas: toJSON(replicas), Tier: string(r.Tier), Kind: string(r.Kind),
		AnnounceUntagged: flag(r.Policies.AnnounceUntagged), AnnounceUntag: flag(r.Policies.AnnounceUntag),
		Quarantine: flag(r.Policies.Quarantine), AnonymousPull: flag(r.Policies.AnonymousPull),
		Tags: toJSON(r.Tags), ResourceGroup: r.Group, AdminUser: flag(r.AdminUser), Version: r.Version,
		CreatedBy: r.CreatedBy, CreatedByKind: r.CreatedByKind, Created: micros(r.Created),
		UpdatedBy: r.UpdatedBy, UpdatedByKind: r.UpdatedByKind, Updated: micros(r.Updated),
	}
}

func (row registryRow) registry() (registry.Registry, error) {
	r := registry.Registry{
		ID: row.ID, Name: registry.Name(row.Name), LoginServer: row.LoginServer, Home: registry.Location(row.Home),
		Tier: registry.Tier(row.Tier), Kind: registry.Kind(row.Kind),
		Policies: registry.Policies{
			AnnounceUntagged: row.AnnounceUntagged != 0, AnnounceUntag: row.AnnounceUntag != 0,
			Quarantine: row.Quarantine != 0, AnonymousPull: row.AnonymousPull != 0,
		},
		Group: row.ResourceGroup, AdminUser: row.AdminUser != 0, Version: row.Version,
		CreatedBy: row.CreatedBy, CreatedByKind: row.CreatedByKind, Created: moment(row.Created),
		UpdatedBy: row.UpdatedBy, UpdatedByKind: row.UpdatedByKind, Updated: moment(row.Updated),
	}
	var replicas []replicaJSON
	if err := fromJSON(row.Replicas, &replicas); err != nil {
		return r, err
	}
	for _, rep := range replicas {
		r.Replicas = append(r.Replicas, registry.Replica{
			Name: cmp.Or(rep.Name, string(rep.Location)), Location: rep.Location, Tags: rep.Tags, EndpointOff: rep.EndpointOff, Created: moment(rep.Created),
		})
	}
	err := fromJSON(row.Tags, &r.Tags)
	return r, err
}

func noRegistry(name registry.Name) error {
	return &fault.Error{Code: fault.NotFound, Field: "registry", Message: "There is no registry " + string(name) + "."}
}

// registriesFor is how long the registries are remembered. This process forgets them with every change of its own; the time is for
// those that a command makes in the data folder beside it.
const registriesFor = time.Second

// registriesRead are all registries as they were at a moment.
type registriesRead struct {
	all []registry.Registry
	at  time.Time
}

// Registries gives every registry by name. They are remembered, because every request of a client of the built-in registry asks
// which one it means: what another process has changed beside this one may be told a second late. With PostgreSQL, where other
// servers change their policies, they are read anew.
func (db *DB) Registries(ctx context.Context) ([]registry.Registry, error) {
	if db.postgres {
		return db.readRegistries(ctx)
	}
	now := db.now()
	read, turn, known := db.registries.get("")
	if age := now.Sub(read.at); !known || age < 0 || age >= registriesFor {
		var err error
		if read.all, err = db.readRegistries(ctx); err != nil {
			return nil, err
		}
		read.at = now
		db.registries.put("", turn, read)
	}
	return slices.Clone(read.all), nil
}

// readRegistries reads every registry by name.
func (db *DB) readRegistries(ctx context.Context) ([]registry.Registry, error) {
	var rows []registryRow
	if err := db.read(ctx).Order("name_key").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]registry.Registry, 0, len(rows))
	for _, row := range rows {
		r, err := row.registry()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Registry gives one registry by its name in any case; NotFound at field "registry".
func (db *DB) Registry(ctx context.Context, name registry.Name) (registry.Registry, error) {
	row, err := registryIn(db.read(ctx), name)
	if err != nil {
		return registry.Registry{}, err
	}
	return row.registry()
}

// registryIn finds a registry's row inside a transaction or with the readers.
func registryIn(tx *gorm.DB, name registry.Name) (registryRow, error) {
	var rows []registryRow
	if err := tx.Where("name_key = ?", name.Key()).Limit(1).Find(&rows).Error; err != nil {
		return registryRow{}, translate(err)
	}
	if len(rows) == 0 {
		return registryRow{}, noRegistry(name)
	}
	return rows[0], nil
}

// lockRegistry finds a registry's row and holds it until the transaction ends: for what counts inside a registry.
// SQLite has one writer and needs no lock.
func lockRegistry(tx *gorm.DB, name registry.Name) (registryRow, error) {
	return registryIn(locked(tx), name)
}

// AddRegistry stores a new registry and its resource group where there is none of that name; Conflict at field "name" when
// the registry's name is taken in any case.
func (db *DB) AddRegistry(ctx context.Context, r registry.Registry) error {
	defer db.registries.forget("")
	return db.write(ctx, func(tx *gorm.DB) error {
		row := rowOfRegistry(r)
		var err error
		if row.ResourceGroup, err = ensureGroup(tx, r); err != nil {
			return err
		}
		return orTaken(tx.Create(&row).Error, "A registry called "+string(r.Name)+" exists already. Names are compared without regard to case.")
	})
}

// UpdateRegistry stores what may change of a registry as its next version: everything but its id, name, group, kind and
// maker. registry.ErrChanged when the stored version is not r.Version any more.
func (db *DB) UpdateRegistry(ctx context.Context, r registry.Registry) error {
	defer db.registries.forget("")
	return db.write(ctx, func(tx *gorm.DB) error {
		before, err := lockRegistry(tx, r.Name)
		if err != nil {
			return err
		}
		switch {
		case before.ID != r.ID:
			return noRegistry(r.Name)
		case before.Version != r.Version:
			return registry.ErrChanged
		}
		if err := checkWebhooksFit(tx, before, r); err != nil {
			return err
		}
		row := rowOfRegistry(r)
		row.Version++
		return tx.Model(&registryRow{}).Where("id = ?", r.ID).Select(
			"login_server", "home", "replicas", "tier", "announce_untagged", "announce_untag",
			"quarantine", "anonymous_pull", "tags", "admin_user", "version", "updated_by", "updated_by_kind", "updated",
		).Updates(&row).Error
	})
}

// checkWebhooksFit refuses a change that would leave webhooks behind: in a location that goes, or over a smaller tier's quota.
func checkWebhooksFit(tx *gorm.DB, before registryRow, after registry.Registry) error {
	var at []string // the location of each webhook
	if err := tx.Model(&webhookRow{}).Where("registry_key = ?", before.NameKey).Pluck("location", &at).Error; err != nil {
		return err
	}
	if quota := after.Tier.WebhookQuota(); before.Tier != string(after.Tier) && len(at) > quota {
		return fault.In("sku", "%s has %d webhooks, and the %s tier allows %d. Delete some first.", after.Name, len(at), after.Tier, quota)
	}
	had, err := before.registry()
	if err != nil {
		return err
	}
	for _, l := range at {
		if gone := registry.Location(l); had.Has(gone) && !after.Has(gone) {
			return &fault.Error{Code: fault.Conflict, Field: "location", Message: "Webhooks of " + string(after.Name) + " are in " + l + ". Delete them before the replica."}
		}
	}
	return nil
}

// DeleteRegistry removes a registry with everything in it. Conflict when the stored one is not ifVersion any more; 0 removes
// whatever is there.
func (db *DB) DeleteRegistry(ctx context.Context, name registry.Name, ifVersion int64) error {
	defer db.hooks.forget(name.Key())
	defer db.registries.forget("")
	defer db.images.forget()
	return db.write(ctx, func(tx *gorm.DB) error {
		row, err := lockRegistry(tx, name)
		switch {
		case err != nil:
			return err
		case ifVersion != 0 && row.Version != ifVersion:
			return registry.ErrChanged
		}
		if err := forgetContents(tx, name); err != nil {
			return err
		}
		if err := tx.Where("registry_key = ?", row.NameKey).Delete(&tokenRow{}).Error; err != nil { // or they would open a later registry of this name
			return err
		}
		return tx.Where("id = ?", row.ID).Delete(&registryRow{}).Error // the rest goes by its foreign keys
	})
}

// orTaken gives a duplicate key its own sentence at field "name".
func orTaken(err error, sentence string) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &fault.Error{Code: fault.Conflict, Field: "name", Message: sentence, Cause: err}
	}
	return err
}

// orMissing says missing when a change found no row.
func orMissing(done *gorm.DB, missing error) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return missing
	}
	return done.Error
}
