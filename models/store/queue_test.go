package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/models/webhook"
	"dockbell/web/dispatch"
)

var (
	_ dispatch.Queue = (*store.DB)(nil)
	_ delivery.Store = (*store.DB)(nil)
)

// lease is how long the tests claim.
const lease = time.Minute

// clock stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// queue is a registry with webhooks, and what tests do to its deliveries.
type queue struct {
	t     testing.TB
	db    *store.DB
	clock *clock
	reg   registry.Name
	hooks []webhook.Webhook
	ids   *delivery.IDs
}

// eachQueue runs a test on every database, with webhooks hook0, hook1, ... and a clock that stands at noon.
func eachQueue(t *testing.T, hooks int, test func(t *testing.T, q *queue)) {
	t.Helper()
	c := &clock{t: noon}
	storetest.EachWith(t, store.Options{Now: c.now}, func(t *testing.T, db *store.DB) {
		c.t = noon
		addRegistry(t, db, acme("acmereg", registry.Premium))
		q := queueOf(t, db, "acmereg", hooks)
		q.clock, q.ids = c, delivery.NewIDs(c.now)
		test(t, q)
	})
}

// queueOf adds webhooks to a registry of an open database.
func queueOf(t testing.TB, db *store.DB, reg registry.Name, hooks int) *queue {
	t.Helper()
	c := &clock{t: noon}
	q := &queue{t: t, db: db, clock: c, reg: reg, ids: delivery.NewIDs(c.now)}
	for i := range hooks {
		w := hookOf(reg, webhook.Name(fmt.Sprintf("hook%d", i)))
		if err := db.AddWebhook(t.Context(), w, 500); err != nil {
			t.Fatal(err)
		}
		q.hooks = append(q.hooks, w)
	}
	return q
}

func (q *queue) id() delivery.ID { return q.ids.Next() }

// entry is an event with a delivery for each of these webhooks, due now; all send the same body.
func (q *queue) entry(action event.Action, hooks ...webhook.Webhook) delivery.Entry {
	now := q.clock.now()
	ev := event.Event{
		ID: event.ID(uuid.NewString()), Registry: q.reg, Location: "eastus", Action: action, Time: now, Source: "builtin",
		Target: event.Target{Repository: "api", Tag: "v1", Digest: "sha256:0"},
	}
	entry := delivery.Entry{Event: ev}
	for _, hook := range hooks {
		entry.Verdicts = append(entry.Verdicts, webhook.Verdict{WebhookID: hook.ID, Webhook: hook.Name, Fires: true, As: action, Reason: "It matches."})
		entry.Deliveries = append(entry.Deliveries, delivery.Delivery{
			ID: q.id(), EventID: ev.ID, Registry: q.reg, WebhookID: hook.ID, Webhook: hook.Name, Action: action,
			Image: delivery.Image{Repository: ev.Target.Repository, Tag: ev.Target.Tag, Digest: ev.Target.Digest},
			Body:  []byte("body of " + ev.ID), State: delivery.Pending, Next: now, Created: now,
		})
	}
	return entry
}

// entries are n pushes for every webhook.
func (q *queue) entries(n int) []delivery.Entry {
	all := make([]delivery.Entry, 0, n)
	for range n {
		all = append(all, q.entry(event.Push, q.hooks...))
	}
	return all
}

// record stores entries that the test needs to be there.
func (q *queue) record(entries ...delivery.Entry) {
	q.t.Helper()
	_, err := q.db.Record(q.t.Context(), nil, func(event.Outcome) ([]delivery.Entry, error) { return entries, nil })
	if err != nil {
		q.t.Fatal(err)
	}
}

// waiting stores n pushes for one webhook and gives their deliveries' IDs.
func (q *queue) waiting(hook, n int) []delivery.ID {
	q.t.Helper()
	var entries []delivery.Entry
	var ids []delivery.ID
	for range n {
		entries = append(entries, q.entry(event.Push, q.hooks[hook]))
		ids = append(ids, entries[len(entries)-1].Deliveries[0].ID)
	}
	q.record(entries...)
	return ids
}

