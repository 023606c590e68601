package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/audit"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/keeping"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

const day = 24 * time.Hour

// keeper forgets in a database whose clock is q's, without resting.
func (q *queue) keeper(periods keeping.Periods) *keeping.Keeper {
	return &keeping.Keeper{
		Store: q.db, Periods: func(context.Context) (keeping.Periods, error) { return periods, nil }, Now: q.clock.now,
		Rest: func(context.Context, time.Duration) {}, Log: slog.New(slog.DiscardHandler),
	}
}

// usual are the periods of an installation that chose none.
var usual = keeping.Periods{keeping.History: 30, keeping.Counters: 400, keeping.Audit: 400, keeping.Inbox: 30}

func (q *queue) forget(periods keeping.Periods) map[keeping.Thing]int {
	q.t.Helper()
	gone, err := q.keeper(periods).Forget(q.t.Context())
	if err != nil {
		q.t.Fatal(err)
	}
	return gone
}

// rows counts what the tables hold.
func (q *queue) rows(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{"events", "deliveries", "bodies", "attempts", "images", "event_hours", "webhook_hours", "audit", "received"} {
		all[table] = rowsOf(t, q.db, table)
	}
	return all
}

func wantsRows(t *testing.T, q *queue, want map[string]int) {
	t.Helper()
	if got := q.rows(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the tables hold %v\n               want %v", got, want)
	}
}

func TestHistoryIsForgottenByItsAge(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		q.record(q.entries(3)...)
		q.finish(q.claim(6, 6), 200)
		q.clock.advance(10 * day)
		q.record(q.entries(2)...)
		q.finish(q.claim(4, 4), 200)
		full := q.rows(t)

		q.clock.advance(20*day - time.Second)
		if gone := q.forget(usual); len(gone) != 0 {
			t.Errorf("before anything is old %v are forgotten", gone)
		}
		wantsRows(t, q, full)

		// The deliveries go first, their payloads a little and their events a day later.
		q.clock.advance(2 * time.Second)
		if gone := q.forget(usual); gone[keeping.Deliveries] != 6 || len(gone) != 1 {
			t.Errorf("forgotten are %v", gone)
		}
		q.clock.advance(day + time.Minute)
		if gone := q.forget(usual); gone[keeping.Bodies] != 3 || gone[keeping.Events] != 3 || len(gone) != 2 {
			t.Errorf("forgotten are %v", gone)
		}
		wantsRows(t, q, map[string]int{
			"events": 2, "deliveries": 4, "bodies": 2, "attempts": 4, "images": 1, "received": 0, "audit": 0,
			"event_hours": full["event_hours"], "webhook_hours": full["webhook_hours"],
		})
		if h := q.health(0); h.Last.Status != 200 {
			t.Errorf("the last result of the webhook is %v", h.Last)
		}

		q.clock.advance(400 * day)
		if gone := q.forget(usual); gone[keeping.EventHours] == 0 || gone[keeping.WebhookHours] == 0 {
			t.Errorf("forgotten are %v", gone)
		}
		wantsRows(t, q, map[string]int{
			"events": 0, "deliveries": 0, "bodies": 0, "attempts": 0, "images": 0, "received": 0, "audit": 0, "event_hours": 0, "webhook_hours": 0,
		})
		if h := q.health(1); h.Last.Status != 200 {
			t.Errorf("the last result of the webhook is %v", h.Last)
		}

		// An image that was forgotten is found again when something happens to it.
		q.record(q.entries(1)...)
		if page, err := q.db.Deliveries(t.Context(), delivery.Filter{Text: "api:v1"}); err != nil || len(page.Deliveries) != 2 {
			t.Errorf("the search finds %d deliveries, %v", len(page.Deliveries), err)
		}
	})
}

