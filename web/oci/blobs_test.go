package oci_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/artifact"
)

// files counts what lies on the disk: uploads and blobs.
func (h *house) count() (uploads, blobs int) {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if strings.Contains(path, "/uploads/") {
				uploads++
			} else {
				blobs++
			}
		}
		return nil // a file may go while we walk
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return uploads, blobs
}

func TestBlobsInEveryWay(t *testing.T) {
	h := newHouse(t)
	digest := h.pushBlob("team/app", "hello blob")
	path := "/v2/team/app/blobs/" + digest
	got := h.do("GET", path, "").wants(t, 200, "hello blob")
	for key, want := range map[string]string{
		"Docker-Content-Digest": digest, "ETag": `"` + digest + `"`, "Content-Length": "10", "Content-Type": "application/octet-stream",
		"Cache-Control": "private, max-age=31536000, immutable", "Docker-Distribution-Api-Version": "registry/2.0",
	} {
		if got.Header.Get(key) != want {
			t.Errorf("%s: %q, want %q", key, got.Header.Get(key), want)
		}
	}
	if head := h.do("HEAD", path, "").wants(t, 200, ""); head.ContentLength != 10 {
		t.Errorf("HEAD says %d bytes", head.ContentLength)
	}
	part := h.do("GET", path, "", as("puller"), header("Range", "bytes=6-9")).wants(t, 206, "blob")
	if part.Header.Get("Content-Range") != "bytes 6-9/10" {
		t.Errorf("Content-Range %q", part.Header.Get("Content-Range"))
	}
	h.do("GET", path, "", as("puller"), header("If-None-Match", `"`+digest+`"`)).wants(t, 304, "")
	h.do("GET", "/v2/team/other/blobs/"+digest, "").wants(t, 404, "BLOB_UNKNOWN")
	h.do("DELETE", path, "").wants(t, 202, "")
	h.do("DELETE", path, "").wants(t, 404, "BLOB_UNKNOWN")
	h.do("HEAD", path, "").wants(t, 404, "")
	if lines := h.events(); len(lines) != 0 {
		t.Errorf("blobs raised %q", lines)
	}
}

func TestChunkedUpload(t *testing.T) {
	for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
		h := newHouse(t)
		digest := artifact.DigestOf([]byte("0123456789abcde"), algorithm)
		begun := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "")
		at := begun.Header.Get("Location")
		if begun.Header.Get("Docker-Upload-UUID") == "" || begun.Header.Get("Range") != "0-0" {
			t.Errorf("headers %v", begun.Header)
		}
		next := h.do("PATCH", at, "01234", as("pusher"), header("Content-Range", "0-4")).wants(t, 202, "")
		if next.Header.Get("Range") != "0-4" {
			t.Errorf("Range %q after five bytes", next.Header.Get("Range"))
		}
		wrong := h.do("PATCH", at, "xx", as("pusher"), header("Content-Range", "7-8")).wants(t, 416, "BLOB_UPLOAD_INVALID")
		if wrong.Header.Get("Range") != "0-4" || wrong.Header.Get("Location") == "" {
			t.Errorf("a chunk out of order learns nothing: %v", wrong.Header)
		}
		h.do("PATCH", at, "xx", as("pusher"), header("Content-Range", "5-7")).wants(t, 400, "SIZE_INVALID")
		h.do("PATCH", at, "xx", as("pusher"), header("Content-Range", "five")).wants(t, 400, "BLOB_UPLOAD_INVALID")
		h.do("PATCH", at, "56789").wants(t, 202, "") // a stream, without a range
		if status := h.do("GET", at, "").wants(t, 204, ""); status.Header.Get("Range") != "0-9" {
			t.Errorf("status %q", status.Header.Get("Range"))
		}
		h.do("PUT", at, "abcde", as("pusher"), header("Content-Range", "10-14")).wants(t, 400, "DIGEST_INVALID")
		h.do("PUT", at+"?digest="+digest, "abcde", as("pusher"), header("Content-Range", "10-14")).wants(t, 201, "")
		h.do("GET", "/v2/team/app/blobs/"+digest, "").wants(t, 200, "0123456789abcde")
		h.do("GET", at, "").wants(t, 404, "BLOB_UPLOAD_UNKNOWN")
		if uploads, blobs := h.count(); uploads != 0 || blobs != 1 {
			t.Errorf("%d uploads and %d blobs on disk", uploads, blobs)
		}
	}
}

func TestAWrongDigestLeavesNothing(t *testing.T) {
	h := newHouse(t)
	wrong := artifact.DigestOf([]byte("other"), "")
	h.do("POST", "/v2/team/app/blobs/uploads/?digest="+wrong, "content").wants(t, 400, "DIGEST_INVALID")
	at := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "").Header.Get("Location")
	h.do("PUT", at+"?digest="+wrong, "content").wants(t, 400, "DIGEST_INVALID")
	h.do("POST", "/v2/team/app/blobs/uploads/?digest=sha256:short", "content").wants(t, 400, "DIGEST_INVALID")
	h.do("GET", "/v2/team/app/blobs/"+wrong, "").wants(t, 404, "BLOB_UNKNOWN")
	if uploads, blobs := h.count(); uploads != 0 || blobs != 0 {
		t.Errorf("%d uploads and %d blobs are left", uploads, blobs)
	}
}

