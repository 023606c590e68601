package store

import (
	"context"
	"database/sql"
	"errors"
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
	Locks       int64
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
	Locks        int64
	PartsKnown   int64
	Untagged     int64
	Quarantine   string
	Details      string `gorm:"column:quarantine_details"`
}

// TableName is GORM's question for the table.
func (manifestRow) TableName() string { return "manifests" }

// manifestFacts are the columns that say what a manifest is, without its bytes.
var manifestFacts = []string{"digest", "media_type", "kind", "artifact_type", "size", "subject", "annotations", "chart_name", "chart_version", "quarantine", "locks"}

func (row manifestRow) chart() artifact.ChartInfo {
	return artifact.ChartInfo{Name: row.ChartName, Version: row.ChartVersion}
}

func (row manifestRow) descriptor() (artifact.Descriptor, error) {
	d := artifact.Descriptor{MediaType: row.MediaType, Digest: row.Digest, Size: row.Size, ArtifactType: row.ArtifactType, Held: artifact.Quarantine(row.Quarantine).Holds()}
	return d, fromJSON(row.Annotations, &d.Annotations)
}

type tagRow struct {
	RegistryKey string `gorm:"primaryKey"`
	Repository  string `gorm:"primaryKey"`
	Name        string `gorm:"primaryKey"`
	Digest      string
	Created     int64
	Updated     int64
	Locks       int64
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

// storedSelect reads a manifest with everything that decides who may read it.
const storedSelect = "m.digest, m.media_type, m.raw, m.chart_name, m.chart_version, m.created, m.updated, m.locks, m.quarantine, m.quarantine_details, " +
	"coalesce((select r.locks from repositories as r where r.registry_key = m.registry_key and r.name = m.repository), 0) as repository_locks"

// The two ways to name a manifest; the last column are the locks of the tag.
const (
	storedByDigest = "select " + storedSelect + ", 0 from manifests as m where m.registry_key = ? and m.repository = ? and m.digest = ?"
	storedByTag    = "select " + storedSelect + ", t.locks from tags as t " +
		"join manifests as m on m.registry_key = t.registry_key and m.repository = t.repository and m.digest = t.digest " +
		"where t.registry_key = ? and t.repository = ? and t.name = ?"
)

// storedRow is one row of storedSelect.
type storedRow struct {
	Row             manifestRow `gorm:"embedded"`
	RepositoryLocks int64
	TagLocks        int64
}

// unread is what stands beside the manifest's bytes.
func (found storedRow) unread(tag string) artifact.Stored {
	row := found.Row
	return artifact.Stored{
		Manifest: artifact.Manifest{Digest: row.Digest, MediaType: row.MediaType, Raw: row.Raw},
		Chart:    row.chart(), Tag: tag, Quarantine: artifact.Quarantine(row.Quarantine), Details: row.Details,
		Locks: locksOf(row.Locks), TagLocks: locksOf(found.TagLocks), RepositoryLocks: locksOf(found.RepositoryLocks),
		Created: moment(row.Created), Updated: moment(row.Updated),
	}
}

func (found storedRow) stored(tag string) (artifact.Stored, error) { return parsed(found.unread(tag)) }

// parsed reads what stands in the bytes.
func parsed(s artifact.Stored) (artifact.Stored, error) {
	var err error
	s.Manifest, err = artifact.ParseManifest(s.Raw, s.MediaType, artifact.AlgorithmOf(s.Digest))
	return s, err
}

// Manifest gives a manifest by tag or digest; NotFound at field "manifest".
func (db *DB) Manifest(ctx context.Context, name registry.Name, repository, reference string) (artifact.Manifest, error) {
	s, err := db.Stored(ctx, name, repository, reference)
	return s.Manifest, err
}

// Stored gives a manifest by tag or digest with its quarantine and its locks; NotFound at field "manifest".
func (db *DB) Stored(ctx context.Context, name registry.Name, repository, reference string) (artifact.Stored, error) {
	s, err := db.Unread(ctx, name, repository, reference)
	if err != nil {
		return s, err
	}
	return parsed(s)
}

// Unread is Stored for who passes the manifest's bytes on: of what stands in them only the digest and the media type are given.
func (db *DB) Unread(ctx context.Context, name registry.Name, repository, reference string) (artifact.Stored, error) {
	query, tag := storedByDigest, ""
	if !strings.Contains(reference, ":") {
		query, tag = storedByTag, reference
	}
	var found storedRow
	m := &found.Row
	err := db.read(ctx).Raw(query, name.Key(), repository, reference).Row().Scan(&m.Digest, &m.MediaType, &m.Raw, &m.ChartName, &m.ChartVersion,
		&m.Created, &m.Updated, &m.Locks, &m.Quarantine, &m.Details, &found.RepositoryLocks, &found.TagLocks)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return artifact.Stored{}, noManifest(repository, reference)
	case err != nil:
		return artifact.Stored{}, translate(err)
	}
	return found.unread(tag), nil
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
