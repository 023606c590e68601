package store

import (
	"context"
	"database/sql"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/failpoint"
	"dockbell/models/source"
)

type arrivalRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	SourceID   string
	At         int64
	Type       string
	Addr       string
	Body       []byte
	Accepted   int64
	Duplicates int64
	Ignored    int64
	Rejected   int64
	Verdicts   string
}

// TableName is GORM's question for the table.
func (arrivalRow) TableName() string { return "arrivals" }

// arrivalVerdict is one verdict inside its arrival's row.
type arrivalVerdict struct {
	ID      string         `json:"id"`
	Outcome source.Outcome `json:"verdict"`
	Reason  string         `json:"reason,omitempty"`
	Event   string         `json:"event,omitempty"`
}

// Take stores an arrival and the entries of its events in one transaction. An event that is known makes its verdict a
// duplicate. source.ErrStale when the source is not what it was.
func (db *DB) Take(ctx context.Context, a source.Arrival, entries []delivery.Entry) (source.Arrival, error) {
	turn := db.images.now()
	p := newPart(entries, &a)
	if err := db.writer.do(ctx, &request{part: p}); err != nil {
		return a, err
	}
	db.rememberImages([]*part{p}, turn)
	db.arrived.add(p.taken, p.row)
	failpoint.Hit(failpoint.Committed)
	return p.taken, nil
}

func (db *DB) rowOfArrival(a source.Arrival) arrivalRow {
	n := a.Tally()
	if a.Body == nil {
		a.Body = []byte{}
	}
	list := make([]arrivalVerdict, 0, len(a.Verdicts))
	for _, v := range a.Verdicts {
		list = append(list, arrivalVerdict{plainText(v.ID), v.Outcome, plainText(v.Reason), string(v.Event)})
	}
	return arrivalRow{
		ID: int64(db.ids.Next()), SourceID: a.Source.ID, At: micros(a.At), Type: plainText(a.Type), Addr: plainText(a.Addr), Body: a.Body,
		Accepted: n.Accepted, Duplicates: n.Duplicates, Ignored: n.Ignored, Rejected: n.Rejected, Verdicts: toJSON(list),
	}
}

// verdictsAfter turns the verdicts of events that were known into duplicates.
func verdictsAfter(s sqlTx, before []source.Verdict, entries []delivery.Entry) ([]source.Verdict, error) {
	all := append([]source.Verdict(nil), before...)
	n := 0
	for i := range all {
		v := &all[i]
		if v.Outcome != source.Accepted {
			continue
		}
		ev := entries[n].Event
		n++
		if !entries[n-1].Known {
			continue
		}
		v.Outcome, v.Reason, v.Differs = source.Duplicate, "", true
		err := s.query(func(*sql.Rows) error { v.Differs = false; return nil },
			"select 1 from events where id = ? and repository = ? and digest = ? and (action = ? and tag = ? or action in ('delete', 'chart_delete') and cast(? as text) in ('delete', 'chart_delete'))",
			string(ev.ID), ev.Target.Repository, ev.Target.Digest, string(ev.Action), ev.Target.Tag, string(ev.Action))
		if err != nil {
			return nil, err
		}
		if v.Differs {
			v.Reason = "An event with this id and other content came before; that one stays."
		}
	}
	return all, nil
}

// SourceArrivals gives what came from a source, newest first.
func (db *DB) SourceArrivals(ctx context.Context, look source.Look) ([]source.Arrived, error) {
	query := db.read(ctx).Where("source_id = ?", look.SourceID)
	if look.Rejected {
		query = query.Where("rejected > 0")
	}
	if look.Before > 0 {
		query = query.Where("id < ?", look.Before)
	}
	var rows []arrivalRow
	if err := query.Order("id desc").Limit(look.Limit).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]source.Arrived, 0, len(rows))
	for _, row := range rows {
		var list []arrivalVerdict
		if err := fromJSON(row.Verdicts, &list); err != nil {
			return nil, err
		}
		a := source.Arrived{ID: row.ID, Arrival: source.Arrival{At: moment(row.At), Type: row.Type, Addr: row.Addr, Body: row.Body}}
		for _, v := range list {
			a.Verdicts = append(a.Verdicts, source.Verdict{ID: v.ID, Outcome: v.Outcome, Reason: v.Reason, Event: event.ID(v.Event)})
		}
		all = append(all, a)
	}
	return all, nil
}
