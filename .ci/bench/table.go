package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	number, what string
	must, aim    float64
	more         bool // a larger figure is the better one
	unit         string
	reached      float64
	note         string // what else was seen, or why there is no figure
	missing      bool
}

func (r row) verdict() string {
	reaches := func(bound float64) bool { return r.more == (r.reached >= bound) || r.reached == bound }
	switch {
	case r.missing:
		return "not measured"
	case reaches(r.aim):
		return "aim"
	case reaches(r.must):
		return "must"
	default:
		return "MISSED"
	}
}

func printTable(out io.Writer, rows []row, b *bench) {
	var perSecond, cpu []float64
	for _, f := range b.floor {
		perSecond, cpu = append(perSecond, f.PerSecond), append(cpu, float64(f.CPU.Microseconds()))
	}
	if len(perSecond) > 0 {
		fmt.Fprintf(out, "\n(a), the limit: %.0f POSTs/s, %.0f µs of client CPU each (median of %d measures in this run)\n", median(perSecond), median(cpu), len(perSecond))
	}
	fmt.Fprintf(out, "%s for each measure, medians of %d\n\n", b.length, b.runs)
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "#\tmeasure\tmust\taim\treached\t\tseen")
	for _, r := range rows {
		reached := fmt.Sprintf("%.3g%s", r.reached, r.unit)
		if r.missing {
			reached = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%.3g%s\t%.3g%s\t%s\t%s\t%s\n", r.number, r.what, r.must, r.unit, r.aim, r.unit, reached, r.verdict(), r.note)
	}
	_ = table.Flush()
}
