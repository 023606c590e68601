package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"

	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// The benchmarks measure the queue on SQLite, or on a PostgreSQL where storetest.Postgres and DOCKBELL_BENCH=postgres say so.
// Each measures its limit in the same run, before and after: plain rows written by the bare driver in commits of the same
// size, with synchronous=FULL. The metric "of-limit" is the share of it that the store reaches.

// benchQueue opens an empty database with webhooks.
func benchQueue(b *testing.B, hooks int) *queue {
	b.Helper()
	db := storetest.OpenBench(b)
	if err := db.AddRegistry(b.Context(), acme("acmereg", registry.Premium)); err != nil {
		b.Fatal(err)
	}
	q := queueOf(b, db, "acmereg", hooks)
	q.ids = delivery.NewIDs(time.Now)
	return q
}

// limit writes pairs of plain rows with the bare driver, per in a commit, for a while; it gives pairs per second.
func limit(b *testing.B, per int) float64 {
	b.Helper()
	conn, err := sql.Open("sqlite3", "file:"+storetest.File(b)+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_stmt_cache_size=10")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	conn.SetMaxOpenConns(1)
	for _, s := range []string{
		"create table e (id text primary key, body blob)", "create table d (id integer primary key, event text, webhook text, next integer, state text)", "create index w on d (webhook, id)",
	} {
		if _, err := conn.Exec(s); err != nil {
			b.Fatal(err)
		}
	}
	body := make([]byte, 500)
	began, pairs := time.Now(), 0
	for time.Since(began) < 400*time.Millisecond {
		tx, err := conn.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for range per {
			pairs++
			id := uuid.NewString()
			if _, err := tx.Exec("insert into e values (?, ?)", id, body); err != nil {
				b.Fatal(err)
			}
			if _, err := tx.Exec("insert into d values (?, ?, 'hook', 0, 'pending')", pairs, id); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(pairs) / time.Since(began).Seconds()
}

// against runs work, which does b.N units of n pairs each, between two measurements of the limit.
func against(b *testing.B, per, n int, work func()) {
	b.Helper()
	before := limit(b, per)
	b.ResetTimer()
	began, busy := time.Now(), processorTime(b)
	work()
	took := time.Since(began)
	busy = processorTime(b) - busy
	b.StopTimer()
	most := (before + limit(b, per)) / 2
	got := float64(b.N*n) / took.Seconds()
	b.ReportMetric(got, "deliveries/s")
	b.ReportMetric(got/most, "of-limit")
	b.ReportMetric(busy.Seconds()*1e6/float64(b.N*n), "cpu-µs/delivery")
}

// processorTime is what this process has used: unlike the time on the wall it says little of what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkRecord(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			q := benchQueue(b, 1)
			against(b, callers, 1, func() { q.recordBy(callers, int64(b.N)) })
		})
	}
}

// recordBy lets callers store n events with one delivery each.
func (q *queue) recordBy(callers int, n int64) {
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for atomic.AddInt64(&n, -1) >= 0 {
				q.now1()
			}
		})
	}
	all.Wait()
}

// now1 stores one event with its deliveries, due now.
func (q *queue) now1() {
	entry := q.entry(event.Push, q.hooks...)
	body := make([]byte, 500)
	for i := range entry.Deliveries {
		entry.Deliveries[i].Body, entry.Deliveries[i].Created, entry.Deliveries[i].Next = body, time.Now(), time.Now()
	}
	if _, err := q.db.Record(context.Background(), nil, func(event.Outcome) ([]delivery.Entry, error) { return []delivery.Entry{entry}, nil }); err != nil {
		q.t.Error(err)
	}
}

func BenchmarkRecordFor100Webhooks(b *testing.B) {
	q := benchQueue(b, 100)
	against(b, 100, 100, func() { q.recordBy(1, int64(b.N)) })
}

// BenchmarkClaimAndFinish takes and finishes b.N deliveries that wait, 64 at a time.
func BenchmarkClaimAndFinish(b *testing.B) {
	for _, hooks := range []int{1, 100} {
		b.Run(fmt.Sprintf("webhooks=%d", hooks), func(b *testing.B) {
			q := benchQueue(b, hooks)
			q.recordBy(16, int64(b.N/hooks+1))
			against(b, 64, 1, func() { q.drain(b.N) })
		})
	}
}

// drain takes and finishes at least n deliveries.
func (q *queue) drain(n int) {
	for done := 0; done < n; {
		jobs, err := q.db.Claim(context.Background(), 64, delivery.Caps{Default: 64}, time.Minute)
		if err != nil || len(jobs) == 0 {
			q.t.Fatalf("%d jobs, %v", len(jobs), err)
		}
		var results []delivery.Done
		for _, job := range jobs {
			a := q.attempt(job, 200)
			a.Started = time.Now()
			results = append(results, delivery.Next(job, a, time.Now(), nil))
		}
		if err := q.db.Finish(context.Background(), results); err != nil {
			q.t.Fatal(err)
		}
		done += len(jobs)
	}
}

// BenchmarkQueue is the whole loop without the network: 64 callers store events, one claims and finishes beside them.
func BenchmarkQueue(b *testing.B) {
	q := benchQueue(b, 1)
	against(b, 64, 1, func() {
		var all sync.WaitGroup
		all.Go(func() { q.recordBy(64, int64(b.N)) })
		for done := 0; done < b.N; {
			jobs, err := q.db.Claim(context.Background(), 64, delivery.Caps{Default: 64}, time.Minute)
			if err != nil {
				b.Fatal(err)
			}
			var results []delivery.Done
			for _, job := range jobs {
				a := q.attempt(job, 200)
				a.Started = time.Now()
				results = append(results, delivery.Next(job, a, time.Now(), nil))
			}
			if err := q.db.Finish(context.Background(), results); err != nil {
				b.Fatal(err)
			}
			done += len(jobs)
		}
		all.Wait()
	})
}

// BenchmarkClaimWithABacklog claims and finishes what is new of one webhook while 100,000 wait for another, which is at its cap.
func BenchmarkClaimWithABacklog(b *testing.B) {
	for _, waiting := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			q := benchQueue(b, 2)
			q.backlog(0, waiting)
			long, fresh := q.hooks[0], q.hooks[1]
			q.hooks = []webhook.Webhook{fresh}
			caps := delivery.Caps{Default: 4}
			q.claimWith(4, delivery.Caps{Of: map[string]int{long.ID: 4}})
			against(b, 1, 1, func() {
				for range b.N {
					q.now1()
					q.finish(q.claimWith(16, caps), 200)
				}
			})
		})
	}
}
