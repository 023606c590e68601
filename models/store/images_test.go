package store_test

import (
	"slices"
	"testing"

	"gorm.io/gorm"

	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestImagesLieInTheOrderInWhichTheyCame: with SQLite a new tag's rows go to the end of the indexes, whatever its name.
func TestImagesLieInTheOrderInWhichTheyCame(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		push := func(tag string) {
			entry := q.entry(event.Push, q.hooks[0])
			entry.Event.Target.Tag, entry.Deliveries[0].Image.Tag = tag, tag
			q.record(entry)
		}
		for _, tag := range []string{"v9", "v1", "v5", "v9", "V1", "v3"} {
			push(tag)
		}
		read := func(statement string) (ids []int64) {
			if err := q.db.Read(t.Context()).Raw(statement).Scan(&ids).Error; err != nil {
				t.Fatal(err)
			}
			return ids
		}
		images := read("select id from images order by case image when 'api:v9' then 1 when 'api:v1' then 2 when 'api:v5' then 3 else 4 end")
		if len(images) != 4 || !q.db.Postgres() && !slices.IsSorted(images) {
			t.Errorf("the images have the IDs %v, want four that grow", images)
		}
		want := []int64{images[0], images[1], images[2], images[0], images[1], images[3]}
		if events, deliveries := read("select image_id from events order by seq"), read("select image_id from deliveries order by id"); !slices.Equal(events, want) || !slices.Equal(deliveries, want) {
			t.Errorf("the events are about %v and the deliveries about %v, want %v", events, deliveries, want)
		}
	})
}

// TestAnImageKeepsItsIDInANewProcess: what is not remembered is looked up.
func TestAnImageKeepsItsIDInANewProcess(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		h := newSourceHouse(t, db)
		h.take(source.Arrival{}, h.push("v1", "sha256:a"))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		h.db = storetest.OpenWith(t, store.Options{DSN: dsn})
		h.outbox.Store = h.db
		h.take(source.Arrival{}, h.push("v1", "sha256:b"), h.push("v1", "sha256:c"))
		if n := rowsOf(t, h.db, "images"); n != 1 {
			t.Errorf("%d images are stored, want one", n)
		}
	})
}

// TestAnImageMayHaveASecondID: PostgreSQL knows images by another ID than the SQLite from which they were moved there.
func TestAnImageMayHaveASecondID(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		h := newSourceHouse(t, db)
		h.take(source.Arrival{}, h.push("latest", "sha256:a"))
		err := db.Write(t.Context(), func(tx *gorm.DB) error {
			for _, statement := range []string{"update images set id = 7", "update events set image_id = 7", "update deliveries set image_id = 7"} {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if digest, err := db.Tagged(t.Context(), "acme1", "team/app", "latest"); err != nil || digest != "sha256:a" {
			t.Errorf("latest is %q, %v", digest, err)
		}
		h.take(source.Arrival{}, h.push("latest", "sha256:b"))
		if rowsOf(t, db, "images") != 2 {
			t.Error("the image has one ID: nothing is tried here")
		}
		if digest, err := db.Tagged(t.Context(), "acme1", "team/app", "latest"); err != nil || digest != "sha256:b" {
			t.Errorf("latest is %q, %v", digest, err)
		}
		if image := h.remembered("sha256:a"); len(image.Tags) != 0 {
			t.Errorf("the manifest has the tags %v, which moved on", image.Tags)
		}
	})
}
