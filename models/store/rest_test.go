package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"dockbell/models/store/storetest"
)

// TestRestWhileOthersWork: giving memory back takes nothing from those who read and write meanwhile.
func TestRestWhileOthersWork(t *testing.T) {
	db := storetest.Open(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 50 {
				key := fmt.Sprint("key", i, "of", j)
				if err := db.PutSetting(context.Background(), key, "x"); err != nil {
					t.Error(err)
				}
				if v, err := db.Setting(context.Background(), key); err != nil || v != "x" {
					t.Errorf("%s is %q, %v", key, v, err)
				}
			}
		})
	}
	for range 50 {
		db.Rest()
	}
	all.Wait()
	before := db.ReadersOpen()
	if db.Rest(); db.ReadersOpen() != 0 || before == 0 {
		t.Errorf("%d connections of readers were open, and %d are after a rest", before, db.ReadersOpen())
	}
}
