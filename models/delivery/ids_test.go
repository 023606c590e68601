package delivery

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIDsOnlyGrow holds for every clock: one that stands still, jumps, or goes back.
func TestIDsOnlyGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := idEpoch.Add(time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "start")) * time.Millisecond)
		ids := NewIDs(func() time.Time { return now })
		last, node := ID(-1), int64(-1)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(-5000, 5000).Draw(t, "µs")) * time.Microsecond)
			for range rapid.SampledFrom([]int{1, 2, 7, 1<<idSequenceBits + 1}).Draw(t, "burst") {
				id := ids.Next()
				if id <= last {
					t.Fatalf("%d after %d at %s", id, last, now)
				}
				if of := int64(id) >> idSequenceBits & (1<<idNodeBits - 1); node >= 0 && of != node {
					t.Fatalf("node %d after %d: the parts of %d overlap", of, node, id)
				} else {
					node = of
				}
				last = id
			}
		}
	})
}

func TestAnIDTellsWhenItWasMade(t *testing.T) {
	now := noon.Add(123*time.Millisecond + 456*time.Microsecond)
	id := NewIDs(func() time.Time { return now }).Next()
	if got := id.Made(); !got.Equal(noon.Add(123 * time.Millisecond)) {
		t.Errorf("made %s, want %s to the millisecond", got, now)
	}
	if id <= 0 || id.String() == "" || id.String()[0] == '-' {
		t.Errorf("%s is not a positive number", id)
	}
}

// TestManyAtOnceGetDifferentIDs also holds the generator to its lock when run with -race.
func TestManyAtOnceGetDifferentIDs(t *testing.T) {
	const callers, each = 8, 2000
	ids := NewIDs(func() time.Time { return noon })
	made := make([][]ID, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range each {
				made[i] = append(made[i], ids.Next())
			}
		})
	}
	all.Wait()
	for i := range made {
		if !slices.IsSorted(made[i]) {
			t.Errorf("caller %d saw its IDs shrink", i)
		}
	}
	flat := slices.Concat(made...)
	slices.Sort(flat)
	if got := len(slices.Compact(flat)); got != callers*each {
		t.Errorf("%d different IDs, want %d", got, callers*each)
	}
}
