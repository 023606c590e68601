package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	fault               string
	rounds, acked, lost int
	duplicates, copies  int
	integrity           string
	empty               time.Duration
	failed              error
}

// bad says whether anything is not as promised: an event is lost, the database is not whole, or the program did not go on.
func (r row) bad() bool {
	return r.failed != nil || r.lost > 0 || r.rounds == 0 || r.integrity != "ok"
}

func printTable(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\nfault\trounds\tacknowledged\tlost\tduplicates\tmax copies\tintegrity\tbacklog empty\t")
	for _, r := range rows {
		said := ""
		if r.failed != nil {
			said = r.failed.Error()
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%.1f s\t%s\n", r.fault, r.rounds, r.acked, r.lost, r.duplicates, r.copies, r.integrity, r.empty.Seconds(), said)
	}
	_ = w.Flush()
}
