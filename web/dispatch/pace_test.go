package dispatch

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

var (
	quickly = delivery.Attempt{Status: 200, Duration: 20 * time.Millisecond}
	failing = delivery.Attempt{Status: 500, Cause: delivery.CauseStatus, Duration: 20 * time.Millisecond}
	slowly  = delivery.Attempt{Status: 200, Duration: time.Second}
	timeout = delivery.Attempt{Cause: delivery.CauseAnswerTimeout, Duration: 10 * time.Second}
	refused = delivery.Attempt{Cause: delivery.CauseRefused, Duration: time.Millisecond}
	cutOff  = delivery.Attempt{Cause: delivery.CauseInterrupted, Duration: 5 * time.Second}
)

func times(n int, a delivery.Attempt) []delivery.Attempt {
	var all []delivery.Attempt
	for range n {
		all = append(all, a)
	}
	return all
}

// TestLimits is decision 19: it starts at 4, goes up to 16 while answers come under a second, and down to 1 after a timeout.
func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		attempts []delivery.Attempt
		limit    int
		speed    speed
	}{
		"nothing known":            {nil, 4, unknown},
		"a quick answer":           {times(1, quickly), 5, quick},
		"a dozen":                  {times(12, quickly), 16, quick},
		"many":                     {times(1000, quickly), 16, quick},
		"a refusal is an answer":   {times(1, failing), 5, quick},
		"a timeout":                {append(times(20, quickly), timeout), 1, slow},
		"back after a timeout":     {append([]delivery.Attempt{timeout}, times(3, quickly)...), 4, quick},
		"slow answers":             {append(times(20, quickly), slowly), 4, slow},
		"slow after a timeout":     {[]delivery.Attempt{timeout, slowly}, 1, slow},
		"nobody listens":           {times(5, refused), 4, unknown},
		"down after quick answers": {append(times(3, quickly), refused), 7, quick},
		"we stopped":               {append(times(3, quickly), cutOff), 7, quick},
	} {
		p := newPace(64, false)
		p.fly("a")
		for _, a := range c.attempts {
			p.ended("a", a, time.Now())
			p.unwritten = 0
			p.fly("a")
		}
		if g := p.gaits["a"]; g.limit != c.limit || g.speed != c.speed {
			t.Errorf("%s: limit %d, speed %d; want %d, %d", name, g.limit, g.speed, c.limit, c.speed)
		}
	}
}

// fly claims one delivery and gives it to a worker.
func (p *pace) fly(id string) {
	p.took(&delivery.Job{Delivery: delivery.Delivery{WebhookID: id}}, time.Now())
	if _, ok := p.begin(); !ok {
		panic("nothing begins")
	}
}

// learn makes a webhook known by one attempt and lets so many of its deliveries fly.
func (p *pace) learn(id string, a delivery.Attempt, flying int) {
	p.fly(id)
	p.ended(id, a, time.Now())
	for range flying {
		p.fly(id)
	}
	p.unwritten = 0
}

func TestClaimsToMake(t *testing.T) {
	p := newPace(64, false)
	if asks := p.next(); len(asks) != 1 || asks[0].n != 32 || asks[0].caps.Default != 4 {
		t.Errorf("with nothing known: %+v", asks)
	}
	p.learn("slow", timeout, 1)
	p.learn("quick", quickly, 3)
	asks := p.next()
	if len(asks) != 1 || asks[0].n != 31 || asks[0].caps.Of["slow"] != 1 || asks[0].caps.Of["quick"] != 5+256 {
		t.Errorf("with room for slow ones: %+v", asks)
	}
	for i := range 28 {
		p.learn("slow"+string(rune('a'+i)), timeout, 1)
	}
	asks = p.next() // 29 slow ones fly
	if len(asks) != 2 || asks[0].n != batch || asks[0].caps.Default != 0 || len(asks[0].caps.Of) != 1 || asks[1].n != 3 || asks[1].caps.Default != 4 {
		t.Errorf("with little room for slow ones: %+v", asks)
	}
	for i := range 3 {
		p.learn("more"+string(rune('a'+i)), slowly, 1)
	}
	asks = p.next() // 32 slow and 3 quick ones fly, 29 workers are free, 16 of them are kept
	if len(asks) != 2 || asks[0].n != batch || asks[1].n != 13 || asks[1].caps.Default != 1 || asks[1].caps.Of["slow"] != 0 || asks[1].caps.Of["quick"] != 5+256 {
		t.Errorf("with no room for slow ones: %+v", asks)
	}
	p.unwritten = mostUnwritten * 64
	if asks := p.next(); asks != nil {
		t.Errorf("while nothing can be stored: %+v", asks)
	}
}

