package store

import (
	"context"
	"sync"
	"time"
)

// shared lets those who ask the same of the database at once share one reading. Whoever comes while one is under way has no part in
// it, for it may have begun before what they must see was committed: they share the next one. The zero shared is ready.
type shared[V any] struct {
	mu    sync.Mutex
	lines map[string]*readings[V]
}

// readings are those of one key: one is under way at most, and one waits for its end.
type readings[V any] struct {
	turn chan struct{} // holds one while none is under way
	next *reading[V]
}

// reading is one for all who share it; v and err are there once it is done.
type reading[V any] struct {
	done chan struct{}
	v    V
	err  error
}

// sharedWait bounds a reading, which nobody's leaving ends: others share it.
const sharedWait = 10 * time.Second

// get gives what read gives, which nobody may change.
func (s *shared[V]) get(ctx context.Context, key string, read func(ctx context.Context) (V, error)) (V, error) {
	line, r, first := s.join(key)
	if first {
		go s.read(context.WithoutCancel(ctx), line, r, read)
	}
	select {
	case <-r.done:
		return r.v, r.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// join gives the next reading of a key; first is for who makes it.
func (s *shared[V]) join(key string) (line *readings[V], r *reading[V], first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		s.lines = map[string]*readings[V]{}
	}
	if line = s.lines[key]; line == nil {
		line = &readings[V]{turn: make(chan struct{}, 1)}
		line.turn <- struct{}{}
		s.lines[key] = line
	}
	if first = line.next == nil; first {
		line.next = &reading[V]{done: make(chan struct{})}
	}
	return line, line.next, first
}

// read waits for the reading before it, and reads for all who came until then.
func (s *shared[V]) read(ctx context.Context, line *readings[V], r *reading[V], read func(ctx context.Context) (V, error)) {
	<-line.turn
	defer func() { line.turn <- struct{}{} }()
	s.mu.Lock()
	line.next = nil
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sharedWait)
	defer cancel()
	defer close(r.done)
	r.v, r.err = read(ctx)
}
