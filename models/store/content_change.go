package store

import (
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// manyDigests is how many digests one query asks for: both databases bound the parameters of a statement.
const manyDigests = 1000

// carryOut changes a repository and says what was affected.
func carryOut(tx *gorm.DB, c event.Change) (event.Outcome, error) {
	repo := content{tx: tx, change: c, key: c.Registry.Key()}
	switch c.Kind {
	case event.PutManifest:
		return repo.put()
	case event.DeleteManifest:
		return repo.deleteManifest()
	case event.DeleteTag:
		return repo.deleteTag()
	case event.DeleteRepository:
		return repo.deleteAll()
	case event.Rule:
		return repo.rule()
	case event.SetLocks:
		return repo.setLocks()
	}
	return event.Outcome{}, fault.New(fault.Internal, "There is no change of the kind %q.", c.Kind)
}

// content is one repository inside the transaction that changes it.
type content struct {
	tx     *gorm.DB
	change event.Change
	key    string // of the registry
}

// here narrows a query to the repository.
func (r content) here() *gorm.DB {
	return r.tx.Where("registry_key = ? and repository = ?", r.key, r.change.Repository)
}

// put stores a manifest whose parts are all here, and moves its tag to it.
func (r content) put() (event.Outcome, error) {
	m, at := r.change.Manifest, micros(r.change.Time)
	if err := r.wantParts(m); err != nil {
		return event.Outcome{}, err
	}
	repo := repositoryRow{RegistryKey: r.key, Name: r.change.Repository, Created: at, Updated: at}
	if err := r.upsert(&repo, repositoryKey, "updated"); err != nil { // which also lets changes of one repository wait for each other
		return event.Outcome{}, err
	}
	found, err := r.look(m)
	if err != nil {
		return event.Outcome{}, err
	}
	if err := r.mayPut(found, m); err != nil {
		return event.Outcome{}, err
	}
	row := manifestRow{
		RegistryKey: r.key, Repository: r.change.Repository, Digest: m.Digest, MediaType: m.MediaType, Kind: string(m.Kind), ArtifactType: m.ArtifactType,
		Size: m.Size(), Annotations: toJSON(m.Annotations), ChartName: r.change.Chart.Name, ChartVersion: r.change.Chart.Version,
		Created: at, Updated: at, Raw: m.Raw, Quarantine: string(r.stateOf(found)), PartsKnown: 1,
	}
	if m.Subject != nil {
		row.Subject = m.Subject.Digest
	}
	if err := r.upsert(&row, manifestKey, "updated"); err != nil { // the same digest is the same manifest
		return event.Outcome{}, err
	}
	if found.Known == 0 {
		if err := keepParts(r.tx, r.key, r.change.Repository, m); err != nil {
			return event.Outcome{}, err
		}
	}
	if r.change.Tag != "" {
		if found.TagDigest != "" && found.TagDigest != m.Digest {
			if err := r.untagged(found.TagDigest); err != nil {
				return event.Outcome{}, err
			}
		}
		tag := tagRow{RegistryKey: r.key, Repository: r.change.Repository, Name: r.change.Tag, Digest: m.Digest, Created: at, Updated: at}
		if err := r.upsert(&tag, tagKey, "digest", "updated"); err != nil {
			return event.Outcome{}, err
		}
	}
	affected := r.affected(row)
	affected.Tag, affected.Held = r.change.Tag, artifact.Quarantine(row.Quarantine).Holds()
	return event.Outcome{Affected: []event.Affected{affected}}, nil
}

// The keys by which rows of a repository are the same.
var (
	repositoryKey = []clause.Column{{Name: "registry_key"}, {Name: "name"}}
	manifestKey   = []clause.Column{{Name: "registry_key"}, {Name: "repository"}, {Name: "digest"}}
	tagKey        = []clause.Column{{Name: "registry_key"}, {Name: "repository"}, {Name: "name"}}
)

// upsert inserts a row, or changes only the given columns of the one that is there.
func (r content) upsert(row any, key []clause.Column, changed ...string) error {
	return r.tx.Clauses(clause.OnConflict{Columns: key, DoUpdates: clause.AssignmentColumns(changed)}).Create(row).Error
}

// wantParts refuses a manifest whose blobs or children are not in the repository.
func (r content) wantParts(m artifact.Manifest) error {
	blobs, children := partsOf(m)
	if err := r.want(&blobLinkRow{}, "blob", blobs); err != nil {
		return err
	}
	return r.want(&manifestRow{}, "manifest", children)
}

// want refuses, at the field that names the kind of part, when one of the digests is not a row here. The rows are held until
// the transaction ends, so that nobody takes one away meanwhile.
func (r content) want(table any, kind string, digests map[string]bool) error {
	sorted := slices.Sorted(maps.Keys(digests))
	for chunk := range slices.Chunk(sorted, manyDigests) {
		var have []string
		held := r.tx.Clauses(clause.Locking{Strength: clause.LockingStrengthShare})
		err := held.Model(table).Where("registry_key = ? and repository = ? and digest in ?", r.key, r.change.Repository, chunk).Pluck("digest", &have).Error
		if err != nil {
			return err
		}
		if len(have) == len(chunk) {
			continue
		}
		for _, digest := range chunk {
			if !slices.Contains(have, digest) {
				return fault.In(kind, "The %s %s is not in the repository %s. Push it first.", kind, digest, r.change.Repository)
			}
		}
	}
	return nil
}

// lock lets changes of one repository wait for each other, and refuses when it is not there.
func (r content) lock(missing error) error {
	var rows []repositoryRow
	held := locked(r.tx)
	if err := held.Where("registry_key = ? and name = ?", r.key, r.change.Repository).Limit(1).Find(&rows).Error; err != nil {
		return err
	}
	if len(rows) == 0 {
		return missing
	}
	return nil
}

// deleteManifest removes a manifest with every tag it carries.
func (r content) deleteManifest() (event.Outcome, error) {
	missing := noManifest(r.change.Repository, r.change.Digest)
	if err := r.lock(missing); err != nil {
		return event.Outcome{}, err
	}
	row, err := r.manifest(r.change.Digest, missing)
	if err != nil {
		return event.Outcome{}, err
	}
	if err := r.mayGo(row); err != nil {
		return event.Outcome{}, err
	}
	if err := r.tagsMayGo("digest = ?", row.Digest); err != nil {
		return event.Outcome{}, err
	}
	affected := r.affected(row)
	if affected.Carried, err = r.carried(row.Digest); err != nil {
		return event.Outcome{}, err
	}
	if err := r.unchanged(row, affected.Carried); err != nil {
		return event.Outcome{}, err
	}
	if err := r.here().Where("digest = ?", row.Digest).Delete(&manifestRow{}).Error; err != nil { // its tags go by the foreign key
		return event.Outcome{}, err
	}
	return event.Outcome{Affected: []event.Affected{affected}}, r.forgetIfEmpty()
}

// untagged notes that a manifest loses a tag now: rules count from there.
func (r content) untagged(digest string) error {
	return r.here().Model(&manifestRow{}).Where("digest = ?", digest).Update("untagged", micros(r.change.Time)).Error
}

// unchanged refuses a removal by rules when something has happened since they chose: another tag, or an index that needs it.
func (r content) unchanged(row manifestRow, carried []string) error {
	if !r.change.Unchanged {
		return nil
	}
	var needed int64
	err := r.here().Model(&partRow{}).Where("digest = ?", row.Digest).Limit(1).Count(&needed).Error
	if err == nil && (needed > 0 || !slices.Equal(carried, slices.Sorted(slices.Values(r.change.Tags)))) {
		return chosenAnew(row.Digest)
	}
	return err
}

func chosenAnew(what string) error {
	return fault.New(fault.Conflict, "%s was pushed or tagged meanwhile, so it stays.", what)
}

// deleteTag removes a tag alone.
func (r content) deleteTag() (event.Outcome, error) {
	missing := noManifest(r.change.Repository, r.change.Tag)
	if err := r.lock(missing); err != nil {
		return event.Outcome{}, err
	}
	var digests []string
	if err := r.here().Model(&tagRow{}).Where("name = ?", r.change.Tag).Limit(1).Pluck("digest", &digests).Error; err != nil {
		return event.Outcome{}, err
	}
	if len(digests) == 0 {
		return event.Outcome{}, missing
	}
	row, err := r.manifest(digests[0], missing)
	if err != nil {
		return event.Outcome{}, err
	}
	if r.change.Unchanged && r.change.Digest != row.Digest {
		return event.Outcome{}, chosenAnew(r.change.Tag)
	}
	if err := r.repositoryMayChange(); err != nil {
		return event.Outcome{}, err
	}
	if err := r.tagsMayGo("name = ?", r.change.Tag); err != nil {
		return event.Outcome{}, err
	}
	if err := r.untagged(row.Digest); err != nil {
		return event.Outcome{}, err
	}
	affected := r.affected(row)
	affected.Tag = r.change.Tag
	return event.Outcome{Affected: []event.Affected{affected}}, r.here().Where("name = ?", r.change.Tag).Delete(&tagRow{}).Error
}

// deleteAll removes a repository with everything in it.
func (r content) deleteAll() (event.Outcome, error) {
	if err := r.lock(noRepository(r.change.Registry, r.change.Repository)); err != nil {
		return event.Outcome{}, err
	}
	var rows []manifestRow
	if err := r.here().Select(manifestFacts).Order("digest").Find(&rows).Error; err != nil {
		return event.Outcome{}, err
	}
	if err := r.mayGo(rows...); err != nil {
		return event.Outcome{}, err
	}
	if err := r.tagsMayGo(""); err != nil {
		return event.Outcome{}, err
	}
	var tags []tagRow
	if err := r.here().Order("name").Find(&tags).Error; err != nil {
		return event.Outcome{}, err
	}
	carried := map[string][]string{}
	for _, tag := range tags {
		carried[tag.Digest] = append(carried[tag.Digest], tag.Name)
	}
	var out event.Outcome
	for _, row := range rows {
		affected := r.affected(row)
		affected.Carried = carried[row.Digest]
		out.Affected = append(out.Affected, affected)
	}
	if err := r.here().Delete(&blobLinkRow{}).Error; err != nil {
		return event.Outcome{}, err
	}
	return out, r.tx.Where("registry_key = ? and name = ?", r.key, r.change.Repository).Delete(&repositoryRow{}).Error // the rest goes by its foreign keys
}

// forgetIfEmpty removes a repository that has no manifest left.
func (r content) forgetIfEmpty() error {
	return r.tx.Where("registry_key = ? and name = ?", r.key, r.change.Repository).
		Where("not exists (select 1 from manifests where registry_key = ? and repository = ?)", r.key, r.change.Repository).
		Delete(&repositoryRow{}).Error
}

func (r content) manifest(digest string, missing error) (manifestRow, error) {
	var rows []manifestRow
	if err := r.here().Select(manifestFacts).Where("digest = ?", digest).Limit(1).Find(&rows).Error; err != nil {
		return manifestRow{}, err
	}
	if len(rows) == 0 {
		return manifestRow{}, missing
	}
	return rows[0], nil
}

// carried gives the tags of a manifest by name.
func (r content) carried(digest string) (tags []string, err error) {
	err = r.here().Model(&tagRow{}).Where("digest = ?", digest).Order("name").Pluck("name", &tags).Error
	return tags, err
}

func (r content) affected(row manifestRow) event.Affected {
	return event.Affected{
		Repository: r.change.Repository, Digest: row.Digest, MediaType: row.MediaType, Size: row.Size, Kind: artifact.Kind(row.Kind),
		Chart: row.chart(), HasSubject: row.Subject != "", Held: artifact.Quarantine(row.Quarantine).Holds(),
	}
}

// forgetContents removes the events and deliveries of a registry that is about to be deleted; its artifacts go by their
// foreign keys.
func forgetContents(tx *gorm.DB, name registry.Name) error {
	for _, statement := range []string{
		"delete from attempts where delivery_id in (select id from deliveries where registry_key = ?)",
		"delete from bodies where id in (select body_id from deliveries where registry_key = ?)",
		"delete from deliveries where registry_key = ?",
		"delete from events where registry_key = ?",
		"delete from arrivals where source_id in (select id from sources where registry_key = ?)",
		"delete from images where registry_key = ?",
		"delete from event_hours where registry_key = ?",
		"delete from webhook_hours where webhook_id in (select id from webhooks where registry_key = ?)",
	} {
		if err := tx.Exec(statement, name.Key()).Error; err != nil {
			return err
		}
	}
	return nil
}
