package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// Repositories gives the names of up to n repositories behind the given one, by name, and whether there are more. Those
// that are locked against being listed are left out.
func (db *DB) Repositories(ctx context.Context, name registry.Name, after string, n int) (repositories []string, more bool, err error) {
	query := db.read(ctx).Model(&repositoryRow{}).Where("registry_key = ? and name > ?", name.Key(), after).Where(unhidden("locks"))
	err = query.Order("name").Limit(n+1).Pluck("name", &repositories).Error
	return repositories[:min(n, len(repositories))], len(repositories) > n, translate(err)
}

// unhidden is the condition that something may be listed.
func unhidden(column string) string { return fmt.Sprintf("%s & %d = 0", column, noList) }

// repositoryFigures counts what is in a repository. A manifest that is part of an index is fetched with it: its own
// fetches are no further pulls of the repository. SQLite keeps the order of a cross join: what is held is little, tags are many.
const repositoryFigures = `r.name, r.created, r.updated, r.locks,
	(select count(*) from tags t where t.registry_key = r.registry_key and t.repository = r.name) as tags,
	(select count(*) from manifests m where m.registry_key = r.registry_key and m.repository = r.name) as manifests,
	(select count(*) from manifests m cross join tags t where m.registry_key = r.registry_key and m.repository = r.name and
		m.quarantine in ('Quarantined', 'Failed') and t.registry_key = m.registry_key and t.repository = m.repository and t.digest = m.digest) as held,
	(select coalesce(sum(b.size), 0) from blob_links b where b.registry_key = r.registry_key and b.repository = r.name) as blob_bytes,
	(select coalesce(sum(m.size), 0) from manifests m where m.registry_key = r.registry_key and m.repository = r.name) as manifest_bytes,
	(select coalesce(sum(p.pulls), 0) from pulls p where p.registry_key = r.registry_key and p.repository = r.name and not exists
		(select 1 from parts c where c.registry_key = p.registry_key and c.repository = p.repository and c.digest = p.digest)) as pulls,
	(select m.kind from manifests m where m.registry_key = r.registry_key and m.repository = r.name order by m.updated desc, m.digest desc limit 1) as kind`

type repositoryInfoRow struct {
	Name, Kind                     string
	Tags, Manifests, Held          int
	BlobBytes, ManifestBytes       int64
	Pulls, Locks, Created, Updated int64
}

func (row repositoryInfoRow) info() artifact.RepositoryInfo {
	return artifact.RepositoryInfo{
		Name: row.Name, Kind: artifact.Kind(row.Kind), Tags: row.Tags, Manifests: row.Manifests, Held: row.Held, Bytes: row.BlobBytes + row.ManifestBytes,
		Pulls: row.Pulls, Locks: locksOf(row.Locks), Created: moment(row.Created), Updated: moment(row.Updated),
	}
}

func noRepository(name registry.Name, repository string) error {
	return absent("repository", "There is no repository "+repository+" in "+string(name)+".")
}

// Repository gives the figures of one repository; NotFound at field "repository".
func (db *DB) Repository(ctx context.Context, name registry.Name, repository string) (artifact.RepositoryInfo, error) {
	var rows []repositoryInfoRow
	err := db.read(ctx).Table("repositories as r").Select(repositoryFigures).
		Where("r.registry_key = ? and r.name = ?", name.Key(), repository).Limit(1).Find(&rows).Error
	if err != nil {
		return artifact.RepositoryInfo{}, translate(err)
	}
	if len(rows) == 0 {
		return artifact.RepositoryInfo{}, noRepository(name, repository)
	}
	return rows[0].info(), nil
}

// RepositoryInfos gives a page of repositories by name whose name contains a word, with their figures, and whether there are more.
func (db *DB) RepositoryInfos(ctx context.Context, name registry.Name, word string, l artifact.List) ([]artifact.RepositoryInfo, bool, error) {
	query := db.read(ctx).Table("repositories as r").Select(repositoryFigures).Where("r.registry_key = ? and r.name > ?", name.Key(), l.After)
	if word != "" {
		query = query.Where(`r.name like ? escape '\'`, contains(strings.ToLower(word)))
	}
	if !l.Hidden {
		query = query.Where(unhidden("r.locks"))
	}
	var rows []repositoryInfoRow
	if err := query.Order("r.name").Limit(l.N + 1).Find(&rows).Error; err != nil {
		return nil, false, translate(err)
	}
	all := make([]artifact.RepositoryInfo, 0, len(rows))
	for _, row := range rows[:min(l.N, len(rows))] {
		all = append(all, row.info())
	}
	return all, len(rows) > l.N, nil
}

