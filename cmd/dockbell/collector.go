package main

import (
	"context"
	"os"
	"runtime/debug"
	heap "runtime/metrics"
	"time"
)

// Bounds of the room that a busy program gets.
const (
	roomWhenBusy  = 64 << 20 // bytes of garbage before they are collected
	busyAt        = 5        // collections between two looks
	looksTillIdle = 3        // in a row without a collection
	lookAtHeap    = time.Second
	usualPercent  = 100 // Go's own GOGC
)

// collector gives a busy program room: the heap is so small that Go, which lets it double, would collect dozens of times a
// second under load. An idle program gives the room back.
type collector struct {
	read func() (cycles, live uint64) // collections so far, and what the last one left, in bytes
	set  func(percent int)
	free func()

	cycles uint64
	busy   bool
	quiet  int // looks in a row without a collection
}

// newCollector makes one; rest gives back what the database keeps for speed.
func newCollector(rest func()) *collector {
	samples := []heap.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	return &collector{
		read: func() (cycles, live uint64) {
			heap.Read(samples)
			return samples[0].Value.Uint64(), samples[1].Value.Uint64()
		},
		set: func(percent int) { debug.SetGCPercent(percent) },
		free: func() {
			rest()
			debug.FreeOSMemory()
		},
	}
}

// run looks until ctx ends. Whoever has set GOGC has decided for themselves.
func (c *collector) run(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	ticks := time.NewTicker(lookAtHeap)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			c.look()
		}
	}
}

func (c *collector) look() {
	cycles, live := c.read()
	ran := cycles - c.cycles
	c.cycles = cycles
	c.quiet++
	if ran > 0 {
		c.quiet = 0
	}
	switch {
	case c.busy && c.quiet >= looksTillIdle:
		c.busy = false
		c.set(usualPercent)
		c.free()
	case c.busy && ran > 0, ran >= busyAt:
		c.busy = true
		c.set(percentFor(live))
	}
}

// percentFor gives a heap room for roomWhenBusy, and as much as usual when it is larger than that.
func percentFor(live uint64) int {
	const most = 1000
	return int(min(max(roomWhenBusy*100/max(live, 1), usualPercent), most))
}
