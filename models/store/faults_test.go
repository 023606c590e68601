package store_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
)

// ledger is what callers were told, kept beside the database and compared with it afterwards.
type ledger struct {
	mu             sync.Mutex
	stored, failed []delivery.ID
}

// tell stores one delivery through a handle and notes the answer.
func (l *ledger) tell(q *queue, db *store.DB) error {
	entry := q.entry(event.Push, q.hooks[0])
	_, err := db.Record(q.t.Context(), nil, func(event.Outcome) ([]delivery.Entry, error) { return []delivery.Entry{entry}, nil })
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.stored = append(l.stored, entry.Deliveries[0].ID)
	} else {
		l.failed = append(l.failed, entry.Deliveries[0].ID)
	}
	return err
}

// missing counts the IDs that are not stored.
func missing(q *queue, ids []delivery.ID) (n int) {
	for _, id := range ids {
		if _, err := q.db.Delivery(q.t.Context(), q.reg, id); fault.Is(err, fault.NotFound) {
			n++
		} else if err != nil {
			q.t.Error(err)
		}
	}
	return n
}

// TestNothingAcknowledgedIsLostOnAFullDisk fills the disk under eight callers. The control is in the ledger itself: what was
// refused must be missing, so that a lost event would be seen.
func TestNothingAcknowledgedIsLostOnAFullDisk(t *testing.T) {
	db := storetest.Open(t)
	addRegistry(t, db, acme("acmereg", registry.Premium))
	q := queueOf(t, db, "acmereg", 1)
	pages := func(statement string) (n int) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Raw(statement).Scan(&n).Error }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	pages(fmt.Sprintf("pragma max_page_count = %d", pages("pragma page_count")+40))
	var l ledger
	fill := func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 60 {
					if err := l.tell(q, db); err != nil && !fault.Is(err, fault.Unavailable) {
						t.Errorf("a full disk: %v, want unavailable", err)
					}
				}
			})
		}
		all.Wait()
	}
	fill()
	if len(l.stored) == 0 || len(l.failed) == 0 {
		t.Fatalf("%d stored, %d refused: the disk was not filled in between", len(l.stored), len(l.failed))
	}
	pages("pragma max_page_count = 1000000")
	full, refused := len(l.stored), len(l.failed)
	fill()
	if len(l.failed) != refused || len(l.stored) != full+8*60 {
		t.Errorf("after space came back %d more were refused", len(l.failed)-refused)
	}
	if n := missing(q, l.stored); n != 0 {
		t.Errorf("%d of %d acknowledged events are missing", n, len(l.stored))
	}
	if n := missing(q, l.failed); n != len(l.failed) {
		t.Errorf("%d of %d refused events are stored", len(l.failed)-n, len(l.failed))
	}
	var verdict string
	if err := db.Read(t.Context()).Raw("pragma integrity_check").Scan(&verdict).Error; err != nil || verdict != "ok" {
		t.Errorf("integrity: %s (%v)", verdict, err)
	}
}

// TestOneOfTwoIsClosedHard lets two handles of one PostgreSQL store, claim and finish, and breaks every connection of the first
// in the middle, again and again. Then the second goes on alone.
func TestOneOfTwoIsClosedHard(t *testing.T) {
	c := &clock{t: noon}
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		second := storetest.OpenWith(t, store.Options{DSN: dsn, Now: c.now})
		values := u.Query()
		values.Set("application_name", t.Name())
		u.RawQuery = values.Encode()
		first := storetest.OpenWith(t, store.Options{DSN: u.String(), Now: c.now})
		addRegistry(t, second, acme("acmereg", registry.Premium))
		q := queueOf(t, second, "acmereg", 1)
		q.clock = c
		var l ledger
		var mu sync.Mutex
		sent := map[delivery.ID]int{} // as receivers count them
		var all sync.WaitGroup
		for i := range 8 {
			db := []*store.DB{first, second}[i%2]
			all.Go(func() {
				for range 40 {
					if err := l.tell(q, db); err != nil && (db == second || !fault.Is(err, fault.Unavailable)) {
						t.Errorf("storing: %v", err)
					}
					jobs, err := db.Claim(t.Context(), 3, delivery.Caps{Default: 1000}, lease)
					if err != nil && len(jobs) > 0 {
						t.Errorf("jobs with the error %v", err)
					}
					var done []delivery.Done
					mu.Lock()
					for _, job := range jobs {
						sent[job.Delivery.ID]++
						done = append(done, delivery.Next(job, q.attempt(job, 200), c.now(), nil))
					}
					mu.Unlock()
					if err := db.Finish(t.Context(), done); err != nil && db == second {
						t.Errorf("finishing: %v", err)
					}
				}
			})
		}
		broken := int64(0)
		all.Go(func() {
			for range 15 {
				done := second.Read(t.Context()).Exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name = ?", t.Name())
				if done.Error != nil {
					t.Error(done.Error)
				}
				broken += done.RowsAffected
			}
		})
		all.Wait()
		if broken == 0 {
			t.Fatal("no connection was broken")
		}
		c.advance(lease)
		for jobs := q.claim(100, 1000); len(jobs) > 0; jobs = q.claim(100, 1000) {
			for _, job := range jobs {
				sent[job.Delivery.ID]++
			}
			q.finish(jobs, 200)
		}
		if n := missing(q, l.stored); n != 0 {
			t.Errorf("%d of %d acknowledged events are missing", n, len(l.stored))
		}
		for _, id := range l.stored {
			if got := q.stored(id); got.State != delivery.Delivered || sent[id] == 0 {
				t.Errorf("%s is %s and was sent %d times", id, got.State, sent[id])
			}
		}
		for id, n := range sent {
			if rows := len(q.causes(id)); rows < n {
				t.Errorf("%s was sent %d times and has %d attempts", id, n, rows)
			}
		}
	})
}

