package blobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// pushed stores a text as a blob and gives its digest.
func pushed(t *testing.T, in Store, text string) string {
	t.Helper()
	digest := artifact.DigestOf([]byte(text), artifact.SHA256)
	id, err := in.Create(t.Context())
	if err == nil {
		_, err = in.Append(t.Context(), id, 0, strings.NewReader(text))
	}
	if err == nil {
		_, err = in.Commit(t.Context(), id, digest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func moves(t *testing.T, from, to Store, want Moved) {
	t.Helper()
	told := 0
	if got, err := Move(t.Context(), from, to, func(n int) { told = n }); err != nil || got != want || told != want.Blobs {
		t.Errorf("moved %+v, told of %d, %v; want %+v", got, told, err, want)
	}
}

// TestMoveBothWays takes layers from a folder to a bucket and from there to another folder, and repeats both.
func TestMoveBothWays(t *testing.T) {
	eachBucket(t, func(t *testing.T, bucket, _ *Cloud) {
		here, there := openFolder(t), openFolder(t)
		var digests []string
		for n := range 30 {
			digests = append(digests, pushed(t, here, fmt.Sprint("layer ", n)))
		}
		bytes := int64(10*len("layer 0") + 20*len("layer 10"))
		if _, err := here.Create(t.Context()); err != nil { // an upload that is not complete
			t.Fatal(err)
		}
		moves(t, here, bucket, Moved{30, bytes, 0})
		moves(t, here, bucket, Moved{30, bytes, 30})
		moves(t, bucket, there, Moved{30, bytes, 0})
		for _, digest := range digests {
			if _, err := whole(t.Context(), there, digest); err != nil {
				t.Error(err)
			}
		}
		if size, err := here.Stat(t.Context(), digests[0]); err != nil || size == 0 {
			t.Errorf("the old place lost a layer: %v", err)
		}
	})
}

func openFolder(t *testing.T) *Files {
	t.Helper()
	f, err := OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestAMoveGoesOn: one that was broken off is repeated, what is damaged at the new place is replaced, and what is damaged at the old
// one is not moved.
func TestAMoveGoesOn(t *testing.T) {
	eachBucket(t, func(t *testing.T, bucket, _ *Cloud) {
		folder := openFolder(t)
		for n := range 10 {
			pushed(t, folder, fmt.Sprint("layer ", n))
		}
		ctx, breakOff := context.WithCancel(t.Context())
		_, err := Move(ctx, folder, bucket, func(n int) {
			if n == 4 {
				breakOff()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("a move that was broken off ends with %v", err)
		}
		digest := artifact.DigestOf([]byte("layer 5"), artifact.SHA256)
		_, key, _ := place(digest)
		if err := bucket.bucket.WriteAll(t.Context(), key, []byte("layer x"), nil); err != nil {
			t.Fatal(err)
		}
		m, err := Move(t.Context(), folder, bucket, func(int) {})
		if err != nil || m.Blobs != 10 || m.Before < 3 || m.Before > 5 {
			t.Errorf("repeated: %+v, %v", m, err)
		}
		if _, err := whole(t.Context(), bucket, digest); err != nil {
			t.Errorf("what was damaged at the new place: %v", err)
		}

		bad := pushed(t, folder, "a layer that the disk loses")
		_, file, _ := place(bad)
		if err := os.WriteFile(folder.path(file), []byte("a layer that the disk lost!"), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err = Move(t.Context(), folder, bucket, func(int) {})
		if !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "1 layers are damaged") || !strings.Contains(err.Error(), bad) || m.Blobs != 10 {
			t.Errorf("a damaged layer: %+v, %v", m, err)
		}
		if _, err := bucket.Stat(t.Context(), bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("the damaged layer is at the new place: %v", err)
		}
	})
}
