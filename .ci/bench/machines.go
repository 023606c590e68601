package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// twoServers compares two servers on one PostgreSQL that syncs its commits with one on SQLite: events on 64 connections, half of
// them to each server.
func (b *bench) twoServers(ctx context.Context) ([]row, error) {
	r := row{number: "15", what: "two servers on PostgreSQL, of one on SQLite", must: 0.6, aim: 0.8, more: true, unit: "x", missing: true}
	postgres := os.Getenv("DOCKBELL_TEST_POSTGRES") // .ci/postgres starts one
	if postgres == "" {
		r.note = "PostgreSQL is not installed"
		return []row{r}, nil
	}
	var two, one []float64
	for run := range b.runs {
		shared, err := b.floodedOn(ctx, func(ctx context.Context, hooks int, f func(*server, *notifier) error) error {
			return b.withTwo(ctx, postgres, run, hooks, f)
		}, 1, 64)
		if err != nil {
			return nil, err
		}
		alone, err := b.flooded(ctx, 1, 64)
		if err != nil {
			return nil, err
		}
		two, one = append(two, shared.perSecond), append(one, alone.perSecond)
	}
	r.missing, r.reached = false, median(two)/median(one)
	r.note = fmt.Sprintf("%.0f/s and %.0f/s", median(two), median(one))
	return []row{r}, nil
}

// withTwo is withServer with two servers that share an empty database and a data folder.
func (b *bench) withTwo(ctx context.Context, postgres string, run, hooks int, f func(*server, *notifier) error) error {
	name := "bench" + strconv.Itoa(run)
	if out, err := exec.CommandContext(ctx, "psql", postgres, "-qc", "create database "+name).CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	database := "DOCKBELL_DATABASE=" + strings.Replace(postgres, "/postgres?", "/"+name+"?", 1)
	first, err := b.start(ctx, database)
	if err != nil {
		return err
	}
	defer first.stop()
	second := &server{folder: first.folder, env: first.env, log: first.log}
	if err := second.serve(ctx, b.dockbell); err != nil {
		return err
	}
	defer second.end()
	if err := first.webhooks(hooks, b.receiver.server.URL+"/"); err != nil {
		return err
	}
	n := newNotifier(first.source, first.sourceToken, b.receiver)
	n.urls = append(n.urls, second.url+strings.TrimPrefix(first.source, first.url))
	return f(first, n)
}