// TestProcessesShareACap: each sends its part of what a quick webhook takes, so that it gets no more than from one process.
func TestProcessesShareACap(t *testing.T) {
	for members, want := range map[int]int{1: 16, 2: 8, 3: 5, 4: 4, 9: 4} {
		p := newPace(64, false)
		p.members = members
		for range 16 {
			p.learn("quick", quickly, 0)
		}
		started := 0
		for hook := (webhook.Webhook{ID: "quick"}); p.reserve(&hook, event.Push); started++ {
			job := &delivery.Job{Delivery: delivery.Delivery{WebhookID: "quick"}}
			p.unreserve(job)
			p.took(job, time.Now())
		}
		sent := 0
		for _, ok := p.begin(); ok; _, ok = p.begin() {
			sent++
		}
		if sent != want {
			t.Errorf("one of %d processes sends %d at a time, want %d", members, sent, want)
		}
		if most := want * int(aheadFor/quickly.Duration); started > most || started < want*aheadOfWorkers {
			t.Errorf("one of %d processes started %d, want up to %d", members, started, most)
		}
		p.learn("slow", slowly, 0)
		for range 6 {
			p.took(&delivery.Job{Delivery: delivery.Delivery{WebhookID: "slow"}}, time.Now())
		}
		sent = 0
		for _, ok := p.begin(); ok; _, ok = p.begin() {
			sent++
		}
		if sent != 4 { // of these the queue counts the others'
			t.Errorf("one of %d processes sends a slow webhook %d at a time", members, sent)
		}
	}
}

func TestOneWorkerServesAll(t *testing.T) {
	p := newPace(1, false)
	p.learn("slow", timeout, 0)
	if asks := p.next(); len(asks) != 1 || asks[0].n != 1 || asks[0].caps.Of["slow"] != 1 {
		t.Errorf("%+v", asks)
	}
}

func TestForgets(t *testing.T) {
	p, now := newPace(64, false), time.Now()
	p.learn("idle", timeout, 0)
	p.learn("busy", timeout, 1)
	if p.forget(now.Add(forgetAfter - time.Minute)); len(p.gaits) != 2 {
		t.Error("forgot too early")
	}
	if p.forget(now.Add(forgetAfter + time.Minute)); p.gaits["idle"] != nil || p.gaits["busy"] == nil {
		t.Errorf("remembers %v", p.gaits)
	}
}

// TestSlowHoldHalf plays any order of claims and ends: webhooks known to be slow never hold more than half of the
// workers by a claim that was made after they became known, and no worker is promised twice.
func TestSlowHoldHalf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.IntRange(1, 80).Draw(t, "workers")
		p, now := newPace(workers, rapid.Bool().Draw(t, "alone")), time.Now()
		var flying []string
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(flying) > 0 && rapid.Bool().Draw(t, "end") {
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				p.ended(flying[i], rapid.SampledFrom([]delivery.Attempt{quickly, slowly, timeout, refused}).Draw(t, "attempt"), now)
				p.unwritten = 0
				flying = append(flying[:i], flying[i+1:]...)
				continue
			}
			for _, a := range p.next() {
				flying = append(flying, claimAll(t, p, a, now)...)
				break
			}
		}
	})
}

// claimAll grants an ask from an endless queue of twenty webhooks and checks what it led to.
func claimAll(t *rapid.T, p *pace, a ask, now time.Time) []string {
	var got []string
	slowBefore := p.slowFlying()
	for turn := range a.n {
		id := "hook" + string(rune('a'+turn%20))
		limit, known := a.caps.Of[id]
		if !known {
			limit = a.caps.Default
		}
		if g := p.gaits[id]; limit == 0 || g != nil && g.flying+g.ahead() >= limit {
			continue
		}
		p.took(&delivery.Job{Delivery: delivery.Delivery{WebhookID: id}}, now)
	}
	for job, ok := p.begin(); ok; job, ok = p.begin() {
		got = append(got, job.Delivery.WebhookID)
	}
	if p.flying > p.workers {
		t.Fatalf("%d deliveries fly with %d workers", p.flying, p.workers)
	}
	if after := p.slowFlying(); after > slowBefore && after > max(p.workers/2, 1) {
		t.Fatalf("slow webhooks hold %d of %d workers", after, p.workers)
	}
	return got
}