// TestTheQueueAgainstAModel lets anything happen in any order, and holds the queue to a few lines of model.
func TestTheQueueAgainstAModel(t *testing.T) {
	c := &clock{t: noon}
	db := storetest.OpenWith(t, store.Options{DSN: storetest.File(t), Now: c.now})
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		reg := registry.Name(fmt.Sprintf("model%d", run))
		addRegistry(t, db, acme(reg, registry.Premium))
		q := queueOf(t, db, reg, 3)
		q.clock, q.ids = c, delivery.NewIDs(c.now)
		m := model{q: q, claims: map[delivery.ID]int{}, flying: map[delivery.ID]time.Time{}, jobs: map[delivery.ID]delivery.Job{}}
		rt.Repeat(map[string]func(*rapid.T){
			"push": func(rt *rapid.T) {
				m.known = append(m.known, q.waiting(rapid.IntRange(0, 2).Draw(rt, "hook"), rapid.IntRange(1, 4).Draw(rt, "n"))...)
			},
			"ping":    func(rt *rapid.T) { m.known = append(m.known, q.ping(rapid.IntRange(0, 2).Draw(rt, "hook"))) },
			"claim":   m.claim,
			"finish":  m.finish,
			"advance": func(rt *rapid.T) { c.advance(time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second) },
			"toggle":  func(rt *rapid.T) { q.toggle(rapid.IntRange(0, 2).Draw(rt, "hook")) },
			"":        m.check,
		})
		if err := db.DeleteRegistry(t.Context(), reg, 0); err != nil {
			rt.Fatal(err)
		}
	})
}

// model is what a queue must look like.
type model struct {
	q      *queue
	known  []delivery.ID
	claims map[delivery.ID]int
	flying map[delivery.ID]time.Time // when the lease ends
	jobs   map[delivery.ID]delivery.Job
}

func (m *model) claim(rt *rapid.T) {
	n, most := rapid.IntRange(1, 6).Draw(rt, "n"), rapid.IntRange(0, 3).Draw(rt, "cap")
	now := m.q.clock.now()
	jobs := m.q.claim(n, most)
	if len(jobs) > n {
		rt.Fatalf("%d jobs, asked for %d", len(jobs), n)
	}
	for _, job := range jobs {
		id := job.Delivery.ID
		if end, flies := m.flying[id]; flies && now.Before(end) {
			rt.Fatalf("%s is claimed again before its lease ends", id)
		}
		m.claims[id]++
		if job.Delivery.Attempts != m.claims[id] {
			rt.Fatalf("%s: attempt %d, want %d", id, job.Delivery.Attempts, m.claims[id])
		}
		m.flying[id], m.jobs[id] = now.Add(lease), job
	}
	for hook, count := range m.inFlight(now) {
		if added := of(jobs)[hook]; added > 0 && count > most && !slices.ContainsFunc(jobs, func(j delivery.Job) bool { return j.Delivery.Action == event.Ping }) {
			rt.Fatalf("%d of %s are in flight, want at most %d", count, hook, most)
		}
	}
}

// inFlight counts what is in flight by webhook.
func (m *model) inFlight(now time.Time) map[webhook.Name]int {
	counts := map[webhook.Name]int{}
	for id, end := range m.flying {
		if now.Before(end) {
			counts[m.jobs[id].Webhook.Name]++
		}
	}
	return counts
}

func (m *model) finish(rt *rapid.T) {
	ids := slices.Sorted(maps.Keys(m.flying))
	if len(ids) == 0 {
		rt.Skip("nothing is in flight")
	}
	id := rapid.SampledFrom(ids).Draw(rt, "delivery")
	m.q.finish([]delivery.Job{m.jobs[id]}, rapid.SampledFrom([]int{200, 404, 500}).Draw(rt, "answer"))
	delete(m.flying, id)
}

// check compares what is stored of every delivery: attempts as they were claimed, and a row for each that ended.
func (m *model) check(rt *rapid.T) {
	page, err := m.q.db.Deliveries(m.q.t.Context(), delivery.Filter{Registry: m.q.reg, Limit: 1000})
	if err != nil || page.Older || len(page.Deliveries) != len(m.known) {
		rt.Fatalf("%d deliveries of %d are there (%v)", len(page.Deliveries), len(m.known), err)
	}
	counts := m.q.attemptsOf()
	for _, got := range page.Deliveries {
		id := got.ID
		if got.Attempts != m.claims[id] {
			rt.Fatalf("%s has %d attempts, want %d", id, got.Attempts, m.claims[id])
		}
		rows := counts[id]
		if _, flies := m.flying[id]; !flies && rows != got.Attempts || rows < got.Attempts-1 || rows > got.Attempts {
			rt.Fatalf("%s has %d attempts and %d rows of them", id, got.Attempts, rows)
		}
		if got.State == delivery.Delivered && got.Last.Status != 200 {
			rt.Fatalf("%s is shown as delivered with the answer %d", id, got.Last.Status)
		}
	}
}
