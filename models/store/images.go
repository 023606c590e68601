package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"maps"
	"reflect"
	"strings"
	"sync"
	"time"

	"dockbell/models/registry"
)

// imageRow is a repository and tag that something happened to.
type imageRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	RegistryKey string
	Image       string
}

// TableName is GORM's question for the table.
func (imageRow) TableName() string { return "images" }

// newImage names an image; it has no ID yet.
func newImage(reg registry.Name, repository, tag string) imageRow {
	return imageRow{RegistryKey: reg.Key(), Image: imageText(repository, tag)}
}

// imageText is the text in which people search.
func imageText(repository, tag string) string {
	return strings.ToLower(plainText(repository + ":" + tag))
}

// hash is that of an image's name.
func (row imageRow) hash() int64 {
	sum := sha256.Sum256([]byte(row.RegistryKey + "\n" + row.Image))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// storeImages stores the images of parts and gives the ID of each, by its hash. PostgreSQL knows an image by its hash, so that
// processes need not ask each other; an image that SQLite brought there may have an ID besides. SQLite, which has one writer,
// numbers them as they come: what happens to new tags then lies together at the end of every index instead of all over it.
func (db *DB) storeImages(s sqlTx, parts []*part) (ids map[int64]int64, err error) {
	ids = make(map[int64]int64, len(parts))
	var rows []imageRow
	for _, p := range parts {
		for i, row := range p.images {
			hash := p.hashes[i]
			if _, seen := ids[hash]; seen {
				continue
			}
			if id, known := db.images.id(hash); known {
				ids[hash] = id
				continue
			}
			ids[hash], row.ID = hash, hash
			rows = append(rows, row)
		}
	}
	if !s.postgres {
		if rows, err = db.numberImages(s, rows, ids); err != nil {
			return nil, err
		}
	}
	return ids, insert(s, rows, "on conflict (id) do nothing")
}

// numberImages gives images their numbers in SQLite, and which of them are not stored yet.
func (db *DB) numberImages(s sqlTx, rows []imageRow, ids map[int64]int64) (fresh []imageRow, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	stored := map[int64]bool{}
	err = s.query(func(row *sql.Rows) error {
		var hash, id int64
		err := row.Scan(&hash, &id)
		ids[hash], stored[hash] = id, true
		return err
	}, imagesAmong, tableOf[imageRow]().pack(nil, reflect.ValueOf(rows)))
	for _, row := range rows {
		if hash := row.ID; !stored[hash] {
			row.ID = int64(db.ids.Next())
			ids[hash] = row.ID
			fresh = append(fresh, row)
		}
	}
	return fresh, err
}

// imagesAmong finds the IDs of those images that are stored, with what stands in the place of an ID in packed rows.
const imagesAmong = "select v.c0, images.id from packed(?) as v cross join images on images.registry_key = v.c1 and images.image = v.c2"

// imagesNamed finds the IDs of an image.
const imagesNamed = "select id from images where registry_key = ? and image = ?"

// images remembers what is stored of them, so that a push of a known image does not ask. It does so with SQLite alone: with
// PostgreSQL another process may have deleted the registry.
type images struct {
	mu    sync.Mutex
	known map[int64]int64 // IDs, by hash
	turn  int             // counts how often it was forgotten

	dropped []droppedImage // with PostgreSQL; oldest first
}

// droppedImage is one that was removed because nothing was about it any more.
type droppedImage struct {
	imageRow
	at time.Time
}

// manyImages is how many are remembered at most.
const manyImages = 50_000

func (m *images) id(hash int64) (id int64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, known = m.known[hash]
	return id, known
}

// add remembers images after the commit that stored them, unless some were forgotten since the given turn.
func (m *images) add(ids map[int64]int64, turn int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.turn != turn {
		return
	}
	if m.known == nil || len(m.known) > manyImages {
		m.known = map[int64]int64{}
	}
	maps.Copy(m.known, ids)
}

// forget drops all of it: the images of a registry were deleted.
func (m *images) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = nil
	m.turn++
}

// drop forgets images that are being removed: whoever stores an event about one from now on stores the image again. They are
// listed for returnImages where another transaction may just be doing that without seeing the removal.
func (m *images) drop(rows []imageRow, at time.Time, list bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range rows {
		delete(m.known, row.hash())
		if list {
			m.dropped = append(m.dropped, droppedImage{row, at})
		}
	}
	m.turn++
}

// droppedBefore takes those off the list that were dropped before a moment, some at a time.
func (m *images) droppedBefore(moment time.Time) (rows []imageRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.dropped) > 0 && len(rows) < maxBatch && m.dropped[0].at.Before(moment) {
		rows = append(rows, m.dropped[0].imageRow)
		m.dropped = m.dropped[1:]
	}
	return rows
}

// now gives the turn that add wants to see unchanged.
func (m *images) now() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.turn
}

// manyFound is how many rows a search may find by their images; what finds more is found soon enough by reading the newest.
const manyFound = 20_000

// search is how a text is looked for in a table: a part of a repository and tag, or the beginning of an event's ID.
type search struct {
	images, ids string // queries for keys, by image and by the beginning of an ID
}

var (
	searchDeliveries = search{
		images: "select d.id from deliveries as d where d.image_id",
		// The cross join keeps SQLite from beginning with the deliveries, the empty text from making an index of all of them.
		ids: "select d.id from events as e cross join deliveries as d where d.id between e.first_delivery and e.last_delivery and d.event_id || '' = e.id and",
	}
	searchEvents = search{images: "select seq from events where image_id", ids: "select seq from events as e where"}
)

// keys gives the keys of the rows that a text finds; few is false when they are too many to be listed.
func (look search) keys(s sqlTx, reg registry.Name, text string) (keys []int64, few bool, err error) {
	text = strings.ToLower(plainText(text))
	statement, args := "select id from images where image like ? escape '\\'", []any{"%" + literal(text) + "%"}
	if reg != "" {
		statement, args = statement+" and registry_key = ?", append(args, reg.Key())
	}
	found, err := s.numbers(statement+" limit ?", append(args, manyFound+1)...)
	if err != nil || len(found) > manyFound {
		return nil, false, err
	}
	keys, err = s.numbers(look.images+s.among()+" limit ?", s.list(found), manyFound+1)
	if err != nil || len(keys) > manyFound {
		return nil, false, err
	}
	byID, err := s.numbers(look.ids+" e.id >= ? and e.id < ? and e.id like ? escape '\\' limit ?", text, text+"zzzz", literal(text)+"%", manyFound+1)
	if err != nil || len(keys)+len(byID) > manyFound {
		return nil, false, err
	}
	return append(keys, byID...), true, nil
}

// literal takes LIKE's wildcards their meaning.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// numbers reads a column of numbers.
func (s sqlTx) numbers(statement string, args ...any) (all []int64, err error) {
	err = s.query(func(row *sql.Rows) error {
		var n int64
		err := row.Scan(&n)
		all = append(all, n)
		return err
	}, statement, args...)
	return all, err
}
