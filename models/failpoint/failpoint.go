//go:build !failpoints

// Package failpoint names the moments at which tests kill the process. A normal build does nothing there.
package failpoint

// Hit is a moment that a test may choose.
func Hit(Point) {}
