package oci_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dockbell/models/artifact"
)

// benchSize is the length of the blobs that are measured.
const benchSize = 256 << 20

// zeros gives so many zero bytes; what they are matters to nobody who hashes, writes and sends them.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func benchDigest(b *testing.B) string {
	b.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, &zeros{benchSize}); err != nil {
		b.Fatal(err)
	}
	return artifact.SHA256 + ":" + hex.EncodeToString(sum.Sum(nil))
}

// send makes one request and reads its answer to the end.
func send(b *testing.B, method, url string, body io.Reader, length int64) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, url, body)
	if err != nil {
		b.Fatal(err)
	}
	r.ContentLength = length
	r.SetBasicAuth("pusher", password)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode >= 300 {
		b.Fatalf("%d, %v", res.StatusCode, err)
	}
}

// BenchmarkDownload compares the registry's blobs with net/http serving the same file.
func BenchmarkDownload(b *testing.B) {
	h := newHouse(b)
	digest := benchDigest(b)
	send(b, "POST", "http://"+h.host+"/v2/team/app/blobs/uploads/?digest="+digest, &zeros{benchSize}, benchSize)
	file := filepath.Join(h.dir, "sha256", digest[7:9], digest[7:])
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }))
	defer bare.Close()
	for name, url := range map[string]string{"registry": "http://" + h.host + "/v2/team/app/blobs/" + digest, "net-http": bare.URL} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				send(b, "GET", url, nil, 0)
			}
		})
	}
}

// BenchmarkUpload compares the registry with a bare handler that writes, hashes and syncs the same bytes.
func BenchmarkUpload(b *testing.B) {
	digest := benchDigest(b)
	b.Run("registry", func(b *testing.B) {
		h := newHouse(b)
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			send(b, "POST", "http://"+h.host+"/v2/team/app/blobs/uploads/?digest="+digest, &zeros{benchSize}, benchSize)
		}
	})
	b.Run("bare", func(b *testing.B) {
		dir := b.TempDir()
		bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := keep(filepath.Join(dir, uuid.NewString()), r.Body, strings.TrimPrefix(digest, "sha256:")); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}))
		defer bare.Close()
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			send(b, "PUT", bare.URL, &zeros{benchSize}, benchSize)
		}
	})
}

// keep writes, hashes and syncs a file, and takes it away again.
func keep(path string, body io.Reader, want string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer file.Close()
	sum := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(file, sum), body, make([]byte, 256<<10)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return os.ErrInvalid
	}
	return file.Sync()
}
