package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupOfABucket copies the layers out of a bucket while the server runs, reuses those of an earlier back-up, and puts them
// back: into another bucket, into one that has some of them, and into a folder. Each time everything can be pulled.
func TestBackupOfABucket(t *testing.T) {
	bucket := testBucket(t, "backup")
	t.Setenv("DOCKBELL_BLOBS", bucket)
	h := startHouse(t)
	c := newPusher(t, readCredentials(t, h.command("token", "create", "--name=ci", "--role=owner")))
	c.pushThrough(h.url, "team/api", "v1", "one").wants(http.StatusCreated)
	root := t.TempDir()
	first, second, file := filepath.Join(root, "first"), filepath.Join(root, "second"), filepath.Join(root, "copy.tar")
	backup := func(layers string, args ...string) {
		t.Helper()
		if out := h.command(append([]string{"backup"}, args...)...); !strings.Contains(out, "The database and "+layers+" layers") {
			t.Errorf("backup %v says %s", args, out)
		}
	}
	backup("2", first) // and the config
	c.pushThrough(h.url, "team/api", "v2", "another").wants(http.StatusCreated)
	backup("3", second, "--reuse", first)
	backup("3", file)
	for _, made := range []string{first, second, file} {
		private(t, made)
	}
	name := filepath.Join("blobs", "sha256", digestOf("one")[7:9], digestOf("one")[7:])
	if !sameFile(t, filepath.Join(first, name), filepath.Join(second, name)) {
		t.Error("a layer of the earlier back-up was copied again")
	}
	h.stop()
	if err := os.RemoveAll(filepath.Join(h.data, "blobs")); err != nil {
		t.Fatal(err)
	}

	restored := func(from, into string, layers ...string) {
		t.Helper()
		t.Setenv("DOCKBELL_BLOBS", into)
		elsewhere := &runningHouse{t: t, data: filepath.Join(t.TempDir(), "data")}
		elsewhere.args = append(append([]string{}, h.args...), "--data="+elsewhere.data)
		out, stderr, code := run(t, "restore", from, "--data="+elsewhere.data)
		if code != exitDone || into != "" && !strings.Contains(out, "layers in "+into) {
			t.Fatalf("from %s into %q: %d: %s%s", from, into, code, out, stderr)
		}
		if err := os.Link(filepath.Join(h.data, "key"), filepath.Join(elsewhere.data, "key")); err != nil {
			t.Fatal(err)
		}
		elsewhere.holdsLayers(c, into, layers...)
	}
	restored(first, bucket+"new/", "one")
	restored(file, bucket+"new/", "one", "another") // of which one is there
	restored(second, "", "one", "another")
	remove(t, filepath.Join(first, "backup.json")) // as of one that was broken off: its layers are whole
	t.Setenv("DOCKBELL_BLOBS", bucket)
	third := filepath.Join(root, "third")
	backup("3", third, "--reuse", first)
	if !sameFile(t, filepath.Join(first, name), filepath.Join(third, name)) {
		t.Error("a layer of a back-up that was broken off was copied again")
	}
	if _, stderr, code := run(t, "restore", first, "--data="+filepath.Join(t.TempDir(), "data")); code == exitDone || !strings.Contains(stderr, "not complete") {
		t.Errorf("a back-up that was broken off is restored: %d: %s", code, stderr)
	}
	if _, stderr, code := run(t, "backup", file+"2.tar", "--reuse", first, "--data="+h.data); code != exitUsage || !strings.Contains(stderr, "in a folder") {
		t.Errorf("a file that reuses a folder: %d: %s", code, stderr)
	}
	if _, stderr, code := run(t, "backup", filepath.Join(root, "fourth"), "--reuse", root, "--data="+h.data); code != exitNotFound || !strings.Contains(stderr, "no back-up at "+root) {
		t.Errorf("a folder that is no back-up: %d: %s", code, stderr)
	}
}

func sameFile(t *testing.T, one, other string) bool {
	t.Helper()
	a, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}
