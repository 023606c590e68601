package store_test

import (
	"testing"

	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// TestPullsAreCountedInBatches: nothing is written until somebody flushes, nothing is lost then, and what is gone counts for nothing.
func TestPullsAreCountedInBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addRegistry(t, db, acme("acmereg", registry.Premium))
		child, gone := imageOf(t, "child"), imageOf(t, "gone")
		linkParts(t, db, "api", child)
		linkParts(t, db, "api", gone)
		change(t, db, putOf("api", "", child))
		change(t, db, putOf("api", "old", gone))
		index := indexOf(t, child)
		change(t, db, putOf("api", "v1", index))
		for range 3 {
			for _, digest := range []string{index.Digest, child.Digest, gone.Digest, "sha256:nowhere"} {
				db.CountPull("AcmeReg", "api", digest)
			}
		}
		pulls := func(want int64) {
			t.Helper()
			got, err := db.Repository(t.Context(), "acmereg", "api")
			if err != nil || got.Pulls != want {
				t.Errorf("%d pulls (%v), want %d", got.Pulls, err, want)
			}
		}
		pulls(0)
		change(t, db, event.Change{Kind: event.DeleteManifest, Repository: "api", Digest: gone.Digest})
		for range 2 { // the second time there is nothing left to write
			if err := db.FlushPulls(t.Context()); err != nil {
				t.Fatal(err)
			}
			pulls(3) // of the index: its child came with it
		}
		db.CountPull("acmereg", "api", index.Digest)
		if err := db.FlushPulls(t.Context()); err != nil {
			t.Fatal(err)
		}
		pulls(4)
	})
}