func TestWhatWaitsIsNeverForgotten(t *testing.T) {
	eachQueue(t, 3, func(t *testing.T, q *queue) {
		q.record(q.entries(2)...) // for three webhooks, which share a body
		for _, job := range q.claim(6, 6) {
			switch job.Webhook.Name {
			case "hook0":
				q.finish([]delivery.Job{job}, 200)
			case "hook1": // waits for a retry
				q.finish([]delivery.Job{job}, 500)
			}
			// That of hook2 is being sent.
		}
		old := q.claimed(t)
		q.clock.advance(3 * 365 * day)
		if gone := q.forget(usual); gone[keeping.Deliveries] != 2 || gone[keeping.Bodies] != 0 || gone[keeping.Events] != 0 {
			t.Errorf("forgotten are %v", gone)
		}
		jobs := q.claim(10, 10)
		if len(jobs) != 4 {
			t.Fatalf("%d of 4 are sent again", len(jobs))
		}
		for _, job := range jobs {
			if string(job.Delivery.Body) != "body of "+string(job.Delivery.EventID) {
				t.Errorf("the payload of %s is %q", job.Delivery.ID, job.Delivery.Body)
			}
			if _, err := q.db.Event(t.Context(), q.reg, job.Delivery.EventID); err != nil {
				t.Errorf("the event of a delivery that waits: %v", err)
			}
		}
		q.finish(jobs, 200)
		q.forget(usual)
		if got := q.rows(t); got["deliveries"]+got["bodies"]+got["events"]+got["attempts"] != 0 {
			t.Errorf("after they were sent %v are left of %v", got, old)
		}
	})
}

// claimed gives the rows of deliveries that are being sent.
func (q *queue) claimed(t *testing.T) (ids []int64) {
	t.Helper()
	if err := q.db.Read(t.Context()).Raw("select id from deliveries where claimed <> 0 order by id").Scan(&ids).Error; err != nil || len(ids) == 0 {
		t.Fatal(ids, err)
	}
	return ids
}

func TestLongHistoriesAreForgottenInSteps(t *testing.T) {
	eachQueue(t, 2, func(t *testing.T, q *queue) {
		for range 20 {
			q.record(q.entries(100)...)
			q.finish(q.claim(200, 200), 200)
		}
		q.clock.advance(50 * day)
		k, steps := q.keeper(usual), 0
		k.Stepped = func(s keeping.Step) {
			steps++
			if s.Forgotten > 500 {
				t.Errorf("a step forgets %d rows", s.Forgotten)
			}
		}
		gone, err := k.Forget(t.Context())
		if err != nil || gone[keeping.Deliveries] != 4000 || gone[keeping.Events] != 2000 || gone[keeping.Bodies] != 2000 {
			t.Errorf("forgotten are %v, %v", gone, err)
		}
		if steps < 8000/500 {
			t.Errorf("it took %d steps", steps)
		}
	})
}

func TestHeavyRowsGoFewAtATime(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		q.record(q.entries(40)...)
		for _, job := range q.claim(40, 40) {
			a := q.attempt(job, 200)
			a.ResponseBody = make([]byte, 64<<10)
			q.write(delivery.Next(job, a, q.clock.now(), nil))
		}
		q.clock.advance(50 * day)
		step, err := q.db.Forget(t.Context(), keeping.Deliveries, q.clock.now(), keeping.Mark{}, 500)
		if err != nil || step.Forgotten == 0 || step.Forgotten > 4 || step.Done {
			t.Errorf("the first step is %+v, %v", step, err)
		}
		q.forget(usual)
		if n := rowsOf(t, q.db, "attempts"); n != 0 {
			t.Errorf("%d attempts are left", n)
		}
	})
}

