package store

import (
	"context"
	"maps"
	"slices"
	"sync"

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
}

// TableName is GORM's question for the table.
func (sourceCountRow) TableName() string { return "source_counts" }

// arrived counts in memory what FlushSources writes: a row that every event of a source changes would be fought for.
type arrived struct {
	mu     sync.Mutex
	counts map[string]source.Counts // by the ID of the source
}

func (m *arrived) add(a source.Arrival) { m.put(a.Source.ID, a.Tally()) }

func (m *arrived) put(id string, c source.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]source.Counts{}
	}
	m.counts[id] = m.counts[id].Plus(c)
}

func (m *arrived) of(id string) source.Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[id]
}

// FlushSources writes what was counted since the last time. What cannot be written is kept for the next.
func (db *DB) FlushSources(ctx context.Context) error {
	m := &db.arrived
	m.mu.Lock()
	counts := m.counts
	m.counts = nil
	m.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	err := db.write(ctx, func(tx *gorm.DB) error {
		for _, id := range slices.Sorted(maps.Keys(counts)) { // one order, so that two processes cannot wait for each other
			c := counts[id]
			err := tx.Exec(`insert into source_counts (source_id, accepted, duplicates, ignored, rejected, last)
				select id, cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint), cast(? as bigint) from sources where id = ?
				on conflict (source_id) do update set accepted = source_counts.accepted + excluded.accepted, duplicates = source_counts.duplicates + excluded.duplicates,
				ignored = source_counts.ignored + excluded.ignored, rejected = source_counts.rejected + excluded.rejected, last = excluded.last`,
				c.Accepted, c.Duplicates, c.Ignored, c.Rejected, micros(c.Last), id).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, c := range counts {
			m.put(id, c)
		}
	}
	return err
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
			Accepted: row.Accepted, Duplicates: row.Duplicates, Ignored: row.Ignored, Rejected: row.Rejected, Last: moment(row.Last),
		}
	}
	for i := range all {
		all[i].Counts = written[all[i].ID].Plus(db.arrived.of(all[i].ID))
	}
	return nil
}
