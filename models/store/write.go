package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"dockbell/models/fault"
)

// Bounds of a commit.
const (
	maxBatch  = 256 // writes that share one commit
	deadlocks = 3   // times that PostgreSQL may choose one write as the victim of a deadlock before its caller hears of it
	crowd     = 5   // writes in a commit from which on the next one gathers
)

// gatherFor is the longest that a commit waits for a crowd. Whoever was answered by the last commit and goes on writing is back
// sooner; a commit costs much the same however many share it.
const gatherFor = 2 * time.Millisecond

// patience is how long writes wait at most for the end of another commit before they have one of their own.
const patience = 10 * time.Millisecond

// write runs fn in a transaction and returns when it is committed. Writes that come while a commit is under way share the
// next one; a lone write never waits, and in a crowd it waits for the others, gatherFor at most. When anything in a shared
// transaction fails it is rolled back and its writes are repeated: fn may run more than once and must not have effects
// outside tx. What it read counts after a nil error.
// What ctx notes of the change is recorded with it (audit.Note).
func (db *DB) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return db.writer.do(ctx, &request{fn: db.recorded(ctx, fn)})
}

// request is one write on its way to a commit: what it does, or what is stored of events together with those of other writes.
type request struct {
	fn    func(tx *gorm.DB) error
	part  *part
	taken atomic.Bool // by the writer, which will answer, or by its caller, who gave up
	done  chan error
}

// writer commits what callers hand in, in groups.
type writer struct {
	pool  *gorm.DB
	limit time.Duration // of one transaction; 0: none
	now   func() time.Time

	storeParts func(tx *gorm.DB, parts []*part) error

	gathers bool    // for one goroutine alone: of several, the others commit meanwhile
	direct  *direct // SQLite's

	mu      sync.Mutex
	arrived *sync.Cond
	waiting []*request
	last    int         // writes in the newest commit
	busy    int         // commits that are under way
	late    *time.Timer // runs while a commit waits for the end of another one
	overdue bool        // it has run out
	want    int         // writes for which a commit gathers; 0: none does
	closed  bool
	running sync.WaitGroup

	commits   atomic.Int64
	committed atomic.Int64 // when the last commit succeeded, in microseconds
}

// newWriter starts n goroutines that commit; limit bounds a transaction.
func (db *DB) newWriter(pool *gorm.DB, n int, limit time.Duration) *writer {
	w := &writer{pool: pool, storeParts: db.storeParts, limit: limit, now: db.now, gathers: n == 1}
	w.arrived = sync.NewCond(&w.mu)
	for i := range n {
		w.running.Go(func() { w.run(context.WithValue(context.Background(), committer{}, int64(i))) })
	}
	return w
}

func (w *writer) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.done = make(chan error, 1)
	if !w.add(r) {
		return fault.New(fault.Unavailable, "The server is stopping. Try again in a moment.").After(time.Second)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-r.done // it is being committed: the outcome counts, not the wish to leave
	}
}

func (w *writer) add(r *request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.waiting = append(w.waiting, r)
	if len(w.waiting) >= w.want {
		w.arrived.Signal()
	}
	return true
}

// take waits for writes and gives all that are there; none means that the writer is closed and everything is done.
func (w *writer) take() []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed && (len(w.waiting) == 0 || w.patient()) {
		w.arrived.Wait()
	}
	w.gather()
	if w.late != nil {
		w.late.Stop()
	}
	w.late, w.overdue = nil, false
	n := min(len(w.waiting), maxBatch)
	w.last = n
	w.busy++
	if len(w.waiting) > n {
		w.arrived.Signal()
	}
	batch := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	return batch
}

// patient reports whether a commit is to wait for the end of the one that is under way. In a crowd one large commit after the other
// costs less than several small ones side by side; one that takes long, because it waits for another process, holds nobody up.
func (w *writer) patient() bool {
	if w.busy == 0 || w.last < crowd || len(w.waiting) >= maxBatch || w.overdue {
		return false
	}
	if w.late == nil {
		w.late = time.AfterFunc(patience, func() {
			w.mu.Lock()
			w.overdue = true
			w.mu.Unlock()
			w.arrived.Broadcast()
		})
	}
	return true
}

// ended is told of the end of each commit that take gave.
func (w *writer) ended() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
}

// gather waits, when the last commit had a crowd, until as many writes are there again.
func (w *writer) gather() {
	if !w.gathers || w.last < crowd || len(w.waiting) >= w.last || w.closed {
		return
	}
	w.want = w.last
	late := time.AfterFunc(gatherFor, func() {
		w.mu.Lock()
		w.want = 0
		w.mu.Unlock()
		w.arrived.Signal()
	})
	for len(w.waiting) < w.want && !w.closed {
		w.arrived.Wait()
	}
	w.want = 0
	late.Stop()
}

// close waits until everything handed in is committed.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.arrived.Broadcast()
	w.running.Wait()
	if w.direct != nil {
		w.direct.forget()
	}
}

// committer is under what a transaction's context says which of the writer's goroutines commits it.
type committer struct{}

// run commits until the writer is closed. Its context is of nobody: one caller's end must not undo the others' writes.
func (w *writer) run(ctx context.Context) { //nolint:contextcheck // see above
	for {
		batch := w.take()
		if len(batch) == 0 {
			return
		}
		var live []*request
		for _, r := range batch {
			if r.taken.CompareAndSwap(false, true) {
				live = append(live, r)
			}
		}
		if len(live) > 0 {
			w.commit(ctx, live)
		}
		w.ended()
	}
}