func TestTheRecordAndInboxesAreForgotten(t *testing.T) {
	eachQueue(t, 1, func(t *testing.T, q *queue) {
		box := delivery.Inbox{Token: "box", Registry: q.reg, Created: noon, Answer: delivery.Answer{Status: 200}}
		if err := q.db.AddInbox(t.Context(), box, 5); err != nil {
			t.Fatal(err)
		}
		happens := func() {
			if err := q.db.AddAudit(audit.Note(t.Context(), audit.Entry{Action: "secret.read", Object: "hook0"})); err != nil {
				t.Fatal(err)
			}
			if _, err := q.db.KeepReceived(t.Context(), "box", delivery.Received{At: q.clock.now(), Method: "POST", Body: []byte("a body")}, 100); err != nil {
				t.Fatal(err)
			}
		}
		happens()
		q.clock.advance(20 * day)
		happens()
		q.clock.advance(11 * day)
		if gone := q.forget(usual); gone[keeping.Requests] != 1 || len(gone) != 1 {
			t.Errorf("forgotten are %v", gone)
		}
		if gone := q.forget(keeping.Periods{keeping.Audit: 15}); gone[keeping.AuditLog] != 1 || len(gone) != 1 {
			t.Errorf("forgotten are %v", gone)
		}
		if gone := q.forget(keeping.Periods{keeping.Audit: keeping.Forever}); len(gone) != 0 {
			t.Errorf("of what is kept for ever %v are forgotten", gone)
		}
		if left, err := q.db.Received(t.Context(), "box", 0, 10); err != nil || len(left) != 1 {
			t.Errorf("%d requests are left, %v", len(left), err)
		}
	})
}

// TestSeveralForgetAtOnce: each row goes once, whoever finds it, while others are made and sent.
func TestSeveralForgetAtOnce(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		c := &clock{t: noon}
		open := func() *store.DB { return storetest.OpenWith(t, store.Options{DSN: dsn, Now: c.now}) }
		db := open()
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 2)
		q.clock, q.ids = c, delivery.NewIDs(c.now)
		for range 5 {
			q.record(q.entries(100)...)
			q.finish(q.claim(200, 200), 200)
		}
		c.advance(50 * day)
		others := []*store.DB{db}
		if db.Postgres() {
			others = append(others, open(), open())
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		gone := map[keeping.Thing]int{}
		for _, other := range others {
			all.Go(func() {
				k := q.keeper(usual)
				k.Store = other
				n, err := k.Forget(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for thing, rows := range n {
					gone[thing] += rows
				}
			})
		}
		q.record(q.entries(20)...)
		q.finish(q.claim(40, 40), 200)
		all.Wait()
		for thing, n := range q.forget(usual) { // what one left to another that then did not come by
			gone[thing] += n
		}
		if gone[keeping.Deliveries] != 1000 || gone[keeping.Events] != 500 || gone[keeping.Bodies] != 500 {
			t.Errorf("forgotten are %v", gone)
		}
		if got := q.rows(t); got["deliveries"] != 40 || got["events"] != 20 || got["bodies"] != 20 || got["attempts"] != 40 || got["images"] != 1 {
			t.Errorf("left are %v", got)
		}
	})
}

// TestAnImageComesBack: with PostgreSQL a push can find its image there while another transaction removes it, and neither sees
// the other. The image returns.
func TestAnImageComesBack(t *testing.T) {
	c := &clock{t: noon}
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		open := func() *store.DB { return storetest.OpenWith(t, store.Options{DSN: dsn, Now: c.now}) }
		db, other := open(), open()
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", 1)
		q.clock, q.ids = c, delivery.NewIDs(c.now)
		q.record(q.entries(1)...)
		q.finish(q.claim(1, 1), 200)
		c.advance(50 * day)
		entry := q.entry(event.Push, q.hooks[0])
		pushed := make(chan error, 1)
		err := other.Write(t.Context(), func(tx *gorm.DB) error {
			if err := other.Keep(tx, entry); err != nil { // not committed: the removal does not see it
				return err
			}
			go func() { _, err := q.keeper(usual).Forget(context.WithoutCancel(t.Context())); pushed <- err }()
			return <-pushed
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := rowsOf(t, db, "images"); n != 0 {
			t.Fatalf("%d images are there: nothing was missed", n)
		}
		c.advance(2 * time.Minute)
		q.forget(usual)
		if n := rowsOf(t, db, "images"); n != 1 {
			t.Errorf("%d images are there", n)
		}
	})
}
