package blobs

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// bucketEnv names an object store for these tests, such as s3://bucket?...; .ci/s3 serves one and sets it.
const bucketEnv = "DOCKBELL_TEST_BUCKET"

// eachBucket runs a test with two machines that share a bucket: in memory, and in a real store where there is one.
func eachBucket(t *testing.T, test func(t *testing.T, one, two *Cloud)) {
	t.Run("memory", func(t *testing.T) {
		bucket := memblob.OpenBucket(nil)
		test(t, NewCloud(bucket), NewCloud(bucket))
	})
	url := os.Getenv(bucketEnv)
	if url == "" {
		return
	}
	for _, scheme := range []string{"s3", "gs"} { // what is spoken to as Google is spoken to by the same API
		t.Run(scheme, func(t *testing.T) { inStore(t, strings.Replace(url, "s3", scheme, 1), test) })
	}
}

func inStore(t *testing.T, url string, test func(t *testing.T, one, two *Cloud)) {
	one, err := OpenCloud(t.Context(), url+"&prefix="+strings.ReplaceAll(t.Name(), "/", "-")+"/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.Close() })
	test(t, one, NewCloud(one.bucket))
}

func sent(t *testing.T, c *Cloud, id string, at int64, text string) int64 {
	t.Helper()
	size, err := c.Append(t.Context(), id, at, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func begun(t *testing.T, c *Cloud) string {
	t.Helper()
	id, err := c.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// keys are all objects of a bucket.
func keys(t *testing.T, c *Cloud) (all []string) {
	t.Helper()
	objects := c.bucket.List(&blob.ListOptions{})
	for {
		object, err := objects.Next(t.Context())
		if err == io.EOF { //nolint:errorlint // the iterator's own
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object.Key)
	}
}

// TestMachinesGoOnWithAnUpload: chunks that came to two machines become one blob on either, for both kinds of digest.
func TestMachinesGoOnWithAnUpload(t *testing.T) {
	eachBucket(t, func(t *testing.T, one, two *Cloud) {
		for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
			digest := artifact.DigestOf([]byte("one two three"), algorithm)
			id := begun(t, one)
			sent(t, one, id, 0, "one ")
			sent(t, two, id, 4, "")
			if size := sent(t, two, id, 4, "two "); size != 8 {
				t.Errorf("%d bytes", size)
			}
			if size, err := one.Size(t.Context(), id); err != nil || size != 8 {
				t.Errorf("the other machine knows of %d bytes, %v", size, err)
			}
			_, err := one.Append(t.Context(), id, 4, strings.NewReader("again"))
			wants(t, err, fault.Conflict, "range")
			sent(t, one, id, -1, "three")
			if size, err := two.Commit(t.Context(), id, digest); err != nil || size != 13 {
				t.Fatalf("%d bytes, %v", size, err)
			}
			r, err := one.Open(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Seek(4, io.SeekStart); err != nil {
				t.Error(err)
			}
			text, err := io.ReadAll(r)
			r.Close()
			if string(text) != "two three" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
			_, err = one.Size(t.Context(), id)
			wants(t, err, fault.NotFound, "upload")
		}
		if all := keys(t, one); len(all) != 2 {
			t.Errorf("there are the objects %q", all)
		}
	})
}

// TestAWrongDigestLeavesNothingInTheBucket, whether the hash is known, or the bytes are read again.
func TestAWrongDigestLeavesNothingInTheBucket(t *testing.T) {
	eachBucket(t, func(t *testing.T, one, two *Cloud) {
		for _, commits := range []*Cloud{one, two} {
			id := begun(t, one)
			sent(t, one, id, 0, "content")
			_, err := commits.Commit(t.Context(), id, artifact.DigestOf([]byte("other"), artifact.SHA256))
			wants(t, err, fault.Invalid, "digest")
			_, err = one.Size(t.Context(), id)
			wants(t, err, fault.NotFound, "upload")
		}
		if all := keys(t, one); len(all) != 0 {
			t.Errorf("there are the objects %q", all)
		}
	})
}

// TestAChunkThatIsCutOffIsNotKept: the client goes on where the last whole chunk ended, and the hash with it.
func TestAChunkThatIsCutOffIsNotKept(t *testing.T) {
	eachBucket(t, func(t *testing.T, one, _ *Cloud) {
		id := begun(t, one)
		sent(t, one, id, 0, "one ")
		size, err := one.Append(t.Context(), id, 4, io.MultiReader(strings.NewReader("tw"), brokenReader{}))
		wants(t, err, fault.Invalid, "upload")
		if size != 4 {
			t.Errorf("it goes on at %d", size)
		}
		sent(t, one, id, 4, "two")
		digest := artifact.DigestOf([]byte("one two"), artifact.SHA256)
		if size, err := one.Commit(t.Context(), id, digest); err != nil || size != 7 {
			t.Errorf("%d, %v", size, err)
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABucketIsCleanedUp(t *testing.T) {
	eachBucket(t, func(t *testing.T, one, two *Cloud) {
		digest := artifact.DigestOf([]byte("layer"), artifact.SHA256)
		id := begun(t, one)
		sent(t, one, id, 0, "layer")
		if _, err := one.Commit(t.Context(), id, digest); err != nil {
			t.Fatal(err)
		}
		left := begun(t, two)
		sent(t, two, left, 0, "unfinished")
		hour := time.Hour
		if ids, err := one.Abandoned(t.Context(), time.Now().Add(-hour)); err != nil || len(ids) != 0 {
			t.Errorf("young uploads %q are abandoned, %v", ids, err)
		}
		ids, err := one.Abandoned(t.Context(), time.Now().Add(hour))
		if err != nil || len(ids) != 1 || ids[0] != left {
			t.Fatalf("%q, %v", ids, err)
		}
		if err := one.Cancel(t.Context(), left); err != nil {
			t.Error(err)
		}
		var seen []string
		if err := one.Each(t.Context(), func(some []string) error { seen = append(seen, some...); return nil }); err != nil || len(seen) != 1 || seen[0] != digest {
			t.Errorf("there are %q, %v", seen, err)
		}
		if _, removed, err := one.RemoveOld(t.Context(), digest, time.Now().Add(-hour)); removed || err != nil {
			t.Errorf("a young blob is removed: %v, %v", removed, err)
		}
		if size, removed, err := one.RemoveOld(t.Context(), digest, time.Now().Add(hour)); !removed || size != 5 || err != nil {
			t.Errorf("an old blob: %d, %v, %v", size, removed, err)
		}
		_, err = two.Touch(t.Context(), digest)
		wants(t, err, fault.NotFound, "blob")
		_, err = two.Open(t.Context(), digest)
		wants(t, err, fault.NotFound, "blob")
		if err := two.Remove(t.Context(), digest); err != nil {
			t.Error(err)
		}
		if all := keys(t, one); len(all) != 0 {
			t.Errorf("there are the objects %q", all)
		}
	})
}
