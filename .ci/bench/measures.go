package main

import (
	"context"
	"fmt"
	"time"
)

// measure takes one or more rows of the table.
type measure struct {
	rows []string
	what string
	take func(*bench, context.Context) ([]row, error)
}

var measures = []measure{
	{[]string{"9"}, "idle memory", (*bench).idle},
	{[]string{"1", "2", "4", "12"}, "events to one webhook", (*bench).oneWebhook},
	{[]string{"3", "4"}, "events to 100 webhooks", (*bench).hundredWebhooks},
	{[]string{"5", "6"}, "latency", (*bench).latency},
	{[]string{"7"}, "latency beside a slow neighbour", (*bench).neighbour},
	{[]string{"8"}, "memory of waiting deliveries", (*bench).waiting},
	{[]string{"10", "11"}, "pages of a long history", (*bench).history},
	{[]string{"13"}, "retention of a long history", (*bench).retention},
	{[]string{"14"}, "manifest PUT", (*bench).manifests},
	{[]string{"15"}, "two servers on PostgreSQL", (*bench).twoServers},
	{[]string{"R1", "R2", "R3", "R4"}, "large blobs and many pulls", (*bench).blobs},
	{[]string{"R5"}, "pages of many repositories", (*bench).contents},
}

// withServer starts a Dockbell with so many webhooks, and what sends events to it.
func (b *bench) withServer(ctx context.Context, hooks int, f func(*server, *notifier) error) error {
	s, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.webhooks(hooks, b.receiver.server.URL+"/"); err != nil {
		return err
	}
	return f(s, newNotifier(s.source, s.sourceToken, b.receiver))
}

// withPusher is withServer with pushes to its registry.
func (b *bench) withPusher(ctx context.Context, hooks int, f func(*server, *pusher) error) error {
	return b.withServer(ctx, hooks, func(s *server, _ *notifier) error {
		p, err := newPusher(s.url, s.user, s.secret, b.receiver)
		if err != nil {
			return err
		}
		return f(s, p)
	})
}

// pass is what one flood of events gave.
type pass struct{ ofLimit, perSecond, cpu, cpuOfLimit, connections float64 }

// flooded sends events on so many connections for the length of a measure and waits for every delivery.
func (b *bench) flooded(ctx context.Context, hooks, connections int) (pass, error) {
	return b.floodedOn(ctx, b.withServer, hooks, connections)
}

// floodedOn is flooded with servers that with starts.
func (b *bench) floodedOn(ctx context.Context, with func(ctx context.Context, hooks int, f func(*server, *notifier) error) error, hooks, connections int) (pass, error) {
	var got pass
	var posts, opened int64
	var took, cpu time.Duration
	floor, err := b.beside(ctx, func() error {
		return with(ctx, hooks, func(s *server, n *notifier) error {
			if _, err := n.flood(connections, func(done int64) bool { return done < 20 }); err != nil { // warm: connections, caches
				return err
			}
			time.Sleep(time.Second)
			before, open, used, began := b.receiver.posts.Load(), b.receiver.conns.Load(), s.cpu(), time.Now()
			events, err := n.flood(connections, func(done int64) bool {
				b.receiver.keepUp(ctx, before, done*int64(hooks))
				return time.Since(began) < b.length && ctx.Err() == nil
			})
			if err != nil {
				return err
			}
			posts = events * int64(hooks)
			err = b.receiver.arrive(ctx, before, posts)
			took, cpu, opened = time.Since(began), s.cpu()-used, b.receiver.conns.Load()-open
			return err
		})
	})
	if err != nil || posts == 0 {
		return got, err
	}
	got.perSecond = float64(posts) / took.Seconds()
	got.ofLimit = got.perSecond / floor.PerSecond
	got.cpu = float64(cpu.Microseconds()) / float64(posts)
	got.cpuOfLimit = got.cpu / float64(floor.CPU.Microseconds())
	got.connections = float64(opened) * 1000 / float64(posts)
	return got, nil
}

// passes takes a flood as often as each measure is taken.
func (b *bench) passes(ctx context.Context, hooks, connections int) (pass, error) {
	var all [5][]float64
	for range b.runs {
		got, err := b.flooded(ctx, hooks, connections)
		if err != nil {
			return got, err
		}
		for i, f := range []float64{got.ofLimit, got.perSecond, got.cpu, got.cpuOfLimit, got.connections} {
			all[i] = append(all[i], f)
		}
	}
	return pass{median(all[0]), median(all[1]), median(all[2]), median(all[3]), median(all[4])}, nil
}

