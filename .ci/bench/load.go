package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load is what is done over and over: a push of a manifest, or a POST of an event.
type load struct{ one func() error }

func newClient() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// flood does it on so many connections until more says stop, and gives how often it was done.
func (l load) flood(connections int, more func(done int64) bool) (int64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for failed.Load() == nil && more(done.Load()) {
				if err := l.one(); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return done.Load(), *err
	}
	return done.Load(), nil
}

// pace does it so many times a second, late ones at once, for so long.
func (l load) pace(ctx context.Context, perSecond int, long time.Duration) error {
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for i := range int(long.Seconds() * float64(perSecond)) {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
		if ctx.Err() != nil || failed.Load() != nil {
			break
		}
		all.Go(func() {
			if err := l.one(); err != nil {
				failed.Store(&err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// arrive waits until the receiver has so many POSTs more than before, as long as they keep coming.
func (r *receiver) arrive(ctx context.Context, before, more int64) error {
	last, end := int64(-1), time.Time{}
	for r.posts.Load() < before+more {
		if err := ctx.Err(); err != nil {
			return err
		}
		if now := r.posts.Load(); now != last {
			last, end = now, time.Now().Add(time.Minute)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d POSTs arrived, and none for a minute", last-before, more)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// maxBehind is how many deliveries a flood lets wait: what is measured is a steady stream, not how a mountain is worked off.
const maxBehind = 10_000

// keepUp holds an event back until no more than maxBehind of the deliveries of those before it are on their way.
func (r *receiver) keepUp(ctx context.Context, before, sent int64) {
	for r.posts.Load()+maxBehind < before+sent && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}
