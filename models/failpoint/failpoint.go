//go:build !failpoints

// Package failpoint names the moments at which tests kill the process. A normal build does nothing there.
package failpoint

import "time"

// Hit is a moment that a test may choose.
func Hit(Point) {}

// Now is this machine's clock.
func Now() time.Time { return time.Now() }
