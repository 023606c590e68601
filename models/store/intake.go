package store

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/source"
)

// part is what one caller stores of events: its entries, and the arrival they came in, if they came in one. It is made before
// the transaction, and stored together with the other parts that share its commit.
type part struct {
	entries []delivery.Entry
	arrival *source.Arrival
	images  []imageRow // of the entries, without IDs
	hashes  []int64    // of the images
	events  []eventRow // of the entries, without seq and image

	taken source.Arrival // as it was stored
	row   arrivalRow     // its row
}

func newPart(entries []delivery.Entry, arrival *source.Arrival) *part {
	p := &part{entries: entries, arrival: arrival}
	for _, entry := range entries {
		image := newImage(entry.Event.Registry, entry.Event.Target.Repository, entry.Event.Target.Tag)
		p.images, p.hashes, p.events = append(p.images, image), append(p.hashes, image.hash()), append(p.events, rowOfEntry(entry))
	}
	return p
}

// storeParts stores the entries of parts, each of them unless its event is known, and their arrivals. It may be done again after a
// transaction that was taken back.
func (db *DB) storeParts(tx *gorm.DB, parts []*part) error {
	s := db.sql(tx)
	ids, err := db.storeImages(s, parts)
	if err != nil {
		return err
	}
	if err := db.storeEvents(s, parts, ids); err != nil {
		return err
	}
	in := intake{hours: map[eventHourRow]int64{}}
	for _, p := range parts {
		for i, entry := range p.entries {
			if !entry.Known {
				in.add(entry, p.events[i], s.shard(), micros(db.now()))
			}
		}
	}
	if err := in.insert(s); err != nil {
		return err
	}
	return db.storeArrivals(s, parts)
}

// storeEvents stores the events whose ID is not known.
func (db *DB) storeEvents(s sqlTx, parts []*part, images map[int64]int64) error {
	var rows []eventRow
	for _, p := range parts {
		for i := range p.events {
			p.events[i].Seq, p.events[i].ImageID = int64(db.ids.Next()), images[p.hashes[i]]
			rows = append(rows, p.events[i])
		}
	}
	fresh, err := insertEvents(s, rows)
	if err != nil {
		return err
	}
	for _, p := range parts {
		for i := range p.events {
			p.entries[i].Known = !fresh[p.events[i].Seq]
		}
	}
	return nil
}

// insertEvents stores the events whose ID is not known, and says by their seq which these are.
func insertEvents(s sqlTx, rows []eventRow) (fresh map[int64]bool, err error) {
	stored, err := insertSome(s, rows, "on conflict (id) do nothing")
	if err != nil || stored == 0 {
		return nil, err
	}
	seqs := make([]int64, len(rows))
	for i, row := range rows {
		seqs[i] = row.Seq
	}
	if int(stored) < len(rows) {
		if seqs, err = s.numbers("select seq from events where seq"+s.among(), s.list(seqs)); err != nil {
			return nil, err
		}
	}
	fresh = make(map[int64]bool, len(seqs))
	for _, seq := range seqs {
		fresh[seq] = true
	}
	return fresh, nil
}

// intake is what new events bring along.
type intake struct {
	bodies     []bodyRow
	deliveries []deliveryRow
	hours      map[eventHourRow]int64
}

// add notes what a new event brings. Whatever is started at once is leased from now on.
func (in *intake) add(entry delivery.Entry, row eventRow, shard, now int64) {
	bodies := map[string]delivery.ID{}
	for _, del := range entry.Deliveries {
		id, known := bodies[string(del.Body)]
		if !known {
			id = del.ID
			bodies[string(del.Body)] = id
			in.bodies = append(in.bodies, bodyRow{int64(id), del.Body})
		}
		stored := rowOfDelivery(del, id, row.ImageID)
		if del.Lease > 0 {
			stored.Claimed, stored.Next = now, now+del.Lease.Microseconds()
		}
		in.deliveries = append(in.deliveries, stored)
	}
	in.hours[eventHourRow{
		Registry: row.Registry, RegistryKey: row.RegistryKey, Hour: micros(entry.Event.Time.Truncate(time.Hour)), Action: row.Action, Shard: shard,
	}]++
}

func (in *intake) insert(s sqlTx) error {
	if err := insert(s, in.bodies, ""); err != nil {
		return err
	}
	if err := insert(s, in.deliveries, ""); err != nil {
		return err
	}
	hours := make([]eventHourRow, 0, len(in.hours))
	for row, n := range in.hours {
		row.Events = n
		hours = append(hours, row)
	}
	slices.SortFunc(hours, func(a, b eventHourRow) int { // one order for every process, or two would wait for each other
		return cmp.Or(cmp.Compare(a.RegistryKey, b.RegistryKey), cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Action, b.Action))
	})
	return insert(s, hours, "on conflict (registry_key, hour, action, shard) do update set events = event_hours.events + excluded.events")
}

// sourceVersion names what a source was when it was read.
type sourceVersion struct {
	ID      string
	Version int64
}

// storeArrivals stores the arrivals of parts, with what they say beside their events. source.ErrStale when a source is not what
// it was.
func (db *DB) storeArrivals(s sqlTx, parts []*part) error {
	var rows []arrivalRow
	var sources []sourceVersion
	for _, p := range parts {
		if p.arrival == nil {
			continue
		}
		p.taken = *p.arrival
		var err error
		if p.taken.Verdicts, err = verdictsAfter(s, p.arrival.Verdicts, p.entries); err != nil {
			return err
		}
		if err := db.remember(s, p.taken, p.entries); err != nil {
			return err
		}
		p.row = db.rowOfArrival(p.taken)
		rows = append(rows, p.row)
		if of := (sourceVersion{p.taken.Source.ID, p.taken.Source.Version}); !slices.Contains(sources, of) {
			sources = append(sources, of)
		}
	}
	for _, of := range sources {
		current, err := s.gives("select 1 from sources where id = ? and version = ?", of.ID, of.Version)
		if err != nil {
			return err
		}
		if !current {
			return source.ErrStale
		}
	}
	return insert(s, rows, "")
}

// rememberImages keeps in memory what was stored of the images of parts, after the commit; turn is that of db.images before it.
func (db *DB) rememberImages(parts []*part, turn int) {
	if db.postgres {
		return
	}
	ids := make(map[int64]int64, len(parts))
	for _, p := range parts {
		for i, row := range p.events {
			ids[p.hashes[i]] = row.ImageID
		}
	}
	db.images.add(ids, turn)
}
