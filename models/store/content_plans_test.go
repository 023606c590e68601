package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/artifact"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// crowd fills a registry with repositories of ten tags, each of a manifest with a layer of its own.
var crowd = []string{
	`insert into repositories (registry_key, name, created, updated)
		with recursive n(i) as (select 0 union all select i + 1 from n where i < REPOSITORIES - 1) select 'acmereg', 'team' || (i % 100) || '/app' || i, i, i from n`,
	`insert into manifests (registry_key, repository, digest, media_type, kind, artifact_type, size, subject, annotations, chart_name, chart_version, created, updated, raw, parts_known)
		with recursive n(i) as (select 0 union all select i + 1 from n where i < REPOSITORIES * 10 - 1)
		select 'acmereg', 'team' || (i / 10 % 100) || '/app' || (i / 10), 'sha256:' || i, 'application/vnd.oci.image.manifest.v1+json', 'image', '', 500, '', '', '', '', i, i,
		cast('{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":1},"layers":[]}' as bytea), 1 from n`,
	`insert into tags (registry_key, repository, name, digest, created, updated) select registry_key, repository, 'v' || updated, digest, created, updated from manifests`,
	`insert into blob_links (registry_key, repository, digest, size, created) select registry_key, repository, 'sha256:l' || updated, 1000, created from manifests`,
	`insert into parts (registry_key, repository, manifest, digest) select registry_key, repository, digest, 'sha256:l' || updated from manifests`,
	`insert into pulls (registry_key, repository, digest, pulls, last) select registry_key, repository, digest, 1, updated from manifests`,
	// One repository has as many tags as half of the others together, all of one manifest.
	`insert into repositories (registry_key, name, created, updated) values ('acmereg', 'zlarge', 0, 0)`,
	`insert into manifests (registry_key, repository, digest, media_type, kind, artifact_type, size, subject, annotations, chart_name, chart_version, created, updated, raw, parts_known)
		select registry_key, 'zlarge', digest, media_type, kind, artifact_type, size, subject, annotations, chart_name, chart_version, created, updated, raw, parts_known
		from manifests where digest = 'sha256:0'`,
	`insert into tags (registry_key, repository, name, digest, created, updated)
		with recursive n(i) as (select 0 union all select i + 1 from n where i < REPOSITORIES * 5 - 1) select 'acmereg', 'zlarge', 'v' || i, 'sha256:0', i, i from n`,
}

// scans are what a plan of a page must not hold: a walk through a whole table, or sorting what an index has in order.
var scans = map[bool]*regexp.Regexp{
	false: regexp.MustCompile(`SCAN (t|m|b|p|c|d|e|tags|manifests|blob_links|parts|pulls|deliveries|events)\b|TEMP B-TREE FOR ORDER BY`),
	true:  regexp.MustCompile(`Seq Scan on (tags|manifests|blob_links|parts|pulls|deliveries|events)`),
}

