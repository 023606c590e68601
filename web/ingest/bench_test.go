package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store/storetest"
	"dockbell/web"
	"dockbell/web/ingest"
)

// BenchmarkIngest takes one event in each request from 64 senders at once, and stores it.
func BenchmarkIngest(b *testing.B) {
	db := storetest.OpenBench(b)
	outbox := &delivery.Outbox{Store: db, Now: time.Now, NewID: func() event.ID { return event.ID(uuid.NewString()) }, NewDeliveryID: delivery.NewIDs(time.Now).Next}
	registries := &registry.Service{Store: db, Groups: db, Keys: db, Host: "dockbell.test", Now: time.Now, NewID: uuid.NewString, Region: "local"}
	sources := &source.Service{Store: db, Registries: registries, Now: time.Now, NewID: uuid.NewString}
	made, err := sources.Create(b.Context(), source.Draft{Name: "dist", Kind: "distribution", Registry: "acmeregistry"}, "tests")
	if err != nil {
		b.Fatal(err)
	}
	door := &ingest.Door{Sources: db, Intake: &source.Intake{Outbox: outbox, Memory: db}, Room: db, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	h := web.New(web.Options{
		Log: slog.New(slog.DiscardHandler), Ready: func(context.Context) error { return nil }, NewID: uuid.NewString, Now: time.Now,
	}, web.Doors{door})
	var n atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			body := envelope(push(fmt.Sprintf("e-%d", i), fmt.Sprintf("t%d", i)))
			r := httptest.NewRequest(http.MethodPost, "/ingest/dist", bytes.NewReader([]byte(body)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+made.Token)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != http.StatusAccepted {
				b.Fatal(rec.Body.String())
			}
		}
	})
}