// contains is the pattern of texts that have this word in them.
func contains(word string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word) + "%"
}

// exists refuses a repository that is not there.
func (db *DB) exists(ctx context.Context, name registry.Name, repository string) error {
	var here int64
	err := db.read(ctx).Model(&repositoryRow{}).Where("registry_key = ? and name = ?", name.Key(), repository).Limit(1).Count(&here).Error
	if err == nil && here == 0 {
		return noRepository(name, repository)
	}
	return translate(err)
}

// Tags gives the names of up to n tags of a repository behind the given one, by name, and whether there are more; NotFound
// at field "repository".
func (db *DB) Tags(ctx context.Context, name registry.Name, repository, after string, n int) (tags []string, more bool, err error) {
	infos, more, err := db.TagInfos(ctx, name, repository, artifact.List{After: after, N: n, Held: artifact.AlsoHeld})
	for _, one := range infos {
		tags = append(tags, one.Name)
	}
	return tags, more, err
}

// itsManifest is that of a tag. Tags are read in the order of their index, each with its manifest: joined with them a database
// may begin with the manifest, and sort all of its tags.
const itsManifest = "from manifests m where m.registry_key = t.registry_key and m.repository = t.repository and m.digest = t.digest"

// TagInfos gives a page of a repository's tags and whether there are more; NotFound at field "repository".
func (db *DB) TagInfos(ctx context.Context, name registry.Name, repository string, l artifact.List) ([]artifact.TagInfo, bool, error) {
	if err := db.exists(ctx, name, repository); err != nil {
		return nil, false, err
	}
	query := db.read(ctx).Table("tags as t").Select("t.name, t.digest, t.created, t.updated, t.locks, (select m.quarantine "+itsManifest+") as quarantine").
		Where("t.registry_key = ? and t.repository = ?", name.Key(), repository)
	switch l.Held {
	case artifact.NotHeld:
		query = query.Where("not exists (select 1 "+itsManifest+" and m.quarantine in ?)", heldStates)
	case artifact.OnlyHeld:
		query = query.Where("t.digest in (select digest from manifests where registry_key = ? and repository = ? and quarantine in ('Quarantined', 'Failed'))", name.Key(), repository)
	}
	var rows []struct {
		Tag        tagRow `gorm:"embedded"`
		Quarantine string
	}
	if err := pageOf(query, l, "t.", "t.name").Find(&rows).Error; err != nil {
		return nil, false, translate(err)
	}
	all := make([]artifact.TagInfo, 0, len(rows))
	for _, found := range rows[:min(l.N, len(rows))] {
		row := found.Tag
		all = append(all, artifact.TagInfo{
			Name: row.Name, Digest: row.Digest, Quarantine: artifact.Quarantine(found.Quarantine), Locks: locksOf(row.Locks),
			Created: moment(row.Created), Updated: moment(row.Updated),
		})
	}
	return all, len(rows) > l.N, nil
}

// pageOf narrows and sorts a query of tags or manifests as a list asks for it; it finds one row more than the page holds.
func pageOf(query *gorm.DB, l artifact.List, table, key string) *gorm.DB {
	if !l.Hidden {
		query = query.Where(unhidden(table + "locks"))
	}
	at, order := table+"updated", key
	switch {
	case l.Order == artifact.Newest:
		order = at + " desc, " + key + " desc"
		if l.After != "" {
			query = query.Where("("+at+", "+key+") < (?, ?)", micros(l.At), l.After)
		}
	case l.Order == artifact.Oldest:
		order = at + ", " + key
		if l.After != "" {
			query = query.Where("("+at+", "+key+") > (?, ?)", micros(l.At), l.After)
		}
	case l.After != "":
		query = query.Where(key+" > ?", l.After)
	}
	return query.Order(order).Limit(l.N + 1)
}

