package dispatch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// shelf is a Queue in memory: what the store promises, with the clock of the test.
type shelf struct {
	mu     sync.Mutex
	lines  map[delivery.ID]*line
	paused map[string]time.Time // webhooks, until when
	last   delivery.ID
	turn   int64
	calls  calls

	claimErr  func() error // nil: no refusal. What was claimed is handed out beside the error, as a careless driver does
	finishErr func(done []delivery.Done) error
	commit    time.Duration // how long a Finish takes
}

type line struct {
	job    delivery.Job
	due    time.Time // zero: nothing planned
	leased time.Time // until when
	ends   []delivery.Done
}

// calls is what the dispatcher asked of the queue.
type calls struct {
	claims   []int // how many were asked for
	caps     []delivery.Caps
	lease    time.Duration
	finishes [][]delivery.Done
	looks    int
	released int
}

func newShelf() *shelf {
	return &shelf{lines: map[delivery.ID]*line{}, paused: map[string]time.Time{}}
}

// put adds a delivery of a webhook that is due now.
func (s *shelf) put(hook webhook.Webhook, action event.Action) delivery.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	del := delivery.Delivery{
		ID: s.last, WebhookID: hook.ID, Webhook: hook.Name, Registry: "acmereg", Action: action,
		EventID: "5b0d6f1e-7c0e-4e57-9a57-0c9c3c1f2a11", Body: []byte(`{"action":"push"}`), State: delivery.Pending, Created: time.Now(),
	}
	s.lines[del.ID] = &line{job: delivery.Job{Delivery: del, Webhook: &hook}, due: time.Now()}
	return del.ID
}

func (s *shelf) Claim(_ context.Context, n int, caps delivery.Caps, lease time.Duration) ([]delivery.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.claims, s.calls.caps, s.calls.lease = append(s.calls.claims, n), append(s.calls.caps, caps), lease
	var got []delivery.Job
	flying, now := map[string]int{}, time.Now()
	for _, l := range s.lines {
		if l.leased.After(now) {
			flying[l.job.Delivery.WebhookID]++
		}
	}
	for _, l := range s.inTurns(now) {
		id := l.job.Delivery.WebhookID
		most, known := caps.Of[id]
		if !known {
			most = caps.Default
		}
		if len(got) == n || flying[id] >= most {
			continue
		}
		flying[id]++
		l.leased = now.Add(lease)
		l.job.Delivery.Attempts++
		l.job.Turn = s.turn
		got = append(got, l.job)
	}
	if s.claimErr != nil {
		return got, s.claimErr()
	}
	return got, nil
}

// inTurns gives what is due now, the first of every webhook before the second of any.
func (s *shelf) inTurns(now time.Time) []*line {
	type placed struct {
		*line
		turn int
	}
	var due []*line
	for _, l := range s.lines {
		if !l.due.IsZero() && !l.due.After(now) && !l.leased.After(now) && !s.paused[l.job.Delivery.WebhookID].After(now) {
			due = append(due, l)
		}
	}
	slices.SortFunc(due, func(a, b *line) int { return cmp.Compare(a.job.Delivery.ID, b.job.Delivery.ID) })
	turns, order := map[string]int{}, []placed{}
	for _, l := range due {
		id := l.job.Delivery.WebhookID
		order = append(order, placed{l, turns[id]})
		turns[id]++
	}
	slices.SortStableFunc(order, func(a, b placed) int { return cmp.Compare(a.turn, b.turn) })
	for i, p := range order {
		due[i] = p.line
	}
	return due
}

