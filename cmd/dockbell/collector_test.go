package main

import (
	"slices"
	"testing"
)

func TestABusyProgramHasRoomAndAnIdleOneGivesItBack(t *testing.T) {
	var cycles, live uint64
	var set []int
	freed := 0
	c := &collector{
		read: func() (uint64, uint64) { return cycles, live },
		set:  func(percent int) { set = append(set, percent) },
		free: func() { freed++ },
	}
	looks := func(n int, ran, heap uint64) {
		for range n {
			cycles, live = cycles+ran, heap
			c.look()
		}
	}
	expect := func(what string, percents ...int) {
		t.Helper()
		if !slices.Equal(set, percents) {
			t.Errorf("%s: GOGC was set to %v, want %v", what, set, percents)
		}
		set = nil
	}
	looks(100, busyAt-1, 8<<20)
	expect("a program that collects now and then")
	looks(1, busyAt, 16<<20)
	expect("a small heap under load", 400)
	looks(1, 1, 32<<20)
	expect("a larger one", 200)
	looks(1, 1, 1<<30)
	expect("a large one", 100)
	looks(1, 1, 0)
	expect("none", 1000)
	looks(looksTillIdle-1, 0, 8<<20)
	expect("a short rest")
	looks(1, 1, 16<<20)
	expect("work again", 400)
	looks(looksTillIdle, 0, 8<<20)
	expect("a long rest", 100)
	if freed != 1 {
		t.Errorf("memory was given back %d times, want once", freed)
	}
	looks(100, 0, 8<<20)
	expect("idle")
}

func TestTheCollectorReadsTheRuntime(t *testing.T) {
	cycles, live := newCollector(nil).read()
	if live == 0 {
		t.Errorf("%d collections left %d bytes", cycles, live)
	}
}
