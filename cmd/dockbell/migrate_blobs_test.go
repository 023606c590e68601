package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dockbell/models/store/storetest"
)

// testBucket is an address of a part of the tests' bucket.
func testBucket(t *testing.T, part string) string {
	t.Helper()
	bucket := os.Getenv("DOCKBELL_TEST_BUCKET")
	if bucket == "" {
		storetest.Without(t, "DOCKBELL_TEST_BUCKET names no bucket (make test sets it)")
	}
	return bucket + "&prefix=" + part + "/"
}

// holdsLayers starts the data folder with layers in a place, pulls what was pushed before and stops it.
func (h *runningHouse) holdsLayers(c *pusher, bucket string, layers ...string) {
	h.t.Helper()
	h.t.(*testing.T).Setenv("DOCKBELL_BLOBS", bucket)
	h.start()
	defer h.stop()
	for _, layer := range layers {
		if status, err := c.send(http.MethodGet, h.url+"/v2/team/api/blobs/"+digestOf(layer), "", ""); err != nil || status != http.StatusOK {
			h.t.Errorf("the layer %s is answered with %d, %v", layer, status, err)
		}
	}
}

// TestMigrateLayers moves the layers of a registry into a bucket and back: each time the old place is emptied, and everything is pulled
// from the new one.
func TestMigrateLayers(t *testing.T) {
	bucket := testBucket(t, "migrate")
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if strings.HasPrefix(dsn, "postgres:") {
			t.Setenv("DOCKBELL_DATABASE", dsn)
			bucket += "postgres/"
		}
		h := startHouse(t)
		c := newPusher(t, readCredentials(t, h.command("token", "create", "--name=ci", "--role=owner")))
		c.pushThrough(h.url, "team/api", "v1", "one").wants(http.StatusCreated)
		c.pushThrough(h.url, "team/api", "v2", "another").wants(http.StatusCreated)
		migrate := func(to string) (out, stderr string, code int) {
			return run(t, "migrate", "--data="+h.data, "--blobs="+to)
		}
		if _, stderr, code := migrate(bucket); code != exitRefused || !strings.Contains(strings.ToLower(stderr), "stop") {
			t.Errorf("beside a server it ends with %d: %s", code, stderr)
		}
		h.stop()
		for _, before := range []string{"; 0 were", "; 3 were"} { // two layers and their config
			if out, stderr, code := migrate(bucket); code != exitDone || !strings.Contains(out, "3 layers") || !strings.Contains(out, before) {
				t.Fatalf("into the bucket: %d: %s%s", code, out, stderr)
			}
		}
		folder := filepath.Join(h.data, "blobs", "sha256")
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		h.holdsLayers(c, bucket, "one", "another")
		if out, stderr, code := migrate(folderWord); code != exitDone || !strings.Contains(out, "3 layers") || !strings.Contains(out, "without DOCKBELL_BLOBS") {
			t.Fatalf("into the folder: %d: %s%s", code, out, stderr)
		}
		h.holdsLayers(c, "", "one", "another")

		remove(t, filepath.Join(folder, digestOf("one")[7:9], digestOf("one")[7:]))
		if _, stderr, code := migrate(bucket + "lost/"); code != exitRefused || !strings.Contains(stderr, "had lost 1 of its layers") || !strings.Contains(stderr, digestOf("one")) {
			t.Errorf("a registry that lost a layer: %d: %s", code, stderr)
		}
	})
}

func TestMigrateLayersRefuses(t *testing.T) {
	data := "--data=" + filepath.Join(t.TempDir(), "data")
	for _, c := range []struct {
		said string
		code int
		args []string
	}{
		{"say what to move", exitUsage, []string{data}},
		{"in the folder of the data already", exitUsage, []string{data, "--blobs=folder"}},
		{"takes the address of a bucket", exitUsage, []string{data, "--blobs=/mnt/layers"}},
		{"takes the address of a bucket", exitUsage, []string{data, "--blobs=ftp://layers"}},
		{"there is no database", exitRefused, []string{data, "--blobs=s3://layers"}},
	} {
		if _, stderr, code := run(t, append([]string{"migrate"}, c.args...)...); code != c.code || !strings.Contains(stderr, c.said) {
			t.Errorf("%v ends with %d: %s; want %d and %q", c.args, code, stderr, c.code, c.said)
		}
	}
	t.Setenv("DOCKBELL_BLOBS", "s3://layers")
	if _, stderr, code := run(t, "migrate", data, "--blobs=s3://layers"); code != exitUsage || !strings.Contains(stderr, "already") {
		t.Errorf("to where they are: %d: %s", code, stderr)
	}
}
