package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// retention fills a history by a clock of forty days ago, starts the server again today, and lets it forget all of it while events
// come in. What is measured is the longest time for which a step kept everybody else from writing.
func (b *bench) retention(ctx context.Context) ([]row, error) {
	clock := filepath.Join(os.TempDir(), fmt.Sprintf("dockbell-bench-clock-%d", os.Getpid()))
	if err := os.WriteFile(clock, []byte("-960h"), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(clock)
	measured, program := b.dockbell, b.older
	b.dockbell = program
	s, err := b.start(ctx, "DOCKBELL_CLOCK="+clock)
	b.dockbell = measured
	if err != nil {
		return nil, err
	}
	defer s.stop()
	const hooks = 10
	if err := s.webhooks(hooks, b.receiver.server.URL+"/"); err != nil {
		return nil, err
	}
	before := b.receiver.posts.Load()
	n := newNotifier(s.source, s.sourceToken, b.receiver)
	events, err := n.flood(16, func(done int64) bool {
		b.receiver.keepUp(ctx, before, done*hooks)
		return done < int64(b.many/hooks) && ctx.Err() == nil
	})
	if err == nil {
		err = b.receiver.arrive(ctx, before, events*hooks)
	}
	if err != nil {
		return nil, err
	}
	s.end()
	s.env = nil
	if err := s.serve(ctx, b.dockbell); err != nil {
		return nil, err
	}
	at, err := url.Parse(s.source)
	if err != nil {
		return nil, err
	}
	n.urls = []string{s.url + at.Path}
	slowest, stop := n.beside(100)
	began := time.Now()
	got, err := s.forgotten(ctx)
	took := time.Since(began)
	stop()
	return []row{{
		number: "13", what: fmt.Sprintf("longest block by retention at %d rows", b.many), must: 5, aim: 2, unit: " ms", reached: got.longest * 1000,
		note: fmt.Sprintf("%d steps in %.0f s, %.2f ms each; an event beside them p99 %.1f ms, at most %.1f ms", got.steps, took.Seconds(), got.sum*1000/float64(max(got.steps, 1)),
			ms(quantile(*slowest, .99)), ms(quantile(*slowest, 1))),
	}}, err
}

// beside sends events at a steady rate until stop is called, and says how long each took to be acknowledged.
func (n *notifier) beside(perSecond int) (took *[]time.Duration, stop func()) {
	took = new([]time.Duration)
	var ended atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		for !ended.Load() {
			time.Sleep(time.Second / time.Duration(perSecond))
			began := time.Now()
			if n.notify() == nil {
				*took = append(*took, time.Since(began))
			}
		}
	})
	return took, func() {
		ended.Store(true)
		running.Wait()
		slices.Sort(*took)
	}
}

// forgetting is what the server says of its steps.
type forgetting struct {
	steps        int
	sum, longest float64 // seconds
}

var metric = regexp.MustCompile(`(?m)^dockbell_retention_(step_seconds_count|step_seconds_sum|longest_step_seconds) (\S+)$`)

// forgotten waits until nothing more is forgotten.
func (s *server) forgotten(ctx context.Context) (got forgetting, err error) {
	for still := 0; still < 5 && ctx.Err() == nil; time.Sleep(time.Second) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
		if err != nil {
			return got, err
		}
		req.Header.Set("Authorization", "Bearer "+s.bearer)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return got, err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return got, fmt.Errorf("the metrics are answered with %s: %w", resp.Status, err)
		}
		before := got.steps
		for _, found := range metric.FindAllSubmatch(text, -1) {
			value, err := strconv.ParseFloat(string(found[2]), 64)
			if err != nil {
				return got, err
			}
			switch string(found[1]) {
			case "step_seconds_count":
				got.steps = int(value)
			case "step_seconds_sum":
				got.sum = value
			default:
				got.longest = value
			}
		}
		if still++; got.steps != before || got.steps == 0 {
			still = 0
		}
	}
	return got, ctx.Err()
}
