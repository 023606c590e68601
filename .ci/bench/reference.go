package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// reference is the limit of every ratio, (a): a bare net/http client with 32 workers that POSTs 500 bytes of JSON to the same receiver.
type reference struct {
	PerSecond float64
	CPU       time.Duration // of the client, for each POST
}

// reference measures the limit.
func (b *bench) reference(ctx context.Context) (reference, error) {
	out, err := exec.CommandContext(ctx, os.Args[0], "reference", b.receiver.server.URL, (b.length / 4).String()).Output()
	if err != nil {
		return reference{}, fmt.Errorf("the reference: %w", err)
	}
	var r reference
	if err := json.Unmarshal(out, &r); err != nil {
		return reference{}, err
	}
	b.floor = append(b.floor, r)
	return r, nil
}

// beside measures the limit before and after f: the machine is not the same all the time.
func (b *bench) beside(ctx context.Context, f func() error) (reference, error) {
	before, err := b.reference(ctx)
	if err != nil {
		return before, err
	}
	if err := f(); err != nil {
		return before, err
	}
	after, err := b.reference(ctx)
	return reference{(before.PerSecond + after.PerSecond) / 2, (before.CPU + after.CPU) / 2}, err
}

// postAll is the process that is measured: it posts for a while and prints what it managed.
func postAll(url, length string) {
	long, err := time.ParseDuration(length)
	if err != nil {
		panic(err)
	}
	const workers = 32
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	body := append(append([]byte(`{"fill":"`), bytes.Repeat([]byte("x"), 489)...), `"}`...)
	var posts atomic.Int64
	var all sync.WaitGroup
	started := time.Now()
	for range workers {
		all.Go(func() {
			for time.Since(started) < long {
				resp, err := client.Post(url, "application/json", bytes.NewReader(body))
				if err != nil {
					panic(err)
				}
				resp.Body.Close()
				posts.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(started)
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	n := max(posts.Load(), 1)
	if err := json.NewEncoder(os.Stdout).Encode(reference{float64(n) / took.Seconds(), cpu / time.Duration(n)}); err != nil {
		panic(err)
	}
}
