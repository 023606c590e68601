package store

import (
	"fmt"

	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
)

// Bits of a locks column.
const (
	noDelete = 1 << iota
	noWrite
	noRead
	noList
)

func locksOf(bits int64) artifact.Locks {
	return artifact.Locks{NoDelete: bits&noDelete != 0, NoWrite: bits&noWrite != 0, NoRead: bits&noRead != 0, NoList: bits&noList != 0}
}

func bitsOf(l artifact.Locks) int64 {
	return flag(l.NoDelete)*noDelete | flag(l.NoWrite)*noWrite | flag(l.NoRead)*noRead | flag(l.NoList)*noList
}

// isLocked refuses a change of something that is locked, and says what would let it pass.
func isLocked(what string) error {
	return &fault.Error{
		Code: fault.Forbidden, Field: "lock",
		Message: what + " is locked against changes. Unlock it first: az acr repository update --delete-enabled true --write-enabled true, or in the portal.",
	}
}

// setLocks changes the locks of a manifest, a tag or the repository.
func (r content) setLocks() (event.Outcome, error) {
	missing := noRepository(r.change.Registry, r.change.Repository)
	table, column, value := r.tx.Model(&repositoryRow{}).Where("registry_key = ?", r.key), "name", r.change.Repository
	switch {
	case r.change.Digest != "":
		table, column, value, missing = r.here().Model(&manifestRow{}), "digest", r.change.Digest, noManifest(r.change.Repository, r.change.Digest)
	case r.change.Tag != "":
		table, column, value, missing = r.here().Model(&tagRow{}), "name", r.change.Tag, noManifest(r.change.Repository, r.change.Tag)
	}
	if err := r.lock(missing); err != nil {
		return event.Outcome{}, err
	}
	table = table.Where(column+" = ?", value)
	var bits []int64
	if err := table.Session(&gorm.Session{}).Pluck("locks", &bits).Error; err != nil {
		return event.Outcome{}, err
	}
	if len(bits) == 0 {
		return event.Outcome{}, missing
	}
	return event.Outcome{}, table.Session(&gorm.Session{}).Update("locks", bitsOf(r.change.Locks.Apply(locksOf(bits[0])))).Error
}

// mayGo refuses the removal of a manifest that is locked, by itself or by a tag that it carries.
func (r content) mayGo(rows ...manifestRow) error {
	if err := r.repositoryMayChange(); err != nil {
		return err
	}
	for _, row := range rows {
		if locksOf(row.Locks).Keeps() {
			return isLocked("The manifest " + row.Digest)
		}
	}
	return nil
}

// tagsMayGo refuses when one of the tags that would go with a removal is locked.
func (r content) tagsMayGo(where string, args ...any) error {
	var names []string
	query := r.here().Model(&tagRow{}).Where(fmt.Sprintf("locks & %d <> 0", noDelete|noWrite))
	if where != "" {
		query = query.Where(where, args...)
	}
	if err := query.Order("name").Limit(1).Pluck("name", &names).Error; err != nil || len(names) == 0 {
		return err
	}
	return isLocked("The tag " + names[0] + " of " + r.change.Repository)
}

func (r content) repositoryMayChange() error { return mayChange(r.tx, r.key, r.change.Repository) }

// mayChange refuses to take anything out of a repository that is locked.
func mayChange(tx *gorm.DB, key, repository string) error {
	locks, err := repositoryLocks(tx, key, repository)
	if err == nil && locks.Keeps() {
		err = isLocked("The repository " + repository)
	}
	return err
}

// repositoryLocks gives a repository's locks; none where there is no repository.
func repositoryLocks(tx *gorm.DB, key, repository string) (artifact.Locks, error) {
	var bits []int64
	err := tx.Model(&repositoryRow{}).Where("registry_key = ? and name = ?", key, repository).Pluck("locks", &bits).Error
	if err != nil || len(bits) == 0 {
		return artifact.Locks{}, err
	}
	return locksOf(bits[0]), nil
}
