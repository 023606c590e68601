package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

type repositoryRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Name        string `gorm:"primaryKey"`
	Created     int64
	Updated     int64
}

// TableName is GORM's question for the table.
func (repositoryRow) TableName() string { return "repositories" }

type manifestRow struct {
	RegistryKey  string `gorm:"primaryKey"`
	Repository   string `gorm:"primaryKey"`
	Digest       string `gorm:"primaryKey"`
	MediaType    string
	Kind         string
	ArtifactType string
	Size         int64
	Subject      string
	Annotations  string
	ChartName    string
	ChartVersion string
	Created      int64
	Updated      int64
	Raw          []byte
}

// TableName is GORM's question for the table.
func (manifestRow) TableName() string { return "manifests" }

// manifestFacts are the columns that say what a manifest is, without its bytes.
var manifestFacts = []string{"digest", "media_type", "kind", "artifact_type", "size", "subject", "annotations", "chart_name", "chart_version"}

func (row manifestRow) chart() artifact.ChartInfo {
	return artifact.ChartInfo{Name: row.ChartName, Version: row.ChartVersion}
}

func (row manifestRow) descriptor() (artifact.Descriptor, error) {
	d := artifact.Descriptor{MediaType: row.MediaType, Digest: row.Digest, Size: row.Size, ArtifactType: row.ArtifactType}
	return d, fromJSON(row.Annotations, &d.Annotations)
}

type tagRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Repository  string `gorm:"primaryKey"`
	Name        string `gorm:"primaryKey"`
	Digest      string
	Created     int64
	Updated     int64
}

// TableName is GORM's question for the table.
func (tagRow) TableName() string { return "tags" }

func absent(field, sentence string) error {
	return &fault.Error{Code: fault.NotFound, Field: field, Message: sentence}
}

func noManifest(repository, reference string) error {
	return absent("manifest", "There is no manifest "+reference+" in the repository "+repository+".")
}

// inRepository narrows a query to one repository.
func inRepository(tx *gorm.DB, name registry.Name, repository string) *gorm.DB {
	return tx.Where("registry_key = ? and repository = ?", name.Key(), repository)
}

// Manifest gives a manifest by tag or digest; NotFound at field "manifest".
func (db *DB) Manifest(ctx context.Context, name registry.Name, repository, reference string) (artifact.Manifest, error) {
	query := inRepository(db.read(ctx).Select("digest", "media_type", "raw"), name, repository)
	if strings.Contains(reference, ":") {
		query = query.Where("digest = ?", reference)
	} else {
		query = query.Where("digest = (select digest from tags where registry_key = ? and repository = ? and name = ?)", name.Key(), repository, reference)
	}
	var rows []manifestRow
	if err := query.Limit(1).Find(&rows).Error; err != nil {
		return artifact.Manifest{}, translate(err)
	}
	if len(rows) == 0 {
		return artifact.Manifest{}, noManifest(repository, reference)
	}
	return artifact.ParseManifest(rows[0].Raw, rows[0].MediaType, artifact.AlgorithmOf(rows[0].Digest))
}

// Tags gives up to n tags of a repository behind the given one, by name, and whether there are more; NotFound at field
// "repository".
func (db *DB) Tags(ctx context.Context, name registry.Name, repository, after string, n int) (tags []string, more bool, err error) {
	var here int64
	err = db.read(ctx).Model(&repositoryRow{}).Where("registry_key = ? and name = ?", name.Key(), repository).Count(&here).Error
	if err != nil {
		return nil, false, translate(err)
	}
	if here == 0 {
		return nil, false, absent("repository", "There is no repository "+repository+" in "+string(name)+".")
	}
	query := inRepository(db.read(ctx).Model(&tagRow{}), name, repository).Where("name > ?", after)
	return firstNames(query, n)
}

// Repositories gives up to n repositories behind the given one, by name, and whether there are more.
func (db *DB) Repositories(ctx context.Context, name registry.Name, after string, n int) (repositories []string, more bool, err error) {
	return firstNames(db.read(ctx).Model(&repositoryRow{}).Where("registry_key = ? and name > ?", name.Key(), after), n)
}

// firstNames gives the first n names of a query, and whether there are more.
func firstNames(query *gorm.DB, n int) (names []string, more bool, err error) {
	if err := query.Order("name").Limit(n+1).Pluck("name", &names).Error; err != nil {
		return nil, false, translate(err)
	}
	if len(names) > n {
		return names[:n], true, nil
	}
	return names, false, nil
}

// Referrers gives what refers to a manifest, oldest first; an artifact type narrows it.
func (db *DB) Referrers(ctx context.Context, name registry.Name, repository, digest, artifactType string) ([]artifact.Descriptor, error) {
	query := inRepository(db.read(ctx).Select(manifestFacts), name, repository).Where("subject <> '' and subject = ?", digest)
	if artifactType != "" {
		query = query.Where("artifact_type = ?", artifactType)
	}
	var rows []manifestRow
	if err := query.Order("created, digest").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]artifact.Descriptor, 0, len(rows))
	for _, row := range rows {
		d, err := row.descriptor()
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// RepositoryStats says how much a registry holds: a blob that several repositories share counts once.
func (db *DB) RepositoryStats(ctx context.Context, name registry.Name) (registry.Contents, error) {
	var held struct{ Repositories, Blobs, Manifests int64 }
	err := db.read(ctx).Raw(`select
		(select count(*) from repositories where registry_key = ?) as repositories,
		(select coalesce(sum(size), 0) from (select distinct digest, size from blob_links where registry_key = ?) as shared) as blobs,
		(select coalesce(sum(size), 0) from (select distinct digest, size from manifests where registry_key = ?) as shared) as manifests`,
		name.Key(), name.Key(), name.Key()).Scan(&held).Error
	return registry.Contents{Repositories: int(held.Repositories), Bytes: held.Blobs + held.Manifests}, translate(err)
}