// ManifestInfos gives a page of a repository's manifests with their tags, and whether there are more; NotFound at field
// "repository".
func (db *DB) ManifestInfos(ctx context.Context, name registry.Name, repository string, l artifact.List) ([]artifact.ManifestInfo, bool, error) {
	if err := db.exists(ctx, name, repository); err != nil {
		return nil, false, err
	}
	query := db.read(ctx).Table("manifests as m").Select(storedSelect).Where("m.registry_key = ? and m.repository = ?", name.Key(), repository)
	switch l.Held {
	case artifact.NotHeld:
		query = query.Where("m.quarantine not in ?", heldStates)
	case artifact.OnlyHeld:
		query = query.Where("m.quarantine in ('Quarantined', 'Failed')")
	}
	var rows []storedRow
	if err := pageOf(query, l, "m.", "m.digest").Find(&rows).Error; err != nil {
		return nil, false, translate(err)
	}
	more := len(rows) > l.N
	all := make([]artifact.ManifestInfo, 0, len(rows))
	digests := make([]string, 0, len(rows))
	for _, row := range rows[:min(l.N, len(rows))] {
		one, err := row.stored("")
		if err != nil {
			return nil, false, err
		}
		all, digests = append(all, artifact.ManifestInfo{Stored: one}), append(digests, one.Digest)
	}
	carried, err := db.tagsOf(ctx, name, repository, digests)
	for i := range all {
		all[i].Tags = carried[all[i].Digest]
	}
	return all, more, err
}

// tagsOf gives the tags of manifests, by name.
func (db *DB) tagsOf(ctx context.Context, name registry.Name, repository string, digests []string) (map[string][]string, error) {
	var rows []tagRow
	if len(digests) > 0 {
		err := inRepository(db.read(ctx), name, repository).Select("name", "digest").Where("digest in ?", digests).Order("name").Find(&rows).Error
		if err != nil {
			return nil, translate(err)
		}
	}
	all := map[string][]string{}
	for _, row := range rows {
		all[row.Digest] = append(all[row.Digest], row.Name)
	}
	return all, nil
}

// ManifestTags gives the tags of one manifest, by name.
func (db *DB) ManifestTags(ctx context.Context, name registry.Name, repository, digest string) ([]string, error) {
	all, err := db.tagsOf(ctx, name, repository, []string{digest})
	return all[digest], err
}

// SomeTags gives the tags of one manifest by name, and how many more it has: of very many it gives some.
func (db *DB) SomeTags(ctx context.Context, name registry.Name, repository, digest string, most int) (tags []string, more int, err error) {
	query := func() *gorm.DB {
		return inRepository(db.read(ctx).Model(&tagRow{}), name, repository).Where("digest = ?", digest)
	}
	var all int64
	if err = query().Limit(most+1).Pluck("name", &tags).Error; err == nil && len(tags) > most {
		tags = tags[:most]
		err = query().Count(&all).Error
	}
	slices.Sort(tags)
	return tags, max(int(all)-most, 0), translate(err)
}

// TagInfo gives one tag; NotFound at field "tag".
func (db *DB) TagInfo(ctx context.Context, name registry.Name, repository, tag string) (artifact.TagInfo, error) {
	var rows []tagRow
	if err := inRepository(db.read(ctx), name, repository).Where("name = ?", tag).Limit(1).Find(&rows).Error; err != nil {
		return artifact.TagInfo{}, translate(err)
	}
	if len(rows) == 0 {
		return artifact.TagInfo{}, absent("tag", "There is no tag "+tag+" in the repository "+repository+".")
	}
	one, err := db.Stored(ctx, name, repository, rows[0].Digest)
	return artifact.TagInfo{
		Name: tag, Digest: rows[0].Digest, Quarantine: one.Quarantine, Locks: locksOf(rows[0].Locks),
		Created: moment(rows[0].Created), Updated: moment(rows[0].Updated),
	}, err
}

// StoredAll gives those of the manifests that are there, by digest.
func (db *DB) StoredAll(ctx context.Context, name registry.Name, repository string, digests []string) (map[string]artifact.Stored, error) {
	all := make(map[string]artifact.Stored, len(digests))
	for len(digests) > 0 {
		n := min(len(digests), manyDigests)
		var rows []storedRow
		err := db.read(ctx).Table("manifests as m").Select(storedSelect).
			Where("m.registry_key = ? and m.repository = ? and m.digest in ?", name.Key(), repository, digests[:n]).Find(&rows).Error
		if err != nil {
			return nil, translate(err)
		}
		for _, row := range rows {
			one, err := row.stored("")
			if err != nil {
				return nil, err
			}
			all[one.Digest] = one
		}
		digests = digests[n:]
	}
	return all, nil
}