// ping stores a ping for one webhook.
func (q *queue) ping(hook int) delivery.ID {
	q.t.Helper()
	entry := q.entry(event.Ping, q.hooks[hook])
	q.record(entry)
	return entry.Deliveries[0].ID
}

// claim claims with one cap for every webhook.
func (q *queue) claim(n, most int) []delivery.Job {
	return q.claimWith(n, delivery.Caps{Default: most})
}

func (q *queue) claimWith(n int, caps delivery.Caps) []delivery.Job {
	q.t.Helper()
	jobs, err := q.db.Claim(q.t.Context(), n, caps, lease)
	if err != nil {
		q.t.Fatal(err)
	}
	return jobs
}

// attempt is a job's attempt that began now, took 5 ms and was answered with this status.
func (q *queue) attempt(job delivery.Job, status int) delivery.Attempt {
	a := delivery.Attempt{
		DeliveryID: job.Delivery.ID, Number: job.Delivery.Attempts, Started: q.clock.now(), Duration: 5 * time.Millisecond, Status: status,
		RequestURI: "https://hooks.example.com/", Proto: "HTTP/1.1",
	}
	if status < 200 || status > 299 {
		a.Cause, a.Sentence = delivery.CauseStatus, "Not delivered."
	}
	return a
}

// finish writes the same answer for all jobs.
func (q *queue) finish(jobs []delivery.Job, status int) {
	q.t.Helper()
	var done []delivery.Done
	for _, job := range jobs {
		done = append(done, delivery.Next(job, q.attempt(job, status), q.clock.now(), nil))
	}
	q.write(done...)
}

func (q *queue) write(done ...delivery.Done) {
	q.t.Helper()
	if err := q.db.Finish(q.t.Context(), done); err != nil {
		q.t.Fatal(err)
	}
}

// stored gives a delivery as it is stored.
func (q *queue) stored(id delivery.ID) delivery.Delivery {
	q.t.Helper()
	del, err := q.db.Delivery(q.t.Context(), q.reg, id)
	if err != nil {
		q.t.Fatal(err)
	}
	return del
}

// attemptsOf counts the attempts of every delivery of the registry.
func (q *queue) attemptsOf() map[delivery.ID]int {
	q.t.Helper()
	var rows []struct {
		DeliveryID delivery.ID
		Number     int
	}
	err := q.db.Read(q.t.Context()).Raw(`select delivery_id, number from attempts
		where delivery_id in (select id from deliveries where registry = ?) order by delivery_id, number`, string(q.reg)).Scan(&rows).Error
	if err != nil {
		q.t.Fatal(err)
	}
	counts := map[delivery.ID]int{}
	for _, row := range rows {
		if counts[row.DeliveryID]++; row.Number != counts[row.DeliveryID] {
			q.t.Errorf("attempt %d of %s stands at place %d", row.Number, row.DeliveryID, counts[row.DeliveryID])
		}
	}
	return counts
}

// causes gives the causes of a delivery's attempts in order.
func (q *queue) causes(id delivery.ID) []delivery.Cause {
	q.t.Helper()
	attempts, err := q.db.Attempts(q.t.Context(), id)
	if err != nil {
		q.t.Fatal(err)
	}
	all := []delivery.Cause{}
	for i, a := range attempts {
		if a.Number != i+1 {
			q.t.Errorf("attempt %d of %s stands at place %d", a.Number, id, i+1)
		}
		all = append(all, a.Cause)
	}
	return all
}

// health gives what is known of one webhook now.
func (q *queue) health(hook int) delivery.Health {
	q.t.Helper()
	all, err := q.db.Health(q.t.Context(), []string{q.hooks[hook].ID}, q.clock.now())
	if err != nil {
		q.t.Fatal(err)
	}
	return all[q.hooks[hook].ID]
}

// of counts jobs by webhook name.
func of(jobs []delivery.Job) map[webhook.Name]int {
	counts := map[webhook.Name]int{}
	for _, job := range jobs {
		counts[job.Webhook.Name]++
	}
	return counts
}

// idsOf gives the IDs of jobs in order.
func idsOf(jobs []delivery.Job) []delivery.ID {
	ids := make([]delivery.ID, 0, len(jobs))
	for _, job := range jobs {
		ids = append(ids, job.Delivery.ID)
	}
	return ids
}
