package store

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/doctor"
	"dockbell/models/fault"
)

type memberRow struct {
	ID        string `gorm:"primaryKey"`
	Node      int64
	Host      string
	Address   string
	PublicURL string
	Version   string
	Blobs     string
	Workers   int64
	Flying    int64
	Skew      int64
	Free      int64
	Size      int64
	Started   int64
	Seen      int64
}

// TableName is GORM's question for the table.
func (memberRow) TableName() string { return "members" }

func rowOfMember(m doctor.Member) memberRow {
	return memberRow{
		ID: m.ID, Host: plainText(m.Host), Address: m.Address, PublicURL: m.PublicURL, Version: plainText(m.Version), Blobs: plainText(m.Blobs),
		Workers: int64(m.Workers), Flying: int64(m.Flying), Skew: m.Skew.Microseconds(), Free: m.Disk.Free, Size: m.Disk.Size,
	}
}

func (row memberRow) member() doctor.Member {
	return doctor.Member{
		ID: row.ID, Host: row.Host, Address: row.Address, PublicURL: row.PublicURL, Version: row.Version, Blobs: row.Blobs,
		Workers: int(row.Workers), Flying: int(row.Flying), Skew: time.Duration(row.Skew) * time.Microsecond, Disk: doctor.Disk{Free: row.Free, Size: row.Size},
		Started: moment(row.Started), Seen: moment(row.Seen),
	}
}

// Join makes this process a member, and gives a number that no other one has: it makes the IDs of several processes differ.
func (db *DB) Join(ctx context.Context, m doctor.Member) (node int64, err error) {
	err = db.write(ctx, func(tx *gorm.DB) error {
		now := db.now()
		if err := db.forgetMembers(tx, m, now); err != nil {
			return err
		}
		var taken []int64
		if err := tx.Model(&memberRow{}).Pluck("node", &taken).Error; err != nil {
			return err
		}
		if node = freeNode(taken); node < 0 {
			return fault.New(fault.Unavailable, "%d processes share this database, which is as many as can be told apart.", len(taken))
		}
		row := rowOfMember(m)
		row.Node, row.Started, row.Seen = node, micros(now), micros(now)
		return tx.Create(&row).Error // of two that choose the same node one is refused, and tries again
	})
	if fault.Is(err, fault.Conflict) {
		return db.Join(ctx, m)
	}
	if err == nil {
		db.ids.SetNode(node)
		db.shard.Store(shardOf(node))
	}
	return node, err
}

// forgetMembers takes those off the list that ended long ago without a word, and the one in whose place a new one comes: there
// is but one listener at an address, and but one server of a SQLite file.
func (db *DB) forgetMembers(tx *gorm.DB, m doctor.Member, now time.Time) error {
	if !db.postgres {
		return tx.Where("true").Delete(&memberRow{}).Error
	}
	return tx.Where("seen < ? or host = ? and address = ?", micros(now.Add(-doctor.Forgotten)), plainText(m.Host), m.Address).Delete(&memberRow{}).Error
}

// freeNode chooses a number that is not taken; -1 when there is none. While there are shards for all it is one whose shard nobody
// else counts in.
func freeNode(taken []int64) int64 {
	used, counts := map[int64]bool{}, map[int64]bool{}
	for _, n := range taken {
		used[n], counts[shardOf(n)] = true, true
	}
	found := int64(-1)
	first := rand.Int64N(delivery.Nodes) //nolint:gosec // a number to differ by, not a secret
	for i := range int64(delivery.Nodes) {
		n := (first + i) % delivery.Nodes
		if !used[n] && !counts[shardOf(n)] {
			return n
		}
		if !used[n] && found < 0 {
			found = n
		}
	}
	return found
}

// shardOf is the first shard of a member's counters.
func shardOf(node int64) int64 { return node % shards * committers }

// Beat says that this process lives, and how it is; NotFound when it was thought to have ended long ago.
func (db *DB) Beat(ctx context.Context, m doctor.Member) error {
	row := rowOfMember(m)
	return db.write(ctx, func(tx *gorm.DB) error {
		row.Seen = micros(db.now())
		done := tx.Model(&memberRow{}).Where("id = ?", row.ID).Select("flying", "skew", "free", "size", "seen").Updates(&row)
		return orMissing(done, fault.New(fault.NotFound, "This process is no member any more."))
	})
}

// Leave ends this process's membership.
func (db *DB) Leave(ctx context.Context, id string) error {
	return db.write(ctx, func(tx *gorm.DB) error { return tx.Where("id = ?", id).Delete(&memberRow{}).Error })
}

// Members gives the processes that serve this database, the one that started first before the others.
func (db *DB) Members(ctx context.Context) ([]doctor.Member, error) {
	var rows []memberRow
	if err := db.read(ctx).Order("started, id").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]doctor.Member, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.member())
	}
	return all, nil
}

// Queue says what waits and what is in flight, by webhook: those that wait longest first, and at most so many of them.
func (db *DB) Queue(ctx context.Context, most int) (doctor.Queue, error) {
	var q doctor.Queue
	s, now := db.sql(db.read(ctx)), db.now()
	err := s.query(func(row *sql.Rows) error {
		var l doctor.Line
		var oldest, paused, until, failing int64
		if err := row.Scan(&l.Registry, &l.Webhook, &l.Waiting, &oldest, &l.Flying, &paused, &until, &failing); err != nil {
			return err
		}
		l.Oldest, l.Failing, l.Paused = moment(oldest), moment(failing), paused != 0 || until > micros(now)
		q.Waiting, q.Flying = q.Waiting+l.Waiting, q.Flying+l.Flying
		if !l.Paused && oldest != 0 && (q.Oldest.IsZero() || l.Oldest.Before(q.Oldest)) {
			q.Oldest = l.Oldest
		}
		if len(q.Lines) < most {
			q.Lines = append(q.Lines, l)
		}
		return nil
	}, queueQuery)
	return q, translate(err)
}

// queueQuery adds up the two queues and what is in flight. Where a name of a webhook is not grouped by as it stands, SQLite
// would read a whole history in its order.
const queueQuery = `
	select coalesce(w.registry, ''), coalesce(w.name, ''), q.waiting, q.oldest, q.flying,
		coalesce(w.paused, 0), coalesce(s.paused_until, 0), coalesce(s.failing_since, 0)
	from (
		select webhook_id, cast(sum(waiting) as bigint) as waiting, coalesce(min(oldest), 0) as oldest, cast(sum(flying) as bigint) as flying from (
			select webhook_id, count(*) as waiting, min(next) as oldest, 0 as flying from deliveries
				where state = 'pending' and claimed = 0 and action <> 'ping' group by webhook_id
			union all select webhook_id || '' as hook, count(*), min(next), 0 from deliveries
				where state = 'pending' and claimed = 0 and action = 'ping' group by 1
			union all select webhook_id || '' as hook, 0, cast(null as bigint), count(*) from deliveries where claimed <> 0 and next > 0 group by 1
		) as parts group by webhook_id
	) as q left join webhooks as w on w.id = q.webhook_id left join webhook_states as s on s.webhook_id = q.webhook_id
	order by case when q.oldest = 0 then 1 else 0 end, q.oldest, q.webhook_id`
