// Command bench measures a Dockbell of its own on this machine, and the limit that bounds it in the same run: ratios are what
// can be compared between machines. Its rows are numbered as the performance targets are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is one run of all measures.
type bench struct {
	dockbell string        // the program that is measured
	older    string        // the same one, built so that its clock can be set
	length   time.Duration // of one measure
	runs     int           // how often each is taken
	many     int           // rows of a large database
	blob     int64         // bytes of a large blob
	only     []string      // rows that are taken; empty: all
	receiver *receiver
	floor    []reference // every measure of the limit so far
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "reference" { // the limit is measured in a process of its own, for its CPU time
		postAll(os.Args[2], os.Args[3])
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "bare" { // what bounds blobs, in a process of its own too
		serveFiles(os.Args[2])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{}
	flag.StringVar(&b.dockbell, "dockbell", "bin/dockbell", "the program that is measured")
	flag.StringVar(&b.older, "older", "bin/dockbell-clock", "the same program, whose clock can be set")
	flag.Parse()
	if err := errors.Join(b.settings(), b.run(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) settings() error {
	var err error
	b.length, b.runs, b.many = 10*time.Second, 3, 1_000_000
	if text := os.Getenv("BENCH_TIME"); text != "" {
		if b.length, err = time.ParseDuration(text); err != nil || b.length <= 0 {
			return fmt.Errorf("BENCH_TIME=%s is no time such as 10s", text)
		}
	}
	blob := 1024
	for env, to := range map[string]*int{"BENCH_RUNS": &b.runs, "BENCH_ROWS": &b.many, "BENCH_BLOB": &blob} {
		if text := os.Getenv(env); text != "" {
			if *to, err = strconv.Atoi(text); err != nil || *to < 1 {
				return fmt.Errorf("%s=%s is no number above 0", env, text)
			}
		}
	}
	b.blob = int64(blob) * mb
	if text := os.Getenv("BENCH_ONLY"); text != "" {
		b.only = strings.Split(text, ",")
	}
	return nil
}

// run takes every measure and prints the table as far as it came.
func (b *bench) run(ctx context.Context) error {
	b.receiver = newReceiver()
	defer b.receiver.close()
	var all []row
	for _, m := range measures {
		if len(b.only) > 0 && !slices.ContainsFunc(m.rows, func(n string) bool { return slices.Contains(b.only, n) }) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s\n", m.what)
		rows, err := m.take(b, ctx)
		if err != nil {
			printTable(os.Stdout, all, b)
			return fmt.Errorf("%s: %w", m.what, err)
		}
		all = append(all, rows...)
	}
	printTable(os.Stdout, all, b)
	return nil
}

// median is of at least one figure.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
