package store

import (
	"context"
	"database/sql"
	"slices"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/source"
)

type sourceImageRow struct {
	RegistryKey  string
	Repository   string
	Tag          string
	Digest       string
	Seq          int64
	MediaType    string
	Kind         string
	ChartName    string
	ChartVersion string
}

// TableName is GORM's question for the table.
func (sourceImageRow) TableName() string { return "source_images" }

// remember keeps what an arrival says of images beside its events, and forgets those that its events delete.
func (db *DB) remember(s sqlTx, a source.Arrival, entries []delivery.Entry) error {
	for _, entry := range entries {
		ev := entry.Event
		whole := ev.Target.Tag == "" || len(ev.CarriedTags) > 0
		if entry.Known || ev.Action.Plain() != event.Delete || !whole || ev.Target.Digest == "" {
			continue
		}
		err := s.exec("delete from source_images where registry_key = ? and repository = ? and digest = ?", ev.Registry.Key(), ev.Target.Repository, ev.Target.Digest)
		if err != nil {
			return err
		}
	}
	var rows []sourceImageRow
	for _, image := range a.Images {
		tags := image.Tags
		if len(tags) == 0 {
			tags = []string{""}
		}
		for _, tag := range tags {
			rows = append(rows, sourceImageRow{
				RegistryKey: a.Source.Registry.Key(), Repository: image.Repository, Tag: tag, Digest: image.Digest, Seq: int64(db.ids.Next()),
				MediaType: image.MediaType, Kind: string(image.Kind), ChartName: image.Chart.Name, ChartVersion: image.Chart.Version,
			})
		}
	}
	for _, row := range rows { // one by one: PostgreSQL would not change one row twice in one statement
		err := insert(s, []sourceImageRow{row}, "on conflict (registry_key, repository, tag, digest) do update set seq = excluded.seq, "+
			"media_type = excluded.media_type, kind = excluded.kind, chart_name = excluded.chart_name, chart_version = excluded.chart_version")
		if err != nil {
			return err
		}
	}
	return nil
}

// Remembered gives what is known of a manifest from the events of its pushes and what was remembered beside them, with the
// tags that were set to it last and not taken away. The zero Image is: nothing.
func (db *DB) Remembered(ctx context.Context, name registry.Name, repository, digest string) (source.Image, error) {
	s := db.sql(db.read(ctx))
	image := source.Image{Repository: repository, Digest: digest}
	newest := int64(0)
	fact := func(row *sql.Rows) error {
		var seq int64
		var media, kind, chart, version string
		err := row.Scan(&seq, &media, &kind, &chart, &version)
		if seq > newest {
			newest, image.MediaType, image.Kind, image.Chart = seq, media, artifact.Kind(kind), artifact.ChartInfo{Name: chart, Version: version}
		}
		return err
	}
	const columns = "select seq, media_type, kind, chart_name, chart_version from "
	at := []any{digest, name.Key(), repository}
	err := s.query(fact, columns+"events where digest = ? and digest <> '' and registry_key = ? and repository = ? and action in ('push', 'chart_push') order by seq desc limit 1", at...)
	if err == nil {
		err = s.query(fact, columns+"source_images where digest = ? and digest <> '' and registry_key = ? and repository = ? order by seq desc limit 1", at...)
	}
	for _, statement := range []string{carriedInEvents, carriedInImages} {
		if err == nil {
			err = s.query(func(row *sql.Rows) error {
				var tag string
				err := row.Scan(&tag)
				image.Tags = append(image.Tags, tag)
				return err
			}, statement, append(at, manyTags)...)
		}
	}
	slices.Sort(image.Tags)
	image.Tags = slices.Compact(image.Tags)
	return image, translate(err)
}

// The tags that a manifest has: those that were set to it last, since it was deleted last, and not taken away.
const (
	carriedInEvents = `select distinct e.tag from events as e where e.digest = ? and e.digest <> '' and e.registry_key = ? and e.repository = ? and e.tag <> ''
		and e.action in ('push', 'chart_push')
		and not exists (select 1 from images as i join images as same on same.registry_key = i.registry_key and same.image = i.image
			join events as later on later.image_id = same.id where i.id = e.image_id and later.seq > e.seq and later.digest <> e.digest and later.action in ('push', 'chart_push'))
		and not exists (select 1 from events as gone where gone.digest = e.digest and gone.seq > e.seq and gone.registry_key = e.registry_key and gone.repository = e.repository
			and gone.action in ('delete', 'chart_delete') and (gone.tag = '' or gone.carried_tags <> 'null'))
		and not exists (select 1 from source_images as gone where gone.registry_key = e.registry_key and gone.repository = e.repository and gone.tag = e.tag and gone.digest = '' and gone.seq > e.seq)
		order by e.tag limit ?`
	carriedInImages = `select m.tag from source_images as m where m.digest = ? and m.digest <> '' and m.registry_key = ? and m.repository = ? and m.tag <> ''
		and not exists (select 1 from source_images as later where later.registry_key = m.registry_key and later.repository = m.repository and later.tag = m.tag
			and later.digest <> m.digest and later.seq > m.seq)
		and not exists (select 1 from images as i join events as e on e.image_id = i.id where i.registry_key = m.registry_key and i.image = lower(m.repository || ':' || m.tag)
			and e.tag = m.tag and e.repository = m.repository and e.seq > m.seq and e.digest <> m.digest and e.action in ('push', 'chart_push'))
		order by m.tag limit ?`
)

// manyTags is how many tags of a deleted manifest are told.
const manyTags = 1000

// Tagged gives the digest that a tag was set to last; "" when that is not known.
func (db *DB) Tagged(ctx context.Context, name registry.Name, repository, tag string) (digest string, err error) {
	s := db.sql(db.read(ctx))
	err = s.query(func(row *sql.Rows) error { return row.Scan(&digest) },
		"select digest from events where image_id in ("+imagesNamed+") and registry_key = ? and repository = ? and tag = ? and action in ('push', 'chart_push') order by seq desc limit 1",
		name.Key(), imageText(repository, tag), name.Key(), repository, tag)
	if err == nil && digest == "" {
		err = s.query(func(row *sql.Rows) error { return row.Scan(&digest) },
			"select digest from source_images where registry_key = ? and repository = ? and tag = ? order by seq desc limit 1", name.Key(), repository, tag)
	}
	return digest, translate(err)
}

// rememberEvents keeps what pushes of other registries said before their events are removed.
func (s sqlTx) rememberEvents(seqs []int64) error {
	return s.exec(`insert into source_images (registry_key, repository, tag, digest, seq, media_type, kind, chart_name, chart_version)
		select registry_key, repository, tag, digest, max(seq), max(media_type), max(kind), max(chart_name), max(chart_version) from events where seq`+s.among()+`
		and source <> 'builtin' and digest <> '' and action in ('push', 'chart_push') and exists (select 1 from registries where name_key = registry_key)
		group by registry_key, repository, tag, digest
		on conflict (registry_key, repository, tag, digest) do update set seq = excluded.seq where excluded.seq > source_images.seq`, s.list(seqs))
}