func (b *bench) oneWebhook(ctx context.Context) ([]row, error) {
	few, err := b.passes(ctx, 1, 16)
	if err != nil {
		return nil, err
	}
	many, err := b.passes(ctx, 1, 64)
	if err != nil {
		return nil, err
	}
	return []row{
		{number: "1", what: "one webhook, 16 connections, of (a)", must: 0.16, aim: 0.21, more: true, reached: few.ofLimit, note: fmt.Sprintf("%.0f/s", few.perSecond)},
		{number: "2", what: "one webhook, 64 connections, of (a)", must: 0.24, aim: 0.31, more: true, reached: many.ofLimit, note: fmt.Sprintf("%.0f/s", many.perSecond)},
		{number: "4", what: "CPU for a delivery, case 1, in (a)'s", must: 7.5, aim: 4.6, reached: few.cpuOfLimit, note: fmt.Sprintf("%.0f µs, what takes the event included", few.cpu)},
		{number: "12", what: "connections for 1,000 deliveries", must: 32, aim: 16, reached: many.connections},
	}, nil
}

func (b *bench) hundredWebhooks(ctx context.Context) ([]row, error) {
	got, err := b.passes(ctx, 100, 16)
	return []row{
		{number: "3", what: "1 event to 100 webhooks, of (a)", must: 0.50, aim: 0.72, more: true, reached: got.ofLimit, note: fmt.Sprintf("%.0f deliveries/s", got.perSecond)},
		{number: "4", what: "CPU for a delivery, case 3, in (a)'s", must: 2.7, aim: 1.6, reached: got.cpuOfLimit, note: fmt.Sprintf("%.0f µs", got.cpu)},
	}, err
}

// paced times events at a steady rate.
func (b *bench) paced(ctx context.Context, n *notifier, perSecond int) ([]time.Duration, error) {
	return b.receiver.timed(func() error {
		before := b.receiver.posts.Load()
		if err := n.pace(ctx, perSecond, b.length); err != nil {
			return err
		}
		return b.receiver.arrive(ctx, before, int64(b.length.Seconds()*float64(perSecond)))
	})
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// latency compares two rates, and the slower one with Distribution's pipeline, which keeps its events in memory.
func (b *bench) latency(ctx context.Context) ([]row, error) {
	var slow, fast, half, theirs []float64
	other := newDistribution(b)
	for range b.runs {
		err := b.withServer(ctx, 1, func(_ *server, n *notifier) error {
			if _, err := b.paced(ctx, n, 50); err != nil { // warm
				return err
			}
			at100, err := b.paced(ctx, n, 100)
			if err != nil {
				return err
			}
			at1000, err := b.paced(ctx, n, 1000)
			slow, fast, half = append(slow, ms(quantile(at100, .99))), append(fast, ms(quantile(at1000, .99))), append(half, ms(quantile(at100, .5)))
			return err
		})
		if err != nil {
			return nil, err
		}
		if other.missing() {
			continue
		}
		took, err := other.latency(ctx, 100)
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, ms(quantile(took, .99)))
	}
	five := row{number: "5", what: "p99 at 100/s, of Distribution's", must: 1.5, aim: 1, unit: "x", missing: true, note: fmt.Sprintf("p50 %.2f ms, p99 %.2f ms; %s", median(half), median(slow), noDistribution)}
	if len(theirs) > 0 {
		five.missing, five.reached = false, median(slow)/median(theirs)
		five.note = fmt.Sprintf("p50 %.2f ms, p99 %.2f ms; its p99 %.2f ms", median(half), median(slow), median(theirs))
	}
	return []row{five, {number: "6", what: "p99 at 1,000/s, of that at 100/s", must: 1.5, aim: 1.3, unit: "x", reached: median(fast) / median(slow), note: fmt.Sprintf("p99 %.2f ms", median(fast))}}, nil
}

// neighbour compares nine healthy webhooks with and without a tenth that takes two seconds, at 50 events a second.
func (b *bench) neighbour(ctx context.Context) ([]row, error) {
	var alone, beside []float64
	for range b.runs {
		for _, slow := range []bool{false, true} {
			err := b.withServer(ctx, 9, func(s *server, n *notifier) error {
				to, into := b.receiver.server.URL+"/", &alone
				if slow {
					to, into = b.receiver.server.URL+"/slow", &beside
				}
				if err := s.webhook("tenth", to); err != nil {
					return err
				}
				took, err := b.receiver.timed(func() error {
					before := b.receiver.posts.Load()
					if err := n.pace(ctx, 50, b.length); err != nil {
						return err
					}
					return b.receiver.arrive(ctx, before, 9*int64(b.length.Seconds()*50))
				})
				*into = append(*into, ms(quantile(took, .99)))
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return []row{{
		number: "7", what: "healthy p99 beside a slow one, of without", must: 1.3, aim: 1.1, unit: "x", reached: median(beside) / median(alone),
		note: fmt.Sprintf("%.2f ms, without %.2f ms", median(beside), median(alone)),
	}}, nil
}