// commit stores a batch and answers its callers. A refusal costs the others one repetition together: then each write has a
// savepoint of its own. What fails for another reason than a refusal is repeated alone.
func (w *writer) commit(ctx context.Context, batch []*request) {
	refusals, began, err := w.transact(ctx, batch, false)
	if err != nil && len(batch) > 1 && isRefusal(err) {
		refusals, began, err = w.transact(ctx, batch, true)
	}
	if err == nil || len(batch) == 1 && !isDeadlock(err) || !began {
		answer(batch, refusals, err)
		return
	}
	for i, r := range batch {
		began, err = w.alone(ctx, r)
		if err != nil && !began { // the database is away: the others would wait for the same answer
			answer(batch[i:], nil, err)
			return
		}
		r.done <- translate(err)
	}
}

func (w *writer) alone(ctx context.Context, r *request) (began bool, err error) {
	for range deadlocks {
		if _, began, err = w.transact(ctx, []*request{r}, false); !isDeadlock(err) {
			break
		}
	}
	return began, err
}

// answer tells each caller: err when the whole batch failed, else its own refusal or nil.
func answer(batch []*request, refusals map[*request]error, err error) {
	err = translate(err)
	for _, r := range batch {
		if err == nil {
			r.done <- translate(refusals[r])
			continue
		}
		r.done <- err
	}
}

// isRefusal reports whether a write was refused for what it asked, so that the database is as good as before it.
func isRefusal(err error) bool {
	switch code := fault.CodeOf(translate(err)); code {
	case fault.Internal, fault.Unavailable:
		return false
	default:
		return true
	}
}

// transact runs all writes of a batch in one transaction; began is false when there was not even one. With savepoints a
// refusal undoes its own write alone.
func (w *writer) transact(ctx context.Context, batch []*request, savepoints bool) (refusals map[*request]error, began bool, err error) {
	if w.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.limit)
		defer cancel()
	}
	tx, end, err := w.begin(ctx)
	if err != nil {
		return nil, false, late(err)
	}
	defer end()
	if savepoints {
		refusals, err = w.apart(tx, batch)
	} else {
		err = w.together(tx, batch)
	}
	if err != nil {
		tx.Rollback() // its own error would hide the first one
		return nil, true, late(err)
	}
	if err := tx.Commit().Error; err != nil {
		tx.Rollback() // SQLite keeps a transaction open whose commit found the disk full
		return nil, true, late(err)
	}
	w.commits.Add(1)
	w.committed.Store(w.now().UnixMicro())
	return refusals, true, nil
}

// together runs writes one after the other; the parts among them first, as one.
func (w *writer) together(tx *gorm.DB, batch []*request) error {
	var parts []*part
	for _, r := range batch {
		if r.part != nil {
			parts = append(parts, r.part)
		}
	}
	if len(parts) > 0 {
		if err := guarded(tx, func(tx *gorm.DB) error { return w.storeParts(tx, parts) }); err != nil {
			return err
		}
	}
	for _, r := range batch {
		if r.part != nil {
			continue
		}
		if err := guarded(tx, r.fn); err != nil {
			return err
		}
	}
	return nil
}

// apart runs each write in a savepoint of its own and gives the refusals.
func (w *writer) apart(tx *gorm.DB, batch []*request) (refusals map[*request]error, err error) {
	refusals = map[*request]error{}
	for _, r := range batch {
		fn := r.fn
		if r.part != nil {
			fn = func(tx *gorm.DB) error { return w.storeParts(tx, []*part{r.part}) }
		}
		if refusals[r], err = saved(tx, fn); err != nil {
			return nil, err
		}
	}
	return refusals, nil
}

// begin starts a transaction; end comes after its commit or rollback.
func (w *writer) begin(ctx context.Context) (tx *gorm.DB, end func(), err error) {
	if w.direct != nil {
		return w.direct.begin(ctx, w.pool)
	}
	return openPipe(ctx, w.pool)
}

// saved runs one write inside a savepoint, to which a refusal goes back.
func saved(tx *gorm.DB, fn func(tx *gorm.DB) error) (refusal, err error) {
	if err := tx.Exec("savepoint one").Error; err != nil {
		return nil, err
	}
	p, _ := tx.Statement.ConnPool.(*pipe)
	refusal = guarded(tx, fn)
	if refusal == nil && p != nil { // what it left for later is its own
		_, refusal = p.send(tx.Statement.Context)
	}
	if refusal != nil && !isRefusal(refusal) {
		return nil, refusal
	}
	if refusal != nil {
		if p != nil {
			p.drop()
		}
		if err := tx.Exec("rollback to savepoint one").Error; err != nil {
			return nil, err
		}
	}
	return refusal, tx.Exec("release savepoint one").Error
}

// guarded runs one write; its panic becomes an error.
func guarded(tx *gorm.DB, fn func(tx *gorm.DB) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fault.New(fault.Internal, "Something went wrong on our side.").Because(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	return fn(tx.Session(&gorm.Session{}))
}

// late turns the end of the writer's own time into a refusal: no caller's context is meant.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return unreachable(err)
	}
	return err
}

// locked holds the rows it reads until the transaction ends. SQLite has one writer and needs no lock.
func locked(tx *gorm.DB) *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
}