// TestPagesOfManyRepositories: with 10,000 repositories and 100,000 tags (a tenth of it on PostgreSQL, which takes its time
// to check their keys) every query of the repositories' pages goes by an index.
func TestPagesOfManyRepositories(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		repositories := 10_000
		if db.Postgres() {
			repositories = 1000
		}
		for _, statement := range crowd {
			statement = strings.ReplaceAll(statement, "REPOSITORIES", fmt.Sprint(repositories))
			if !db.Postgres() {
				statement = strings.Replace(statement, "as bytea", "as blob", 1)
			}
			if err := db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec(statement).Error }); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		if db.Postgres() { // as it does by itself after a while; SQLite knows its tables by their indexes alone
			if err := db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec("analyze").Error }); err != nil {
				t.Fatal(err)
			}
		}
		ctx, repository := t.Context(), "team7/app7"
		plan := listen(t, db)
		page := func(name string, read func() error) {
			t.Helper()
			plan(name, scans[db.Postgres()], read)
		}
		page("the first repositories", func() error {
			rows, more, err := db.RepositoryInfos(ctx, "acmereg", "", artifact.List{N: 50})
			if err == nil && (len(rows) != 50 || !more || rows[0].Tags != 10 || rows[0].Manifests != 10 || rows[0].Bytes != 15000 || rows[0].Pulls != 10) {
				err = fmt.Errorf("%d rows, %+v", len(rows), rows[0])
			}
			return err
		})
		page("later repositories", func() error {
			_, _, err := db.RepositoryInfos(ctx, "acmereg", "", artifact.List{N: 50, After: "team50/app50"})
			return err
		})
		page("a search", func() error {
			rows, _, err := db.RepositoryInfos(ctx, "acmereg", "app99", artifact.List{N: 50})
			if err == nil && len(rows) < 11 {
				err = fmt.Errorf("%d rows", len(rows))
			}
			return err
		})
		for _, order := range []artifact.Order{artifact.ByName, artifact.Newest, artifact.Oldest} {
			l := artifact.List{Order: order, N: 5, After: "v75", At: time.UnixMicro(75)}
			page("tags "+string(order), func() error { _, _, err := db.TagInfos(ctx, "acmereg", repository, l); return err })
			page("manifests "+string(order), func() error { _, _, err := db.ManifestInfos(ctx, "acmereg", repository, l); return err })
		}
		for _, l := range []artifact.List{
			{Order: artifact.Newest, N: 25, Hidden: true, Held: artifact.AlsoHeld}, {Order: artifact.Newest, N: 25, Hidden: true, Held: artifact.AlsoHeld, After: "v200", At: time.UnixMicro(200)},
			{N: 25}, {Order: artifact.Oldest, N: 25, Held: artifact.OnlyHeld},
		} {
			page("tags of the large one", func() error { _, _, err := db.TagInfos(ctx, "acmereg", "zlarge", l); return err })
		}
		page("the large one", func() error {
			info, err := db.Repository(ctx, "acmereg", "zlarge")
			if err == nil && (info.Tags != repositories*5 || info.Held != 0) {
				err = fmt.Errorf("%+v", info)
			}
			return err
		})
		page("held tags", func() error {
			_, _, err := db.TagInfos(ctx, "acmereg", repository, artifact.List{N: 25, Held: artifact.OnlyHeld})
			return err
		})
		page("a manifest by its tag", func() error { _, err := db.Stored(ctx, "acmereg", repository, "v75"); return err })
		page("the tags of a manifest that has most", func() error {
			tags, more, err := db.SomeTags(ctx, "acmereg", "zlarge", "sha256:0", 20)
			if err == nil && (len(tags) != 20 || !slices.IsSorted(tags) || more != repositories*5-20) {
				err = fmt.Errorf("%v and %d more", tags, more)
			}
			return err
		})
		page("the tag of a manifest that has one", func() error {
			tags, more, err := db.SomeTags(ctx, "acmereg", repository, "sha256:75", 1)
			if err == nil && (len(tags) != 1 || more != 0) {
				err = fmt.Errorf("%v and %d more", tags, more)
			}
			return err
		})
		page("manifests of a page", func() error {
			_, err := db.StoredAll(ctx, "acmereg", repository, []string{"sha256:70", "sha256:71"})
			return err
		})
		if !db.Postgres() { // which reads tables without a row from one end to the other
			page("what was told of a digest", func() error {
				_, err := db.DeliveriesOf(ctx, "acmereg", repository, "sha256:70", 50)
				return err
			})
		}
		held, err := db.RepositoryStats(ctx, "acmereg")
		if want := (registry.Contents{Repositories: repositories + 1, Tags: 15 * repositories, Bytes: int64(repositories) * 15_000}); err != nil || held != want {
			t.Errorf("%+v (%v), want %+v", held, err, want)
		}
	})
}

// listen gives a function that runs a reading and looks at the plan of each query that it makes.
func listen(t *testing.T, db *store.DB) func(name string, bad *regexp.Regexp, read func() error) {
	t.Helper()
	type asked struct {
		sql  string
		vars []any
	}
	var queries []asked
	note := func(tx *gorm.DB) { queries = append(queries, asked{tx.Statement.SQL.String(), tx.Statement.Vars}) }
	reader := db.Read(t.Context())
	for _, err := range []error{
		reader.Callback().Query().After("gorm:query").Register("test:query", note),
		reader.Callback().Row().After("gorm:row").Register("test:row", note),
		reader.Callback().Raw().After("gorm:raw").Register("test:raw", note),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return func(name string, bad *regexp.Regexp, read func() error) {
		t.Helper()
		queries = nil
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		made := queries
		if len(made) == 0 {
			t.Errorf("%s asked nothing", name)
		}
		explain := "explain query plan "
		if db.Postgres() {
			explain = "explain "
		}
		for _, q := range made {
			lines := explained(t, db, explain+q.sql, q.vars)
			if text := strings.Join(lines, "\n"); bad.MatchString(text) {
				t.Errorf("%s: %s\n%s", name, q.sql, text)
			}
		}
	}
}

// explained gives the lines of a plan.
func explained(t *testing.T, db *store.DB, statement string, vars []any) []string {
	t.Helper()
	rows, err := db.Read(t.Context()).Statement.ConnPool.QueryContext(t.Context(), statement, vars...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		last, _ := values[len(values)-1].(*any)
		lines = append(lines, fmt.Sprint(*last))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
