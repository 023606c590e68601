package main

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"time"
)

const mb = 1 << 20

// settled is the memory once a server has nothing to do.
func settled(s *server) (float64, error) {
	time.Sleep(3 * time.Second)
	return s.pss()
}

// idle is a server that has served its pages and its registry once.
func (b *bench) idle(ctx context.Context) ([]row, error) {
	var all []float64
	for range b.runs {
		err := b.withPusher(ctx, 1, func(s *server, p *pusher) error {
			before := b.receiver.posts.Load()
			if err := p.push(); err != nil {
				return err
			}
			if err := b.receiver.arrive(ctx, before, 1); err != nil {
				return err
			}
			for _, path := range []string{"/", pages, pages + "/webhooks", pages + "/repositories", pages + "/events", pages + "/deliveries"} {
				if _, _, err := s.page(path); err != nil {
					return err
				}
			}
			used, err := settled(s)
			all = append(all, used/mb)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return []row{{number: "9", what: "idle memory (PSS)", must: 60, aim: 40, unit: " MB", reached: median(all)}}, nil
}

// waiting fills the queue with deliveries to a port where nobody listens: each was tried and waits for its next attempt.
func (b *bench) waiting(ctx context.Context) ([]row, error) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	to := "http://" + nobody.Addr().String()
	nobody.Close()
	count := min(100_000, b.many)
	var each, empty float64
	err = b.withServer(ctx, 0, func(s *server, n *notifier) error {
		if err := s.webhooks(100, to); err != nil {
			return err
		}
		if _, err := n.flood(8, func(done int64) bool { return done < 20 }); err != nil {
			return err
		}
		var err error
		if empty, err = settled(s); err != nil {
			return err
		}
		if _, err := n.flood(8, func(done int64) bool { return done < int64(count/100) && ctx.Err() == nil }); err != nil {
			return err
		}
		for used := time.Duration(-1); used != s.cpu(); time.Sleep(3 * time.Second) { // until every one of them was tried
			used = s.cpu()
		}
		full, err := settled(s)
		each = max(full-empty, 0) / float64(count)
		return err
	})
	return []row{{
		number: "8", what: "memory of a waiting delivery", must: 100, aim: 50, unit: " B", reached: each,
		note: fmt.Sprintf("PSS of %d after their first attempts, %.0f MB before; the page cache of SQLite is part of it", count, empty/mb),
	}}, err
}

var deliveryLink = regexp.MustCompile(`/deliveries/(\d+)`)

// history compares pages of a short and a long history, as a browser gets them.
func (b *bench) history(ctx context.Context) ([]row, error) {
	var short, long, deep, nothing float64
	err := b.withServer(ctx, 100, func(s *server, n *notifier) error {
		fill := func(rows int64) error {
			before := b.receiver.posts.Load()
			events, err := n.flood(16, func(done int64) bool {
				b.receiver.keepUp(ctx, before, done*100)
				return done < rows/100 && ctx.Err() == nil
			})
			if err != nil {
				return err
			}
			return b.receiver.arrive(ctx, before, events*100)
		}
		const page = pages + "/webhooks/hook050"
		if err := fill(10_000); err != nil { // two pages of each webhook
			return err
		}
		text, _, err := s.page(page)
		first := deliveryLink.FindStringSubmatch(text)
		if err != nil || first == nil {
			return fmt.Errorf("the page shows no delivery: %w", err)
		}
		time.Sleep(2 * time.Second)
		if short, err = s.often(page); err != nil {
			return err
		}
		if err := fill(int64(b.many)); err != nil {
			return err
		}
		time.Sleep(5 * time.Second)
		for to, path := range map[*float64]string{&long: page, &deep: page + "?before=" + first[1], &nothing: page + "?q=nosuchrepository&status=5xx"} {
			if *to, err = s.often(path); err != nil {
				return err
			}
		}
		return nil
	})
	return []row{
		{number: "10", what: fmt.Sprintf("newest page at %d rows, of that at 10,000", b.many), must: 1.2, aim: 1.1, unit: "x", reached: long / short, note: fmt.Sprintf("%.2f ms", long)},
		{number: "11", what: "the deepest page, of the newest", must: 1.2, aim: 1.1, unit: "x", reached: deep / long, note: fmt.Sprintf("%.2f ms", deep)},
		{number: "11", what: "a filter that matches nothing, of the newest", must: 1.2, aim: 1.1, unit: "x", reached: nothing / long, note: fmt.Sprintf("%.2f ms", nothing)},
	}, err
}

// often is the median of many gets of a page, in milliseconds.
func (s *server) often(path string) (float64, error) {
	var all []time.Duration
	for range 101 {
		_, took, err := s.page(path)
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return ms(quantile(all, .5)), nil
}
