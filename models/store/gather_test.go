package store

import (
	"testing"
	"testing/synctest"
	"time"
)

// crowded is a writer whose last commit had n writes. Nobody commits but the test.
func crowded(n int) *writer {
	w := (&DB{}).newWriter(nil, 0, 0)
	w.gathers, w.last = true, n
	return w
}

func TestACommitGathersACrowd(t *testing.T) {
	for name, c := range map[string]struct {
		last, there, later int // writes of the last commit, that wait already, and that come within a millisecond
		want               int
		took               time.Duration
	}{
		"one alone":               {1, 1, 1, 1, 0},
		"few":                     {crowd - 1, 1, 5, 1, 0},
		"all are there":           {20, 20, 5, 20, 0},
		"all come back":           {20, 3, 17, 20, time.Millisecond},
		"more come than were":     {20, 3, 30, 20, time.Millisecond},
		"some stay away":          {20, 3, 5, 8, gatherFor},
		"more than a commit has":  {maxBatch, maxBatch + 9, 0, maxBatch, 0},
		"the crowd has gone away": {20, 1, 0, 1, gatherFor},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := crowded(c.last)
				add := func(n int) {
					for range n {
						w.add(&request{})
					}
				}
				add(c.there)
				go func() {
					time.Sleep(time.Millisecond)
					for range c.later {
						add(1)
						synctest.Wait() // the writer looks at each, so that it takes no more than it waits for
					}
				}()
				began := time.Now()
				got := len(w.take())
				if took := time.Since(began); got != c.want || took != c.took {
					t.Errorf("%d writes were taken after %v, want %d after %v", got, took, c.want, c.took)
				}
				if w.last != got {
					t.Errorf("the next commit gathers for %d, want %d", w.last, got)
				}
				time.Sleep(time.Second) // until the others have come
			})
		})
	}
}

func TestAGatheringCommitGoesOnWhenTheWriterCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowded(20)
		w.add(&request{})
		go func() {
			time.Sleep(time.Millisecond)
			w.close()
		}()
		began := time.Now()
		if got, took := len(w.take()), time.Since(began); got != 1 || took != time.Millisecond {
			t.Errorf("%d writes were taken after %v, want one after a millisecond", got, took)
		}
	})
}

func TestSeveralCommittersDoNotGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowded(20)
		w.gathers = false
		w.add(&request{})
		began := time.Now()
		if got, took := len(w.take()), time.Since(began); got != 1 || took != 0 {
			t.Errorf("%d writes were taken after %v, want one at once", got, took)
		}
	})
}