func (s *shelf) Finish(ctx context.Context, done []delivery.Done) error {
	if s.commit > 0 {
		time.Sleep(s.commit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.finishes = append(s.calls.finishes, slices.Clone(done))
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.finishErr != nil {
		if err := s.finishErr(done); err != nil {
			return err
		}
	}
	for _, d := range done {
		l := s.lines[d.Delivery.ID]
		l.job.Delivery, l.due, l.leased = d.Delivery, d.Delivery.Next, time.Time{}
		l.ends = append(l.ends, d)
		if d.Pause > 0 {
			s.paused[d.Delivery.WebhookID] = time.Now().Add(d.Pause)
		}
	}
	return nil
}

func (s *shelf) NextDue(context.Context) (due delivery.Due, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.looks++
	for _, l := range s.lines {
		if l.due.IsZero() {
			continue
		}
		at := latest(l.due, l.leased, s.paused[l.job.Delivery.WebhookID])
		if due.At.IsZero() || at.Before(due.At) {
			due.At = at
		}
		if !at.After(time.Now()) {
			due.Waiting = append(due.Waiting, l.job.Delivery.WebhookID)
		}
	}
	return due, nil
}

func (s *shelf) Release(_ context.Context, jobs []delivery.Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, job := range jobs {
		l := s.lines[job.Delivery.ID]
		l.leased = time.Time{}
		l.job.Delivery.Attempts--
		s.calls.released++
	}
	return nil
}

func (s *shelf) Turn() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn
}

// change makes every claim out of date, as the change of a webhook does.
func (s *shelf) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
}

// pause holds a webhook back.
func (s *shelf) pause(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused[id] = time.Now().Add(1000 * time.Hour)
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// ends gives the attempts of a delivery that were stored.
func (s *shelf) ends(id delivery.ID) []delivery.Done {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines[id].ends)
}

func (s *shelf) asked() calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	return calls{slices.Clone(s.calls.claims), slices.Clone(s.calls.caps), s.calls.lease, slices.Clone(s.calls.finishes), s.calls.looks, s.calls.released}
}

// script is a Sender that does as it is told and remembers what was in flight.
type script struct {
	send func(ctx context.Context, job delivery.Job) delivery.Attempt

	mu     sync.Mutex
	flying map[string]int
	most   map[string]int // in flight at once, by webhook and under "" in all
	sent   []sending
}

type sending struct {
	hook string
	id   delivery.ID
	at   time.Time
}

func (s *script) Send(ctx context.Context, job delivery.Job) delivery.Attempt {
	keys := []string{"", job.Webhook.ID}
	s.mu.Lock()
	if s.flying == nil {
		s.flying, s.most = map[string]int{}, map[string]int{}
	}
	for _, k := range keys {
		s.flying[k]++
		s.most[k] = max(s.most[k], s.flying[k])
	}
	s.sent = append(s.sent, sending{job.Webhook.ID, job.Delivery.ID, time.Now()})
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, k := range keys {
			s.flying[k]--
		}
	}()
	started := time.Now()
	att := s.send(ctx, job)
	att.DeliveryID, att.Number, att.Started, att.Duration = job.Delivery.ID, job.Delivery.Attempts, started, time.Since(started)
	return att
}

func (s *script) times(id delivery.ID) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Time
	for _, x := range s.sent {
		if x.id == id {
			all = append(all, x.at)
		}
	}
	return all
}

func (s *script) peak(hook string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most[hook]
}

// answers makes a script that answers with a status after a while, or is interrupted.
func answers(status int, after time.Duration) *script {
	return &script{send: func(ctx context.Context, _ delivery.Job) delivery.Attempt { return answer(ctx, status, after) }}
}

func answer(ctx context.Context, status int, after time.Duration) delivery.Attempt {
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return delivery.Attempt{Cause: delivery.CauseInterrupted}
	}
	switch status {
	case 0:
		return delivery.Attempt{Cause: delivery.CauseAnswerTimeout}
	case 200:
		return delivery.Attempt{Status: status}
	default:
		return delivery.Attempt{Status: status, Cause: delivery.CauseStatus}
	}
}

func hook(id string) webhook.Webhook {
	return webhook.Webhook{ID: id, Name: webhook.Name(id), Registry: "acmereg", Status: webhook.Enabled, ServiceURI: webhook.StoredURI("http://127.0.0.1:9/" + id)}
}

// running starts a dispatcher and gives a stop that waits for its end; it is stopped with the test at the latest.
func running(t *testing.T, d *Dispatcher) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func noJitter() float64 { return 0 }
