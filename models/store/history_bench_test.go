package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// historyRows are the sizes that BenchmarkHistory compares.
var historyRows = []int{1_000, 1_000_000}

// BenchmarkHistory reads pages of 50 of a history; a figure at 1,000,000 rows counts against the one at 1,000.
func BenchmarkHistory(b *testing.B) {
	for _, rows := range historyRows {
		db := filledHistory(b, rows)
		oldest := delivery.ID(int64(rows)/20*historyStep + historyStep) // 19 of 20 rows are newer
		hook := delivery.Filter{Registry: "acmereg", WebhookID: historyHook(3)}
		for _, page := range []struct {
			name string
			f    delivery.Filter
		}{
			{"newest", delivery.Filter{Registry: "acmereg"}},
			{"newest of all", delivery.Filter{}},
			{"newest of a webhook", hook},
			{"page 10000", delivery.Filter{Registry: "acmereg", Before: oldest}},
			{"page 10000 of a webhook", delivery.Filter{Registry: "acmereg", WebhookID: hook.WebhookID, Before: oldest}},
			{"class 5xx", delivery.Filter{Registry: "acmereg", Class: delivery.Class5xx}},
			{"class 3xx, which nothing has", delivery.Filter{Registry: "acmereg", Class: delivery.Class3xx}},
			{"class none of a webhook, which nothing has", delivery.Filter{Registry: "acmereg", WebhookID: hook.WebhookID, Class: delivery.NoAnswer}},
			{"action delete", delivery.Filter{Registry: "acmereg", Action: event.Delete}},
			{"action quarantine, which nothing has", delivery.Filter{Registry: "acmereg", Action: event.Quarantine}},
			{"event", delivery.Filter{Registry: "acmereg", EventID: historyEvent(rows / 20)}},
			{"text that nothing has", delivery.Filter{Registry: "acmereg", Text: "nosuchtext"}},
			{"text that all have", delivery.Filter{Registry: "acmereg", Text: "team"}},
			{"text that few have", delivery.Filter{Registry: "acmereg", Text: "app7:build-7"}},
			{"text of an event", delivery.Filter{Registry: "acmereg", Text: string(historyEvent(rows / 20))}},
			{"text and class", delivery.Filter{Registry: "acmereg", Text: "app7", Class: delivery.Class5xx}},
			{"since yesterday", delivery.Filter{Registry: "acmereg", Since: noon.Add(-24 * time.Hour)}},
		} {
			b.Run(fmt.Sprintf("rows=%d/%s", rows, page.name), func(b *testing.B) {
				page.f.Limit = 50
				for b.Loop() {
					if _, err := db.Deliveries(b.Context(), page.f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// historyStep is how far apart the IDs of a filled history are.
const historyStep = 1 << 20

func historyHook(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func historyEvent(i int) event.ID { return event.ID(fmt.Sprintf("%08x-0000-4000-8000-%012d", i, i)) }

// filledHistory opens a history of ten webhooks: one push in a hundred is a delete, one in fifty failed, and every event has a
// tag of its own.
func filledHistory(b *testing.B, rows int) *store.DB {
	b.Helper()
	kept := os.Getenv("DOCKBELL_BENCH_HISTORY") // a folder in which the histories stay, so that the next run need not fill them
	file := storetest.File(b)
	if kept != "" {
		file = filepath.Join(kept, fmt.Sprintf("history-%d.db", rows))
	}
	_, missing := os.Stat(file)
	db := storetest.OpenWith(b, store.Options{DSN: file})
	if missing == nil {
		return db
	}
	if err := db.AddRegistry(b.Context(), acme("acmereg", registry.Premium)); err != nil {
		b.Fatal(err)
	}
	for first := 0; first < rows; first += 100_000 {
		if err := db.Write(b.Context(), func(tx *gorm.DB) error { return fillHistory(tx, first, min(first+100_000, rows)) }); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// fillHistory adds the deliveries from first to last, by SQL, with images as the store names them.
func fillHistory(tx *gorm.DB, first, last int) error {
	for e := first / 10; e < last/10; e++ {
		repository, tag := fmt.Sprintf("team/app%d", e%20), fmt.Sprintf("build-%d", e)
		id := store.ImageID("acmereg", repository, tag)
		if err := tx.Exec("insert into images (id, registry_key, image) values (?, 'acmereg', ?)", id, repository+":"+tag).Error; err != nil {
			return err
		}
		from, to := int64(e*10+1)*historyStep, int64(e*10+10)*historyStep
		err := tx.Exec(`insert into events (seq, id, registry, registry_key, location, action, at, repository, tag, digest, media_type, size, kind, chart_name, chart_version,
			carried_tags, request_id, request_addr, request_host, request_method, user_agent, actor, source, webhooks, image_id, first_delivery, last_delivery, verdicts)
			values (?, ?, 'acmereg', 'acmereg', 'eastus', 'push', 0, ?, ?, 'sha256:', '', 0, 'image', '', '', '[]', '', '', '', '', '', '', 'builtin', 10, ?, ?, ?, '[]')`,
			from, string(historyEvent(e)), repository, tag, id, from, to).Error
		if err != nil {
			return err
		}
		for i := e * 10; i < e*10+10; i++ {
			action, class, status := "push", "2xx", 200
			if i%100 == 3 {
				action = "delete"
			}
			if i%50 == 7 {
				class, status = "5xx", 500
			}
			err := tx.Exec(`insert into deliveries (id, event_id, registry, registry_key, webhook_id, webhook, action, repository, tag, digest, image_id, body_id,
				state, attempts, retries, next, claimed, created, class, last_status, last_cause, last_duration_us, last_at)
				values (?, ?, 'acmereg', 'acmereg', ?, 'hook', ?, ?, ?, 'sha256:', ?, ?, 'delivered', 1, 1, 0, 0, 1, ?, ?, '', 5000, 1)`,
				int64(i+1)*historyStep, string(historyEvent(e)), historyHook(i%10), action, repository, tag, id, from, class, status).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}
