package main

import (
	"os"
	"runtime"
)

// addProcessor lets Go work on one thing more at a time than there are processors for. With SQLite one goroutine writes, and
// spends most of its time in C: there it keeps a place from the others until Go notices, and has to wait for one when it comes
// back, while all wait for it. Whoever has set GOMAXPROCS has decided for themselves.
func addProcessor() {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	runtime.SetDefaultGOMAXPROCS() // so that a second call adds nothing
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
}
