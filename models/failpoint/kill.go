//go:build failpoints

// Package failpoint names the moments at which tests kill the process: DOCKBELL_FAIL=point:n kills it at the n-th.
package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	chosen, at = parse(os.Getenv("DOCKBELL_FAIL"))
	hits       atomic.Int64
)

func parse(text string) (Point, int64) {
	point, count, found := strings.Cut(text, ":")
	if text == "" {
		return "", 0
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if !found || err != nil || n < 1 {
		fmt.Fprintln(os.Stderr, "DOCKBELL_FAIL is no point:n: "+text)
		os.Exit(2)
	}
	return Point(point), n
}

// Hit kills the process if its turn has come, as SIGKILL does: nothing of it runs any more.
func Hit(p Point) {
	if p != chosen || hits.Add(1) != at {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal is there
}

// Now is this machine's clock, set forward or back by the duration in the file that DOCKBELL_CLOCK names. A file without one is
// a clock that nobody set.
func Now() time.Time {
	now := time.Now()
	if file := os.Getenv("DOCKBELL_CLOCK"); file != "" {
		if text, err := os.ReadFile(file); err == nil { //nolint:gosec // of the test's own
			by, _ := time.ParseDuration(strings.TrimSpace(string(text)))
			return now.Round(0).Add(by) // setting a clock leaves the monotonic one alone
		}
	}
	return now
}