// TestHowFarAheadWorkersMayBe: as far as they come in a few seconds by what they got done so far, and only where no other process
// would wait for it.
func TestHowFarAheadWorkersMayBe(t *testing.T) {
	const workers = 64
	for name, c := range map[string]struct {
		alone bool
		took  time.Duration
		room  int // of all
		most  int // of one webhook that has nothing ahead
	}{
		"two processes":        {false, 5 * time.Millisecond, 512, 16 + 256},
		"alone, nothing known": {true, 0, 512, 4},
		"alone, at once":       {true, time.Microsecond, 256 * workers, 16 + 256*16},
		"alone, quickly":       {true, 40 * time.Millisecond, 100 * workers, 16 + 100*16},
		"alone, not slowly":    {true, 800 * time.Millisecond, 512, 16 + 8*16},
	} {
		p := newPace(workers, c.alone)
		if p.of("a"); c.alone {
			p.members = 2 // one that was killed may be thought alive for a while
		}
		for range 200 {
			if c.took == 0 {
				break
			}
			p.fly("a")
			p.ended("a", delivery.Attempt{Status: 200, Duration: c.took}, time.Now())
			p.unwritten = 0
		}
		if room, most := p.room(), p.most(p.gaits["a"]); room != c.room || most != c.most {
			t.Errorf("%s: room for %d, of which one webhook may have %d; want %d, %d", name, room, most, c.room, c.most)
		}
	}
}

// TestTheTypicalAnswerFollowsTheNewest: a receiver that becomes slower is soon trusted with less.
func TestTheTypicalAnswerFollowsTheNewest(t *testing.T) {
	p := newPace(64, true)
	p.learn("a", quickly, 0)
	if p.typical != quickly.Duration {
		t.Errorf("after one answer: %v", p.typical)
	}
	for range 40 {
		p.fly("a")
		p.ended("a", delivery.Attempt{Status: 200, Duration: 900 * time.Millisecond}, time.Now())
		p.unwritten = 0
	}
	if p.typical < 700*time.Millisecond || p.room() != aheadOfWorkers*64 {
		t.Errorf("after forty slower ones: %v, room for %d", p.typical, p.room())
	}
	for range 5 { // they say nothing of how long an answer takes
		p.fly("a")
		p.ended("a", timeout, time.Now())
		p.unwritten = 0
	}
	if p.typical > 900*time.Millisecond {
		t.Errorf("after timeouts: %v", p.typical)
	}
}

// TestWhatIsTooFarAheadGoesBack: when answers take longer than they did, nothing is held until its lease ends.
func TestWhatIsTooFarAheadGoesBack(t *testing.T) {
	for name, hooks := range map[string][]string{"one webhook": {"a"}, "many that share the workers": {"a", "b", "c", "d", "e", "f", "g", "h"}} {
		p, now := newPace(64, true), time.Now()
		for _, id := range hooks {
			for range 20 {
				p.learn(id, delivery.Attempt{Status: 200, Duration: time.Millisecond}, 0)
			}
		}
		for _, id := range hooks {
			for range 1500 {
				p.took(&delivery.Job{Delivery: delivery.Delivery{WebhookID: id}}, now)
			}
		}
		returned, answered := 0, 0
		for ; answered < 100; answered++ { // a second and a half of what 64 workers do
			job, ok := p.begin()
			if !ok {
				break
			}
			returned += len(p.ended(job.Delivery.WebhookID, delivery.Attempt{Status: 200, Duration: 900 * time.Millisecond}, now))
			p.unwritten = 0
		}
		if left := p.ahead; left > 2*p.room() || returned+answered+left != 1500*len(hooks) {
			t.Errorf("%s: after %d answers %d are still ahead, with room for %d, and %d went back, of %d", name, answered, left, p.room(), returned, 1500*len(hooks))
		}
	}
}