func TestAnUploadBelongsToOneCaller(t *testing.T) {
	h := newHouse(t)
	at := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "").Header.Get("Location")
	ticket := at[strings.LastIndex(at, "/")+1:]
	id, _, _ := strings.Cut(ticket, "-")
	for name, got := range map[string]answered{
		"another user":       h.do("PATCH", at, "x", as("pusher2")),
		"another repository": h.do("PATCH", "/v2/team/other/blobs/uploads/"+ticket, "x"),
		"another registry":   h.do("PATCH", at, "x", as("pusher"), host("secondregistry.example.com")),
		"the bare id":        h.do("PATCH", "/v2/team/app/blobs/uploads/"+id, "x"),
		"a made-up one":      h.do("PATCH", "/v2/team/app/blobs/uploads/"+strings.Repeat("0", 32)+ticket[32:], "x"),
		"a path":             h.do("GET", "/v2/team/app/blobs/uploads/..", ""),
	} {
		t.Run(name, func(t *testing.T) { got.wants(t, 404, "BLOB_UPLOAD_UNKNOWN") })
	}
	h.do("DELETE", at, "").wants(t, 204, "")
	h.do("DELETE", at, "").wants(t, 404, "BLOB_UPLOAD_UNKNOWN")
	if uploads, _ := h.count(); uploads != 0 {
		t.Errorf("%d files are left of a cancelled upload", uploads)
	}
}

func TestMount(t *testing.T) {
	h := newHouse(t)
	digest := h.pushBlob("team/app", "shared")
	got := h.do("POST", "/v2/team/copy/blobs/uploads/?mount="+digest+"&from=team/app", "").wants(t, 201, "")
	if got.Header.Get("Location") != "/v2/team/copy/blobs/"+digest {
		t.Errorf("Location %q", got.Header.Get("Location"))
	}
	h.do("GET", "/v2/team/copy/blobs/"+digest, "").wants(t, 200, "shared")
	h.do("POST", "/v2/team/copy2/blobs/uploads/?mount="+digest+"&from=team/nowhere", "").wants(t, 202, "")
	h.do("POST", "/v2/team/copy2/blobs/uploads/?mount="+digest, "").wants(t, 202, "")
	h.do("POST", "/v2/team/copy2/blobs/uploads/?mount=sha256:x&from=team/app", "").wants(t, 400, "DIGEST_INVALID")
	h.do("POST", "/v2/team/copy2/blobs/uploads/?mount="+digest+"&from=../etc", "").wants(t, 400, "NAME_INVALID")
	h.do("GET", "/v2/team/copy2/blobs/"+digest, "").wants(t, 404, "BLOB_UNKNOWN")
	h.do("POST", "/v2/team/copy/blobs/uploads/?mount="+digest+"&from=team/app", "", as("pusher"), host("secondregistry.example.com")).wants(t, 202, "")
	if _, blobs := h.count(); blobs != 1 {
		t.Errorf("%d blobs on disk, want one for both", blobs)
	}
}

// TestAClientThatStops: the connection ends in the middle of the body.
func TestAClientThatStops(t *testing.T) {
	h := newHouse(t)
	stop := func(method, path string) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Length: 100\r\n\r\nhalf", method, path, h.host, basic("pusher"))
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = bufio.NewReader(conn).ReadString('\n') // the server has noticed
		conn.Close()
	}
	digest := artifact.DigestOf([]byte("half"), "")
	stop("POST", "/v2/team/app/blobs/uploads/?digest="+digest)
	h.eventually("the upload is gone", func() bool { uploads, blobs := h.count(); return uploads+blobs == 0 })
	at := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "").Header.Get("Location")
	stop("PATCH", at)
	h.eventually("what came is kept", func() bool { return h.do("GET", at, "").Header.Get("Range") == "0-3" })
	for _, method := range []string{"POST", "PATCH"} {
		h.eventually("a line in the log", func() bool {
			return slices.ContainsFunc(strings.Split(h.log.String(), "\n"), func(line string) bool {
				return strings.Contains(line, "method="+method) && strings.Contains(line, "status=400")
			})
		})
	}
	h.do("GET", "/v2/team/app/blobs/"+digest, "").wants(t, 404, "BLOB_UNKNOWN")
	whole := artifact.DigestOf([]byte("half and half"), "")
	h.do("PUT", at+"?digest="+whole, " and half", as("pusher"), header("Content-Range", "4-12")).wants(t, 201, "")
}

// eventually waits for what happens when a server notices something.
func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("after 10 s still not: %s", what)
		}
	}
}
