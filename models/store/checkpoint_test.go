package store_test

import (
	"fmt"
	"testing"

	"dockbell/models/store/storetest"
)

// TestACheckpointLetsTheLogBeginAnew: what commits wrote to the log is in the file afterwards, and the next commit begins at the
// log's start.
func TestACheckpointLetsTheLogBeginAnew(t *testing.T) {
	db := storetest.Open(t)
	write := func(n int) {
		for i := range n {
			if err := db.PutSetting(t.Context(), "key", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(100)
	log, written, err := db.Checkpoint()
	if err != nil || log < 100 || written != log {
		t.Fatalf("%d of the %d pages of 100 commits are in the file: %v", written, log, err)
	}
	write(1)
	if again, _, err := db.Checkpoint(); err != nil || again >= log {
		t.Errorf("after the next commit the log holds %d pages, as if it had gone on after %d: %v", again, log, err)
	}
}
