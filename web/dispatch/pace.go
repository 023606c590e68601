package dispatch

import (
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// How many deliveries of one webhook may be in flight (PRODUCT.md, decision 19).
const (
	firstInFlight = 4  // of a webhook we know nothing of
	mostInFlight  = 16 // of one whose answers come quickly
	leastInFlight = 1  // of one that timed out
	quickAnswer   = time.Second

	batch = 256 // deliveries claimed at once
	// aheadOfWorkers is how many deliveries, in multiples of the workers, may be claimed before a worker is free for them: then
	// workers need not wait for the queue. Only quick webhooks have such; the lease is long against the time that they take.
	aheadOfWorkers = 8
	// mostAhead is the same where no other process takes from the queue. Then it grows with what the workers get done in aheadFor:
	// each that is started as soon as it is stored need not be read from the queue again.
	mostAhead = 256
	aheadFor  = 4 * time.Second
	// mostPings bounds the pings that are started beside everything else.
	mostPings = 16
	// mostUnwritten bounds, in multiples of the workers, the results kept in memory while the database refuses them.
	mostUnwritten = 16
	// forgetAfter is how long the gait of a webhook without deliveries is remembered.
	forgetAfter = 30 * time.Minute
)

// pace decides how many deliveries of which webhooks may be claimed, and which of them is sent next. It is a plain value of one
// goroutine at a time: what was claimed and how it ended goes in, what to ask the queue for and what to send comes out.
type pace struct {
	workers   int
	alone     bool          // no other process takes from the queue
	members   int           // processes that take from it
	typical   time.Duration // of a quick answer, over the newest ones
	flying    int           // deliveries that workers hold
	ahead     int           // deliveries that are claimed or reserved and that no worker holds
	unwritten int           // results that are not stored yet
	gaits     map[string]*gait
	pings     []delivery.Job  // they are sent before everything else
	pinging   int             // pings that are reserved or wait for a worker
	turns     []*gait         // those that have something to send, in the order in which they have their turns
	behind    map[string]bool // webhooks for which something waits in the queue, as far as we know: nothing new overtakes it
}

// gait is how one webhook goes.
type gait struct {
	limit    int
	speed    speed
	healthy  bool          // its newest attempt succeeded
	dead     int           // newest attempts in a row that found no receiver
	typical  time.Duration // of its quick answers
	flying   int
	reserved int             // of ahead: deliveries that are being stored
	held     []*delivery.Job // of ahead: to be sent when it is the webhook's turn
	inTurns  bool
	seen     time.Time
}

// most is how many deliveries of a webhook may be claimed. A quick one may be ahead of the workers with half of the room that
// is left, so that there is always room for the others.
func (p *pace) most(g *gait) int {
	if g.speed != quick {
		return g.limit
	}
	most := g.limit + g.ahead() + max(p.room()-p.ahead, 0)/2
	if p.alone {
		most = min(most, g.limit+p.share(g))
	}
	return most
}

// atOnce is how many deliveries of a webhook this process sends at a time. A slow one's are counted in the queue; of a quick one's, which
// are started without it, each process sends its part.
func (p *pace) atOnce(g *gait) int {
	if p.alone || g.speed != quick {
		return g.limit
	}
	return min(g.limit, max(mostInFlight/p.members, firstInFlight))
}

// full reports whether no more may be started of a quick webhook without the queue.
func (p *pace) full(g *gait) bool {
	if p.alone {
		return g.flying+g.ahead() >= p.most(g)
	}
	return g.ahead() >= p.share(g)
}

// share is how many deliveries of a webhook may be started ahead of the workers: as many as it sends at a time, for so long that
// their turn comes long before their leases end.
func (p *pace) share(g *gait) int {
	most := p.atOnce(g)
	return max(done(most, g.typical), aheadOfWorkers*most)
}

// tooFar reports whether so much is ahead that its leases might end before its turn comes: answers take longer than they did when
// it was claimed.
func (p *pace) tooFar(g *gait) bool {
	return p.alone && (p.ahead > 2*p.room() || g.ahead() > 2*p.share(g))
}

// done is how many answers so many deliveries at a time get in aheadFor.
func done(flying int, typical time.Duration) int {
	return flying * int(aheadFor/max(typical, aheadFor/mostAhead))
}

// typically is the typical duration after one more.
func typically(before, one time.Duration) time.Duration {
	const weight = 16 // how many of the newest count
	if before == 0 {
		return one
	}
	return before + (one-before)/weight
}

func (g *gait) ahead() int { return g.reserved + len(g.held) }

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

func newPace(workers int, alone bool) *pace {
	return &pace{workers: workers, alone: alone, members: 1, gaits: map[string]*gait{}, behind: map[string]bool{}}
}

// room is how many deliveries may be ahead of the workers.
func (p *pace) room() int {
	least := aheadOfWorkers * p.workers
	if !p.alone || p.typical == 0 {
		return least
	}
	return max(done(p.workers, p.typical), least)
}

// free is how many more may be claimed.
func (p *pace) free() int { return p.workers + p.room() - p.flying - p.ahead }

// low reports whether so little is ahead of the workers that it is worth asking the queue again.
func (p *pace) low() bool { return p.ahead <= p.workers }

// next gives the claims to make now, in order; a later one only makes sense when the one before gave less than asked.
//
// Slow webhooks together never get more than half of the workers: a claim that may give deliveries of slow ones asks for
// no more than there is room for. While that is little, or something of quick webhooks waits, quick webhooks are asked for first
// and alone. When there is no room left, a webhook of which nothing is known may still send one delivery to show what it is,
// unless that took the last quarter of the workers, which is kept for quick ones.
func (p *pace) next() []ask {
	free := min(p.free(), batch)
	if free <= 0 || p.unwritten >= mostUnwritten*p.workers {
		return nil
	}
	idle := max(p.workers-p.flying, 0)
	quarter := max(p.workers/4, 1)
	others := min(p.othersRoom(), idle)
	var asks []ask
	if others < min(idle, quarter) || p.quickBehind() {
		if alone := p.onlyQuick(); len(alone.Of) > 0 {
			asks = append(asks, ask{free, alone})
		}
	}
	if others > 0 {
		return append(asks, ask{others, p.caps()})
	}
	if spare := min(idle-quarter, batch); spare > 0 {
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

// quickBehind reports whether something waits of a webhook that is known to be quick.
func (p *pace) quickBehind() bool {
	for id := range p.behind {
		if g := p.gaits[id]; g != nil && g.speed == quick {
			return true
		}
	}
	return false
}

// othersRoom is how many more deliveries may fly of webhooks that are slow or unknown.
func (p *pace) othersRoom() int {
	others := 0
	for _, g := range p.gaits {
		if g.speed != quick {
			others += g.flying + g.ahead()
		}
	}
	return max(p.workers/2, 1) - others
}

func (p *pace) caps() delivery.Caps {
	c := delivery.Caps{Default: firstInFlight, Of: map[string]int{}}
	for id, g := range p.gaits {
		if most := p.most(g); most != firstInFlight {
			c.Of[id] = most
		}
	}
	return c
}

// onlyQuick holds back every webhook that is not known to be quick.
func (p *pace) onlyQuick() delivery.Caps {
	c := delivery.Caps{Of: map[string]int{}}
	for id, g := range p.gaits {
		if g.speed == quick {
			c.Of[id] = p.most(g)
		}
	}
	return c
}

// of is the gait of a webhook.
func (p *pace) of(webhookID string) *gait {
	g := p.gaits[webhookID]
	if g == nil {
		g = &gait{limit: firstInFlight}
		p.gaits[webhookID] = g
	}
	return g
}

// reserve takes room for a delivery that is being stored. It waits in the queue instead when its webhook is not known to be well,
// has something waiting there, or has its share of the room, and when it holds its deliveries back itself: that is counted in the
// queue. A ping overtakes everything.
func (p *pace) reserve(hook *webhook.Webhook, action event.Action) bool {
	if action == event.Ping {
		if p.pinging >= mostPings {
			return false
		}
		p.pinging++
		return true
	}
	g := p.gaits[hook.ID]
	if g == nil || g.speed != quick || !g.healthy || hook.Controlled() || p.behind[hook.ID] || p.free() <= 0 || p.full(g) {
		p.behind[hook.ID] = true
		return false
	}
	g.reserved++
	p.ahead++
	return true
}

// unreserve gives the room back.
func (p *pace) unreserve(job *delivery.Job) {
	if job.Delivery.Action == event.Ping {
		p.pinging--
		return
	}
	p.of(job.Delivery.WebhookID).reserved--
	p.ahead--
}

// took notes a delivery that was claimed: it is sent when its webhook has its turn.
func (p *pace) took(job *delivery.Job, now time.Time) {
	g := p.of(job.Delivery.WebhookID)
	g.seen = now
	if job.Delivery.Action == event.Ping {
		p.pings = append(p.pings, *job)
		p.pinging++
		return
	}
	g.held = append(g.held, job)
	p.ahead++
	if !g.inTurns {
		g.inTurns = true
		p.turns = append(p.turns, g)
	}
}

// begin gives the delivery that a free worker is to send now. Webhooks take turns.
func (p *pace) begin() (job delivery.Job, ok bool) {
	if p.flying >= p.workers || p.unwritten >= mostUnwritten*p.workers {
		return job, false
	}
	if len(p.pings) > 0 {
		job, p.pings = p.pings[0], p.pings[1:]
		p.pinging--
		p.flying++
		p.of(job.Delivery.WebhookID).flying++
		return job, true
	}
	for range len(p.turns) {
		g := p.turns[0]
		p.turns = p.turns[1:]
		if len(g.held) == 0 {
			g.inTurns = false
			continue
		}
		p.turns = append(p.turns, g)
		if g.flying >= p.atOnce(g) || g.speed == slow && p.slowFlying() >= max(p.workers/2, 1) {
			continue
		}
		job, g.held[0] = *g.held[0], nil
		g.held = g.held[1:]
		p.ahead--
		p.flying++
		g.flying++
		return job, true
	}
	return job, false
}

// slowFlying is how many deliveries of slow webhooks workers hold.
func (p *pace) slowFlying() int {
	n := 0
	for _, g := range p.gaits {
		if g.speed == slow {
			n += g.flying
		}
	}
	return n
}

// unbegin takes back what begin gave: it is not sent.
func (p *pace) unbegin(job delivery.Job) {
	p.flying--
	p.of(job.Delivery.WebhookID).flying--
	p.behind[job.Delivery.WebhookID] = true
}

// caughtUp is told that a claim gave less than was asked for: of quick webhooks that may have more nothing waits any more. What is
// stored for them in this moment may be overtaken by its successors; nobody was promised an order.
func (p *pace) caughtUp() {
	for id := range p.behind {
		if g := p.gaits[id]; g != nil && g.speed == quick && g.flying+g.ahead() < p.most(g) {
			delete(p.behind, id)
		}
	}
}

// stillBehind is told all webhooks for which something waits in the queue.
func (p *pace) stillBehind(waiting []string) {
	clear(p.behind)
	for _, id := range waiting {
		p.behind[id] = true
	}
}

// drop gives what is held of a webhook, which is then not to be sent but to wait in the queue.
func (p *pace) drop(webhookID string) (dropped []delivery.Job) {
	g := p.of(webhookID)
	for _, job := range g.held {
		dropped = append(dropped, *job)
		p.behind[webhookID] = true
	}
	g.held, p.ahead = nil, p.ahead-len(g.held)
	return dropped
}

// dropOlder gives what is held and was read of its webhook before this turn.
func (p *pace) dropOlder(turn int64) (old []delivery.Job) {
	for id, g := range p.gaits {
		var current []*delivery.Job
		for _, job := range g.held {
			if job.Turn == turn {
				current = append(current, job)
			} else {
				old = append(old, *job)
				p.behind[id] = true
			}
		}
		p.ahead -= len(g.held) - len(current)
		g.held = current
	}
	return old
}

// dropAll gives all that is held.
func (p *pace) dropAll() []delivery.Job {
	all := p.pings
	p.pings, p.pinging = nil, p.pinging-len(all)
	for id := range p.gaits {
		all = append(all, p.drop(id)...)
	}
	return all
}

// ended notes how an attempt ended: the webhook goes faster after a quick answer, and slower after one that was late.
// What failed quickly without an answer says nothing of the receiver's speed. back is what was ahead for a webhook that is not as
// quick any more: it waits in the queue again.
func (p *pace) ended(webhookID string, a delivery.Attempt, now time.Time) (back []delivery.Job) {
	p.flying--
	p.unwritten++
	g := p.gaits[webhookID]
	g.flying--
	g.seen = now
	before := g.speed
	if a.Cause != delivery.CauseInterrupted {
		g.healthy = a.Succeeded()
	}
	if g.dead++; !a.Cause.Dead() {
		g.dead = 0
	}
	switch {
	case a.Cause == delivery.CauseInterrupted:
	case a.Cause.Timeout():
		g.limit, g.speed = leastInFlight, slow
	case a.Duration >= quickAnswer:
		g.limit, g.speed = min(g.limit, firstInFlight), slow
	case a.Status != 0:
		g.typical, p.typical = typically(g.typical, a.Duration), typically(p.typical, a.Duration)
		g.limit, g.speed = min(g.limit+1, mostInFlight), quick
	}
	if before == quick && g.speed == slow || g.dead >= delivery.DeadAfter || p.tooFar(g) { // from now on the queue gives one at a time
		back = p.drop(webhookID)
	}
	return back
}

// forget drops what is known of webhooks that had no delivery for a while.
func (p *pace) forget(now time.Time) {
	for id, g := range p.gaits {
		if g.flying+g.ahead() == 0 && !g.inTurns && now.Sub(g.seen) > forgetAfter {
			delete(p.gaits, id)
		}
	}
}
