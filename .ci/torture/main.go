// Command torture hurts Dockbells of its own while clients send events to them. It keeps the ledger: which events were
// acknowledged to it, and which its receiver was told of. What the product says of itself is never the judge.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// torture is one run of all faults.
type torture struct {
	dockbell string
	folder   string
	length   time.Duration
	only     []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &torture{}
	flag.StringVar(&t.dockbell, "dockbell", "", "the program, built with the tag failpoints")
	flag.StringVar(&t.folder, "folder", "", "where its data may lie")
	flag.Parse()
	if err := errors.Join(t.settings(), t.run(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func (t *torture) settings() (err error) {
	t.length = 30 * time.Minute
	if text := os.Getenv("TORTURE_TIME"); text != "" {
		if t.length, err = time.ParseDuration(text); err != nil || t.length <= 0 {
			return fmt.Errorf("TORTURE_TIME=%s is no time such as 30m", text)
		}
	}
	if text := os.Getenv("TORTURE_ONLY"); text != "" {
		t.only = strings.Split(text, ",")
	}
	return nil
}

// run takes the faults one after the other and prints the table.
func (t *torture) run(ctx context.Context) error {
	chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return len(t.only) > 0 && !slices.Contains(t.only, f.name) })
	if len(chosen) == 0 {
		return fmt.Errorf("TORTURE_ONLY=%s names no fault", strings.Join(t.only, ","))
	}
	each := t.length / time.Duration(len(chosen))
	var rows []row
	bad := 0
	for _, f := range chosen {
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(os.Stderr, "%s for %s\n", f.name, each.Round(time.Second))
		r := t.suffer(ctx, f, each)
		if r.bad() {
			bad++
		}
		rows = append(rows, r)
	}
	printTable(os.Stdout, rows)
	if bad > 0 {
		return fmt.Errorf("%d of %d faults did harm", bad, len(rows))
	}
	return ctx.Err()
}

// suffer takes one fault, round after round.
func (t *torture) suffer(ctx context.Context, f fault, length time.Duration) (r row) {
	r = row{fault: f.name}
	s, err := t.newSite(f)
	if err != nil {
		r.failed = err
		return r
	}
	defer s.close()
	stop := s.load(4)
	for until := time.Now().Add(length * 4 / 5); time.Now().Before(until) && ctx.Err() == nil && err == nil; {
		if err = f.round(ctx, s); err == nil {
			r.rounds++
			err = s.grows(20, time.Minute)
		}
	}
	stop()
	s.receiver.behave("ok")
	r.failed = err
	began := time.Now()
	r.lost = s.settle(2 * time.Minute)
	r.empty = time.Since(began)
	r.acked, r.duplicates, r.copies = s.receiver.count()
	r.integrity = s.integrity()
	return r
}
