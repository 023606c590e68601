package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"dockbell/models/source"
)

type sourceCountRow struct {
	SourceID   string `gorm:"primaryKey"`
	Accepted   int64
	Duplicates int64
	Ignored    int64
	Rejected   int64
	Last       int64
	Kept       int64
	Upto       int64
}

// TableName is GORM's question for the table.
func (sourceCountRow) TableName() string { return "source_counts" }

// cameIn is what came from a source since somebody wrote it down.
type cameIn struct {
	source.Counts
	upto int64 // its newest arrival
}

func (c cameIn) plus(later cameIn) cameIn {
	return cameIn{c.Plus(later.Counts), max(c.upto, later.upto)}
}

// arrived counts in memory what FlushSources writes: a row that every event of a source changes would be fought for.
type arrived struct {
	mu     sync.Mutex
	counts map[string]cameIn // by the ID of the source
	kept   map[string]int64  // bytes that are there of a source by its row, as somebody read it last
}

func (m *arrived) add(a source.Arrival, row arrivalRow) {
	c := cameIn{a.Tally(), row.ID}
	c.Kept = int64(len(row.Body)+len(row.Verdicts)) + source.ArrivalWeight + source.EventWeight*row.Accepted
	m.put(a.Source.ID, c)
}

func (m *arrived) put(id string, c cameIn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]cameIn{}
	}
	m.counts[id] = m.counts[id].plus(c)
}

// of gives what is not written yet of a source whose row says that so many bytes are there.
func (m *arrived) of(id string, kept int64) source.Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.know(id, kept)
	return m.counts[id].Counts
}

func (m *arrived) know(id string, kept int64) {
	if m.kept == nil {
		m.kept = map[string]int64{}
	}
	m.kept[id] = kept
}

// take gives what is to be written; meanwhile it counts as written.
func (m *arrived) take() map[string]cameIn {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := m.counts
	m.counts = nil
	for id, c := range counts {
		m.know(id, m.kept[id]+c.Kept)
	}
	return counts
}

// giveBack takes again what could not be written.
func (m *arrived) giveBack(counts map[string]cameIn) {
	for id, c := range counts {
		m.put(id, c)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, c := range counts {
		m.know(id, m.kept[id]-c.Kept)
	}
}

// Kept says how many bytes are there of a source that was read before, without asking the database.
func (db *DB) Kept(sourceID string) int64 {
	m := &db.arrived
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[sourceID] + m.counts[sourceID].Kept
}

// FlushSources writes what was counted since the last time. What cannot be written is kept for the next.
func (db *DB) FlushSources(ctx context.Context) error {
	m := &db.arrived
	counts := m.take()
	if len(counts) == 0 {
		return nil
	}
	kept := map[string]int64{}
	err := db.write(ctx, func(tx *gorm.DB) error {
		for _, id := range slices.Sorted(maps.Keys(counts)) { // one order, so that two processes cannot wait for each other
			err := db.sql(tx).query(func(row *sql.Rows) error {
				var n int64
				err := row.Scan(&n)
				kept[id] = n
				return err
			}, addCounts, counts[id].values(id)...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		m.giveBack(counts)
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, n := range kept {
		m.know(id, n)
	}
	return nil
}

const addCounts = `insert into source_counts (source_id, accepted, duplicates, ignored, rejected, last, kept, upto)
	select id, cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint) from sources where id = ?
	on conflict (source_id) do update set accepted = source_counts.accepted + excluded.accepted, duplicates = source_counts.duplicates + excluded.duplicates,
	ignored = source_counts.ignored + excluded.ignored, rejected = source_counts.rejected + excluded.rejected, last = excluded.last,
	kept = source_counts.kept + excluded.kept, upto = case when excluded.upto > source_counts.upto then excluded.upto else source_counts.upto end
	returning kept`

func (c cameIn) values(id string) []any {
	return []any{c.Accepted, c.Duplicates, c.Ignored, c.Rejected, micros(c.Last), c.Kept, c.upto, id}
}

// weight is what an arrival's row counts for: cameIn.Kept in SQL.
var weight = fmt.Sprintf("octet_length(arrivals.body) + octet_length(arrivals.verdicts) + %d + %d * arrivals.accepted", source.ArrivalWeight, source.EventWeight)

// aged is how old an arrival is that some other process would have counted by now, if it lived.
const aged = time.Minute

// RecountSources counts what came in before a process ended without writing its counts.
func (db *DB) RecountSources(ctx context.Context) error {
	before := int64(math.MaxInt64)
	if db.postgres {
		before = firstIn(db.now().Add(-aged))
	}
	return translate(db.sql(db.read(ctx)).query(func(row *sql.Rows) error {
		var id string
		var last int64
		var c cameIn
		err := row.Scan(&id, &c.Accepted, &c.Duplicates, &c.Ignored, &c.Rejected, &last, &c.Kept, &c.upto)
		c.Last = moment(last)
		if err == nil {
			db.arrived.put(id, c)
		}
		return err
	}, `select arrivals.source_id, cast(sum(arrivals.accepted) as bigint), cast(sum(arrivals.duplicates) as bigint), cast(sum(arrivals.ignored) as bigint), cast(sum(arrivals.rejected) as bigint),
		max(arrivals.at), cast(sum(`+weight+`) as bigint), max(arrivals.id)
		from sources as s left join source_counts as c on c.source_id = s.id join arrivals on arrivals.source_id = s.id and arrivals.id > coalesce(c.upto, 0)
		where arrivals.id < ? group by arrivals.source_id`, before))
}

// removeArrivals removes arrivals, which gives their sources room.
func removeArrivals(s sqlTx, rows []old) (n int, err error) {
	freed := map[string]int64{}
	err = s.query(func(row *sql.Rows) error {
		var id string
		var bytes int64
		err := row.Scan(&id, &bytes)
		freed[id] += bytes
		n++
		return err
	}, "delete from arrivals where id"+s.among()+" returning source_id, "+weight, s.list(idsOf(rows)))
	for _, id := range slices.Sorted(maps.Keys(freed)) {
		if err == nil {
			err = s.exec("update source_counts set kept = kept - ? where source_id = ?", freed[id], id) // below 0 until all of it was written down
		}
	}
	return n, err
}

// count gives sources what came from them: what is written and what waits for it.
func (db *DB) count(ctx context.Context, all []source.Source) error {
	if len(all) == 0 {
		return nil
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	var rows []sourceCountRow
	if err := db.read(ctx).Where("source_id in ?", ids).Find(&rows).Error; err != nil {
		return translate(err)
	}
	written := map[string]source.Counts{}
	for _, row := range rows {
		written[row.SourceID] = source.Counts{
			Accepted: row.Accepted, Duplicates: row.Duplicates, Ignored: row.Ignored, Rejected: row.Rejected, Last: moment(row.Last), Kept: row.Kept,
		}
	}
	for i := range all {
		c := written[all[i].ID].Plus(db.arrived.of(all[i].ID, written[all[i].ID].Kept))
		c.Kept = max(c.Kept, 0)
		all[i].Counts = c
	}
	return nil
}
