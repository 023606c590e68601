package dispatch

import (
	"time"

	"dockbell/models/delivery"
)

// How many deliveries of one webhook may be in flight (PRODUCT.md, decision 19).
const (
	firstInFlight = 4  // of a webhook we know nothing of
	mostInFlight  = 16 // of one whose answers come quickly
	leastInFlight = 1  // of one that timed out
	quickAnswer   = time.Second

	batch = 64 // deliveries claimed at once
	// mostUnwritten bounds, in multiples of the workers, the results kept in memory while the database refuses them.
	mostUnwritten = 4
	// forgetAfter is how long the gait of a webhook without deliveries is remembered.
	forgetAfter = 30 * time.Minute
)

// pace decides how many deliveries of which webhooks may be claimed. It is a plain value of one goroutine at a time:
// what was claimed and how it ended goes in, what to ask the queue for comes out.
type pace struct {
	workers   int
	flying    int // deliveries that workers hold
	unwritten int // results that are not stored yet
	gaits     map[string]*gait
}

// gait is how one webhook goes.
type gait struct {
	limit  int
	speed  speed
	flying int
	seen   time.Time
}

// speed is what a webhook's newest attempts say of its receiver.
type speed int

const (
	unknown speed = iota // no attempt has ended yet
	quick
	slow
)

// ask is one claim to make.
type ask struct {
	n    int
	caps delivery.Caps
}

func newPace(workers int) *pace { return &pace{workers: workers, gaits: map[string]*gait{}} }

func (p *pace) free() int { return p.workers - p.flying }

// next gives the claims to make now, in order; a later one only makes sense when the one before gave less than asked.
//
// Slow webhooks together never get more than half of the workers: a claim that may give deliveries of slow ones asks for
// no more than there is room for. While that is little, quick webhooks are asked for first and alone. When there is no
// room left, a webhook of which nothing is known may still send one delivery to show what it is, unless that took the
// last quarter of the workers, which is kept for quick ones.
func (p *pace) next() []ask {
	free := min(p.free(), batch)
	if free <= 0 || p.unwritten >= mostUnwritten*p.workers {
		return nil
	}
	quarter := max(p.workers/4, 1)
	room := min(p.room(), free)
	if room >= min(free, quarter) {
		return []ask{{room, p.caps()}}
	}
	var asks []ask
	if alone := p.onlyQuick(); len(alone.Of) > 0 {
		asks = append(asks, ask{free, alone})
	}
	if room > 0 {
		return append(asks, ask{room, p.caps()})
	}
	if spare := min(p.free()-quarter, batch); spare > 0 {
		probe := p.onlyQuick()
		probe.Default = 1
		for id, g := range p.gaits {
			if g.speed == slow {
				probe.Of[id] = 0
			}
		}
		asks = append(asks, ask{spare, probe})
	}
	return asks
}

// room is how many more deliveries may fly of webhooks that are slow or unknown.
func (p *pace) room() int {
	others := 0
	for _, g := range p.gaits {
		if g.speed != quick {
			others += g.flying
		}
	}
	return max(p.workers/2, 1) - others
}

func (p *pace) caps() delivery.Caps {
	c := delivery.Caps{Default: firstInFlight, Of: map[string]int{}}
	for id, g := range p.gaits {
		if g.limit != firstInFlight {
			c.Of[id] = g.limit
		}
	}
	return c
}

// onlyQuick holds back every webhook that is not known to be quick.
func (p *pace) onlyQuick() delivery.Caps {
	c := delivery.Caps{Of: map[string]int{}}
	for id, g := range p.gaits {
		if g.speed == quick {
			c.Of[id] = g.limit
		}
	}
	return c
}

// took notes a delivery that was claimed.
func (p *pace) took(webhookID string, now time.Time) {
	g := p.gaits[webhookID]
	if g == nil {
		g = &gait{limit: firstInFlight}
		p.gaits[webhookID] = g
	}
	g.flying++
	g.seen = now
	p.flying++
}

// ended notes how an attempt ended: the webhook goes faster after a quick answer, and slower after one that was late.
// What failed quickly without an answer says nothing of the receiver's speed.
func (p *pace) ended(webhookID string, a delivery.Attempt, now time.Time) {
	p.flying--
	p.unwritten++
	g := p.gaits[webhookID]
	g.flying--
	g.seen = now
	switch {
	case a.Cause == delivery.CauseInterrupted:
	case a.Cause.Timeout():
		g.limit, g.speed = leastInFlight, slow
	case a.Duration >= quickAnswer:
		g.limit, g.speed = min(g.limit, firstInFlight), slow
	case a.Status != 0:
		g.limit, g.speed = min(g.limit+1, mostInFlight), quick
	}
}

// forget drops what is known of webhooks that had no delivery for a while.
func (p *pace) forget(now time.Time) {
	for id, g := range p.gaits {
		if g.flying == 0 && now.Sub(g.seen) > forgetAfter {
			delete(p.gaits, id)
		}
	}
}
