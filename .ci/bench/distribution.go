package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// noDistribution says what lacks when the comparison cannot be made.
const noDistribution = "Debian's docker-registry is not installed"

// distribution is the registry that Dockbell is compared with.
type distribution struct {
	b       *bench
	program string // empty: not installed
}

func newDistribution(b *bench) distribution {
	program, _ := exec.LookPath("docker-registry") // nothing found is an empty name
	return distribution{b, program}
}

func (d distribution) missing() bool { return d.program == "" }

// config is a registry that keeps files and, with somebody to tell, its events in memory.
const config = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %s}, cache: {blobdescriptor: inmemory}}
http: {addr: %q}
`

const notifications = `notifications:
  endpoints:
    - {name: bench, url: %q, timeout: 5s, threshold: 5, backoff: 1s}
`

// with runs it with an empty folder; to is who is told of pushes, empty for nobody.
func (d distribution) with(ctx context.Context, to string, f func(*pusher) error) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := free.Addr().String()
	free.Close()
	folder, err := os.MkdirTemp("", "distribution-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	text := fmt.Sprintf(config, folder, address)
	if to != "" {
		text += fmt.Sprintf(notifications, to)
	}
	file := filepath.Join(folder, "config.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	run := exec.CommandContext(ctx, d.program, "serve", file)
	run.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := run.Start(); err != nil {
		return err
	}
	defer func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	}()
	for range 200 {
		if resp, err := http.Get("http://" + address + "/v2/"); err == nil {
			resp.Body.Close()
			p, err := newPusher("http://"+address, "", "", d.b.receiver)
			if err != nil {
				return err
			}
			return f(p)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("docker-registry does not answer")
}

// latency times its notifications at a steady rate.
func (d distribution) latency(ctx context.Context, perSecond int) (took []time.Duration, err error) {
	err = d.with(ctx, d.b.receiver.server.URL+"/", func(p *pusher) error {
		if err := p.pace(ctx, perSecond, time.Second); err != nil { // warm
			return err
		}
		time.Sleep(500 * time.Millisecond)
		took, err = d.b.receiver.timed(func() error {
			err := p.pace(ctx, perSecond, d.b.length)
			time.Sleep(500 * time.Millisecond) // it tells one push in several events: arrivals are not counted
			return err
		})
		return err
	})
	return took, err
}

// manifests compares pushes by tag on eight connections, ours with the event and its delivery, theirs without.
func (b *bench) manifests(ctx context.Context) ([]row, error) {
	var ours, theirs []float64
	other := newDistribution(b)
	flood := func(p *pusher, into *[]float64) error {
		if _, err := p.flood(8, func(done int64) bool { return done < 50 }); err != nil { // warm
			return err
		}
		began := time.Now()
		n, err := p.flood(8, func(int64) bool { return time.Since(began) < b.length && ctx.Err() == nil })
		*into = append(*into, float64(n)/time.Since(began).Seconds())
		return err
	}
	for range b.runs {
		if err := b.withPusher(ctx, 1, func(_ *server, p *pusher) error { return flood(p, &ours) }); err != nil {
			return nil, err
		}
		if other.missing() {
			continue
		}
		if err := other.with(ctx, "", func(p *pusher) error { return flood(p, &theirs) }); err != nil {
			return nil, err
		}
	}
	r := row{number: "14", what: "manifest PUT with its event, of docker-registry's", must: 1.2, aim: 1.6, more: true, unit: "x", missing: true}
	r.note = fmt.Sprintf("%.0f/s; %s", median(ours), noDistribution)
	if len(theirs) > 0 {
		r.missing, r.reached = false, median(ours)/median(theirs)
		r.note = fmt.Sprintf("%.0f/s, docker-registry without events %.0f/s", median(ours), median(theirs))
	}
	return []row{r}, nil
}
