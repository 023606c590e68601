package delivery

import (
	"math/rand/v2"
	"sync"
	"time"
)

// idEpoch is where the clock in an ID starts: 41 bits of milliseconds since then last until 2089.
var idEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Nodes is how many processes can be told apart for certain.
const Nodes = 1 << idNodeBits

const (
	idNodeBits     = 10
	idSequenceBits = 12
)

// IDs makes delivery IDs before their insert: increasing with time, and different in every process.
// An ID is milliseconds since 2020, then ten bits for the process, then a sequence.
type IDs struct {
	now  func() time.Time
	node int64

	mu       sync.Mutex
	last     int64 // millisecond of the newest ID
	sequence int64
}

// NewIDs gives a generator of its own node number that reads the given clock.
func NewIDs(now func() time.Time) *IDs {
	return &IDs{now: now, node: rand.Int64N(1 << idNodeBits)} //nolint:gosec // a number to differ by, not a secret
}

// SetNode gives the generator a number that no other process has, in place of one by chance.
func (g *IDs) SetNode(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.node = n % Nodes
	g.last++ // what it makes is new, also to itself
}

// Next gives an ID greater than every one before, also when the clock goes back or a millisecond's sequence is used up.
func (g *IDs) Next() ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := g.now().Sub(idEpoch).Milliseconds()
	switch {
	case ms > g.last:
		g.last, g.sequence = ms, 0
	case g.sequence+1 < 1<<idSequenceBits:
		g.sequence++
	default:
		g.last++ // borrow from the next millisecond rather than wait for it
		g.sequence = 0
	}
	return ID(g.last<<(idNodeBits+idSequenceBits) | g.node<<idSequenceBits | g.sequence)
}

// Made gives the millisecond in which the ID was made.
func (id ID) Made() time.Time {
	return idEpoch.Add(time.Duration(id>>(idNodeBits+idSequenceBits)) * time.Millisecond)
}

// FirstID is the lowest ID that can have been made at or after t.
func FirstID(t time.Time) ID {
	ms := (t.Sub(idEpoch) + time.Millisecond - 1) / time.Millisecond
	return ID(max(ms, 0) << (idNodeBits + idSequenceBits))
}
