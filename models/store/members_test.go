package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"dockbell/models/doctor"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

func memberOf(id string) doctor.Member {
	return doctor.Member{
		ID: id, Host: "build-7", Address: "127.0.0.1:80" + id, PublicURL: "https://bell.example.com", Version: "1.2", Blobs: "/data/blobs", Workers: 64, Flying: 3,
		Skew: -1500 * time.Microsecond, Disk: doctor.Disk{Free: 1 << 30, Size: 1 << 40},
	}
}

func TestMembersComeAndGo(t *testing.T) {
	c := &clock{t: noon}
	storetest.EachWith(t, store.Options{Now: c.now}, func(t *testing.T, db *store.DB) {
		c.t = noon
		listed := func(want ...doctor.Member) {
			t.Helper()
			got, err := db.Members(t.Context())
			if d := gocmp.Diff(want, got); err != nil || len(want)+len(got) > 0 && d != "" {
				t.Errorf("%v, members (-want +got):\n%s", err, d)
			}
		}
		listed()
		a, b := memberOf("a"), memberOf("b")
		join := func(m *doctor.Member) int64 {
			t.Helper()
			node, err := db.Join(t.Context(), *m)
			if err != nil {
				t.Fatal(err)
			}
			m.Started, m.Seen = c.t, c.t
			return node
		}
		first := join(&a)
		c.advance(time.Second)
		if second := join(&b); second == first {
			t.Errorf("two members have the node %d", first)
		}
		if !db.Postgres() {
			listed(b) // a SQLite file has one server
			return
		}
		listed(a, b)
		c.advance(time.Minute)
		a.Flying, a.Skew, a.Disk.Free, a.Seen = 9, time.Hour, 1, c.t
		if err := db.Beat(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		listed(a, b)
		if err := db.Leave(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		listed(b)
		if err := db.Beat(t.Context(), a); !fault.Is(err, fault.NotFound) {
			t.Errorf("a member that left beats: %v", err)
		}
		c.advance(doctor.Forgotten + time.Hour)
		join(&a) // and b, which ended without a word, is forgotten
		listed(a)
		b.Address = a.Address
		join(&b) // in the place of a, which was killed
		listed(b)
	})
}

// TestNodesAreNotShared: processes that start together never make the same IDs.
func TestNodesAreNotShared(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		var all sync.WaitGroup
		var mu sync.Mutex
		nodes := map[int64]bool{}
		for i := range 60 {
			all.Go(func() {
				node, err := db.Join(t.Context(), memberOf(fmt.Sprint(i)))
				mu.Lock()
				defer mu.Unlock()
				if err != nil || nodes[node] {
					t.Errorf("node %d, taken: %v, %v", node, nodes[node], err)
				}
				nodes[node] = true
			})
		}
		all.Wait()
	})
}

// TestMembersCountApart: while there are shards for all, no two processes wait for each other to count.
func TestMembersCountApart(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		db := storetest.OpenWith(t, store.Options{DSN: dsn})
		counted := map[int64]int{}
		for i := range 2 * store.Shards {
			node, err := db.Join(t.Context(), memberOf(fmt.Sprint(i)))
			if err != nil {
				t.Fatal(err)
			}
			counted[node%store.Shards]++
			if i < store.Shards && len(counted) != i+1 {
				t.Fatalf("%d processes count in %d shards", i+1, len(counted))
			}
		}
	})
}

func TestQueueByWebhook(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		queue := func() doctor.Queue {
			t.Helper()
			got, err := q.db.Queue(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := queue(); got.Waiting != 0 || got.Flying != 0 || !got.Oldest.IsZero() || len(got.Lines) != 0 {
			t.Errorf("an empty queue is %+v", got)
		}
		q.record(q.entries(3)...)
		q.record(q.entry(event.Ping, q.hooks[0]))
		if jobs := q.claim(4, 1); len(jobs) != 4 { // the ping, and one of each webhook
			t.Fatalf("%d jobs", len(jobs))
		}
		got := queue()
		if got.Waiting != 6 || got.Flying != 4 || !got.Oldest.Equal(noon) || len(got.Lines) != 2 {
			t.Errorf("%+v, want 6 that wait since noon, 4 in flight, the lines of 2 webhooks", got)
		}
		for _, l := range got.Lines {
			if l.Registry != q.reg || l.Waiting != 2 || l.Flying < 1 || l.Paused {
				t.Errorf("%+v", l)
			}
		}
	})
}
