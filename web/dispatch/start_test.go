package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
)

// store puts a delivery on the shelf as the outbox does: as claimed when the dispatcher has room for it.
func (s *shelf) store(d *Dispatcher, id string) (sent delivery.ID, started bool) {
	to := hook(id)
	turn := s.Turn()
	lease, ok := d.Reserve(&to, event.Push)
	sent = s.put(to, event.Push)
	if !ok {
		d.Wake()
		return sent, false
	}
	s.mu.Lock()
	l := s.lines[sent]
	l.leased, l.job.Turn = time.Now().Add(lease), turn
	l.job.Delivery.Attempts++
	job := l.job
	s.mu.Unlock()
	d.Start([]delivery.Job{job})
	return sent, true
}

// TestStartsWithoutAClaim: a webhook that is known to be well gets its deliveries without a question to the queue, and one that is
// not known, or fails, gets them by a claim.
func TestStartsWithoutAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s}
		running(t, d)
		synctest.Wait()
		if _, started := q.store(d, "a"); started {
			t.Error("nothing was known of the webhook, and it was started")
		}
		time.Sleep(time.Second)
		before := len(q.asked().claims)
		id, started := q.store(d, "a")
		time.Sleep(time.Second)
		if after := len(q.asked().claims); !started || after != before || len(s.times(id)) != 1 {
			t.Errorf("started: %v, with %d claims, sent %d times", started, after-before, len(s.times(id)))
		}
		if ends := q.ends(id); len(ends) != 1 || ends[0].Delivery.State != delivery.Delivered || ends[0].Attempt.Number != 1 {
			t.Errorf("it ended as %+v", ends)
		}
		s.mu.Lock()
		s.send = answers(500, time.Millisecond).send
		s.mu.Unlock()
		q.store(d, "a")
		time.Sleep(time.Second)
		if _, started := q.store(d, "a"); started {
			t.Error("the webhook fails, and a delivery was started without a claim, which tells since when it fails")
		}
	})
}

// TestNothingOvertakesABacklog: what is stored while older deliveries of a webhook wait has to wait behind them.
func TestNothingOvertakesABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 10*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Workers: 2}
		running(t, d)
		q.store(d, "a")
		time.Sleep(time.Second)
		var ids []delivery.ID
		var waited int
		for range 200 {
			id, started := q.store(d, "a")
			ids = append(ids, id)
			if !started {
				waited++
			}
		}
		time.Sleep(time.Minute)
		if waited == 0 {
			t.Fatal("nothing had to wait")
		}
		var last time.Time
		for _, id := range ids {
			times := s.times(id)
			if len(times) != 1 || times[0].Before(last) {
				t.Fatalf("delivery %d was sent at %v, after one of %v", id, times, last)
			}
			last = times[0]
		}
		if _, started := q.store(d, "a"); !started {
			t.Error("nothing waits any more, and a delivery was not started")
		}
	})
}

// TestChangedWebhooksAreReadAgain: what is held when a webhook changes is not sent as it was, but claimed anew.
func TestChangedWebhooksAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 100*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Workers: 1}
		running(t, d)
		q.store(d, "a")
		time.Sleep(time.Second)
		var ids []delivery.ID
		for range 4 {
			id, _ := q.store(d, "a")
			ids = append(ids, id)
		}
		q.change()
		time.Sleep(time.Minute)
		if released := q.asked().released; released != 3 {
			t.Errorf("%d deliveries were given back, want the three that no worker had", released)
		}
		for _, id := range ids {
			if ends := q.ends(id); len(ends) != 1 || ends[0].Attempt.Number != 1 || ends[0].Delivery.State != delivery.Delivered {
				t.Errorf("delivery %d ended as %+v", id, ends)
			}
		}
	})
}

// TestWhatIsOutOfDateIsGivenBackAtOnce: a call that hangs does not keep the queue from what is held behind it.
func TestWhatIsOutOfDateIsGivenBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 100*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Workers: 1}
		running(t, d)
		q.store(d, "a")
		time.Sleep(time.Second)
		s.mu.Lock()
		s.send = answers(200, time.Hour).send
		s.mu.Unlock()
		for range 4 {
			q.store(d, "a")
		}
		d.Wake()
		time.Sleep(time.Second)
		if released := q.asked().released; released != 0 {
			t.Fatalf("%d deliveries were given back before anything was changed", released)
		}
		q.pause("a")
		q.change()
		d.Wake()
		synctest.Wait()
		if released := q.asked().released; released != 3 {
			t.Errorf("%d deliveries were given back while the first one hangs, want the three behind it", released)
		}
	})
}

// TestStopGivesBackWhatIsHeld: what no worker has when the program stops waits for the next start, and its attempt does not count.
func TestStopGivesBackWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 10*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Workers: 1}
		stop := running(t, d)
		q.store(d, "a")
		time.Sleep(time.Second)
		var ids []delivery.ID
		for range 4 {
			id, _ := q.store(d, "a")
			ids = append(ids, id)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if ends := q.ends(ids[0]); len(ends) != 1 || ends[0].Delivery.State != delivery.Delivered {
			t.Errorf("what the worker had ended as %+v", ends)
		}
		for _, id := range ids[1:] {
			q.mu.Lock()
			l := q.lines[id]
			if len(l.ends) != 0 || l.job.Delivery.Attempts != 0 || l.leased.After(time.Now()) {
				t.Errorf("delivery %d is %+v", id, l)
			}
			q.mu.Unlock()
		}
		late := delivery.Job{Delivery: q.lines[ids[1]].job.Delivery}
		late.Delivery.Attempts++
		before := q.asked().released
		if d.Start([]delivery.Job{late}); q.asked().released != before+1 {
			t.Error("what is stored after the stop was not given back")
		}
	})
}

// TestPingsOvertakeEverything: a ping is sent by the next worker that is free, whatever is held.
func TestPingsOvertakeEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(200, 100*time.Millisecond)
		d := &Dispatcher{Queue: q, Sender: s, Workers: 1}
		running(t, d)
		q.store(d, "a")
		time.Sleep(time.Second)
		for range 8 {
			q.store(d, "a")
		}
		to := hook("new")
		if _, ok := d.Reserve(&to, event.Ping); !ok {
			t.Fatal("a ping has to wait")
		}
		id := q.put(hook("new"), event.Ping)
		q.mu.Lock()
		q.lines[id].leased = time.Now().Add(time.Minute)
		job := q.lines[id].job
		q.mu.Unlock()
		job.Delivery.Attempts = 1
		asked := time.Now()
		d.Start([]delivery.Job{job})
		time.Sleep(time.Minute)
		if times := s.times(id); len(times) != 1 || times[0].Sub(asked) > 100*time.Millisecond {
			t.Errorf("the ping was sent at %v, asked for at %v", times, asked)
		}
	})
}
