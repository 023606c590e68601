package main

import (
	"runtime"
	"testing"
)

func TestOneProcessorMore(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	runtime.SetDefaultGOMAXPROCS()
	usual := runtime.GOMAXPROCS(0)
	for range 2 {
		if addProcessor(); runtime.GOMAXPROCS(0) != usual+1 {
			t.Errorf("%d at a time, want %d", runtime.GOMAXPROCS(0), usual+1)
		}
	}
	t.Setenv("GOMAXPROCS", "1")
	runtime.GOMAXPROCS(1)
	if addProcessor(); runtime.GOMAXPROCS(0) != 1 {
		t.Error("what was set is not kept")
	}
}
