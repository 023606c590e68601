package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
)

// TestNoSleepIsLongerThanThePoll: the clock is set back a day just before the dispatcher goes to sleep, and is right again soon after,
// as the database's clock is when it was asked.
func TestNoSleepIsLongerThanThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := newShelf(), answers(500, time.Millisecond)
		var back atomic.Int64
		q.finishErr = func([]delivery.Done) error { // the retry is planned, and the dispatcher is about to sleep until then
			back.Store(int64(24 * time.Hour))
			return nil
		}
		d := &Dispatcher{Queue: q, Sender: s, Jitter: noJitter, Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }}
		id := q.put(hook("a"), event.Push)
		running(t, d)
		time.Sleep(time.Second)
		back.Store(0)
		time.Sleep(defaultPoll)
		if got := len(s.times(id)); got < 2 {
			t.Errorf("after the longest sleep %d attempts were made, want a second one", got)
		}
	})
}

// What waits in TestAfterASleepRetriesAreNoStorm.
const (
	sleepers    = 40 // webhooks
	ofEach      = 5  // deliveries
	allSleepers = sleepers * ofEach
	storm       = allSleepers / 5 // in one second
)

// TestAfterASleepRetriesAreNoStorm: the clock was set three days forward, or the machine slept, so that the retries of all webhooks are
// due at once. None is lost, and the attempts that follow them do not come together again. The control is the same without jitter.
func TestAfterASleepRetriesAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dice, mu := rand.New(rand.NewPCG(1, 2)), sync.Mutex{}
		most, late := afterASleep(t, func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return dice.Float64()
		})
		if most >= storm || late != 0 {
			t.Errorf("%d of %d retries came in one second, %d never or late", most, allSleepers, late)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if most, late := afterASleep(t, noJitter); most < storm || late != 0 {
			t.Errorf("the control: without jitter %d of %d retries came in one second, %d never or late", most, allSleepers, late)
		}
	})
}

// afterASleep lets every first attempt fail, wakes up three days later, and gives the most third attempts of any second and how many did
// not come when they should.
func afterASleep(t *testing.T, jitter func() float64) (most, late int) {
	t.Helper()
	q, s := newShelf(), answers(500, time.Millisecond)
	var ids []delivery.ID
	for n := range sleepers {
		for range ofEach {
			ids = append(ids, q.put(hook(fmt.Sprint("hook", n)), event.Push))
		}
	}
	run := func(d time.Duration) {
		ctx, stop := context.WithTimeout(t.Context(), d)
		defer stop()
		if err := (&Dispatcher{Queue: q, Sender: s, Jitter: jitter}).Run(ctx); err != nil {
			t.Error(err)
		}
	}
	run(4 * time.Second) // the first attempts
	time.Sleep(72 * time.Hour)
	woken := time.Now()
	run(10 * time.Minute)
	seconds := map[time.Duration]int{}
	for _, id := range ids {
		times := s.times(id)
		if len(times) != 3 || times[1].Sub(woken) > 5*time.Second || times[2].Sub(times[1]) > 6*time.Minute+time.Second {
			late++
			continue
		}
		second := times[2].Sub(woken).Truncate(time.Second)
		seconds[second]++
		most = max(most, seconds[second])
	}
	return most, late
}
