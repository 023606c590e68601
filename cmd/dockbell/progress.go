package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// progress tells people on a terminal how far long work is, in one line that is overwritten; elsewhere it says nothing.
type progress struct {
	out   io.Writer // nil: nobody looks
	shown bool
}

func newProgress(c *cobra.Command) *progress {
	if !isTerminal(c.ErrOrStderr()) {
		return &progress{}
	}
	return &progress{out: c.ErrOrStderr()}
}

// say replaces the line.
func (p *progress) say(format string, args ...any) {
	if p.out != nil {
		p.shown = true
		fmt.Fprintf(p.out, "\r\x1b[K"+format+" ...", args...)
	}
}

// done removes the line, so that what follows begins at the margin.
func (p *progress) done() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
