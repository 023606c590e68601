package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

func open(t *testing.T, folder string) *Files {
	t.Helper()
	f, err := OpenFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// files gives the paths of all files under folder.
func files(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && path != folder {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			rel, _ := filepath.Rel(folder, path)
			all = append(all, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func upload(t *testing.T, f *Files, chunks ...string) string {
	t.Helper()
	id, err := f.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, c := range chunks {
		if size, err = f.Append(t.Context(), id, size, strings.NewReader(c)); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

func wants(t *testing.T, err error, code fault.Code, field string) {
	t.Helper()
	if !fault.Is(err, code) || fault.All(err)[0].Field != field {
		t.Errorf("%v, want %s at %s", err, code, field)
	}
}

func TestChunksBecomeABlob(t *testing.T) {
	for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
		folder := t.TempDir()
		f := open(t, folder)
		digest := artifact.DigestOf([]byte("one two three"), algorithm)
		id := upload(t, f, "one ", "two ", "three")
		if size, err := f.Commit(t.Context(), id, digest); err != nil || size != 13 {
			t.Fatalf("%d bytes, %v", size, err)
		}
		hexDigits := digest[7:]
		if got := files(t, folder); len(got) != 1 || got[0] != filepath.Join(algorithm, hexDigits[:2], hexDigits) {
			t.Errorf("files %q", got)
		}
		blob, err := f.Open(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(blob)
		blob.Close()
		if size, statErr := f.Stat(t.Context(), digest); string(content) != "one two three" || size != 13 || errors.Join(err, statErr) != nil {
			t.Errorf("content %q, size %d, %v, %v", content, size, err, statErr)
		}
		if _, err := f.Commit(t.Context(), id, digest); err == nil {
			t.Error("an upload became a blob twice")
		}
		for range 2 {
			if err := f.Remove(t.Context(), digest); err != nil {
				t.Error(err)
			}
		}
		_, err = f.Stat(t.Context(), digest)
		wants(t, err, fault.NotFound, "blob")
		_, err = f.Open(t.Context(), digest)
		wants(t, err, fault.NotFound, "blob")
	}
}

func TestAWrongDigestLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
		id := upload(t, f, "content")
		_, err := f.Commit(t.Context(), id, artifact.DigestOf([]byte("other"), algorithm))
		wants(t, err, fault.Invalid, "digest")
		if got := files(t, folder); len(got) != 0 {
			t.Errorf("files %q are left", got)
		}
		_, err = f.Size(t.Context(), id)
		wants(t, err, fault.NotFound, "upload")
	}
}

func TestTheHashGoesOnWhereItWas(t *testing.T) {
	f := open(t, t.TempDir())
	id := upload(t, f, "one ", "two")
	sum := sha256.New()
	if size, ok := f.readState(id, sum); !ok || size != 7 {
		t.Fatalf("state of %d bytes, %v", size, ok)
	}
	want := sha256.Sum256([]byte("one two"))
	if !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("the state is not that of the bytes")
	}
}

// TestAnotherRunHashesAgain: after a crash the bytes count, whatever the state beside them says.
func TestAnotherRunHashesAgain(t *testing.T) {
	folder := t.TempDir()
	id := upload(t, open(t, folder), "one ")
	for name, damage := range map[string]func(string) error{
		"nothing":         func(string) error { return nil },
		"state cut":       func(p string) error { return os.Truncate(p+stateSuffix, 5) },
		"state gone":      func(p string) error { return os.Remove(p + stateSuffix) },
		"bytes after it":  func(p string) error { return os.WriteFile(p, []byte("one x "), 0o600) },
		"bytes exchanged": func(p string) error { return os.WriteFile(p, []byte("ONE "), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(filepath.Join(folder, uploads, id)); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(folder, uploads, id))
			if err != nil {
				t.Fatal(err)
			}
			f := open(t, folder)
			size, err := f.Append(t.Context(), id, int64(len(before)), strings.NewReader(""))
			if err != nil || size != int64(len(before)) {
				t.Fatalf("size %d, %v", size, err)
			}
			sum := sha256.New()
			if _, ok := f.readState(id, sum); !ok || artifact.DigestOf(before, "")[7:] != hexOf(sum.Sum(nil)) {
				t.Error("the hash is not that of the bytes on disk")
			}
		})
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func TestChunksKeepTheirOrder(t *testing.T) {
	f := open(t, t.TempDir())
	id := upload(t, f, "12345")
	for _, at := range []int64{0, 4, 6, 1 << 40} {
		size, err := f.Append(t.Context(), id, at, strings.NewReader("x"))
		wants(t, err, fault.Conflict, "range")
		if size != 5 {
			t.Errorf("size %d, want 5", size)
		}
	}
	if size, err := f.Append(t.Context(), id, -1, strings.NewReader("6")); err != nil || size != 6 {
		t.Errorf("at its end: %d, %v", size, err)
	}
}

func TestAReaderThatFailsLeavesWhatCame(t *testing.T) {
	f := open(t, t.TempDir())
	id := upload(t, f)
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	size, err := f.Append(t.Context(), id, 0, broken)
	wants(t, err, fault.Invalid, "upload")
	if size != 4 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("size %d, %v", size, err)
	}
	if _, err := f.Append(t.Context(), id, 4, strings.NewReader(" and half")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Commit(t.Context(), id, artifact.DigestOf([]byte("half and half"), "")); err != nil {
		t.Error(err)
	}
}

// slow is a reader that waits in the middle until the test lets it go on.
type slow struct {
	started, release chan struct{}
	once             sync.Once
}

func (s *slow) Read(p []byte) (int, error) {
	first := false
	s.once.Do(func() { first = true })
	if first {
		return copy(p, "slow"), nil
	}
	close(s.started)
	<-s.release
	return 0, io.EOF
}

func TestOneWriterPerUpload(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	id := upload(t, f)
	s := &slow{started: make(chan struct{}), release: make(chan struct{})}
	done := make(chan error)
	go func() {
		_, err := f.Append(context.WithoutCancel(t.Context()), id, 0, s)
		done <- err
	}()
	<-s.started
	_, err := f.Append(t.Context(), id, -1, strings.NewReader("x"))
	wants(t, err, fault.Conflict, "upload")
	_, err = open(t, folder).Commit(t.Context(), id, artifact.DigestOf([]byte("slow"), "")) // as another process would
	wants(t, err, fault.Conflict, "upload")
	if err := f.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	close(s.release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := files(t, folder); len(got) != 0 {
		t.Errorf("files %q are left of a cancelled upload", got)
	}
}

func TestNamesNeverBecomePaths(t *testing.T) {
	f := open(t, t.TempDir())
	ctx := t.Context()
	for _, name := range []string{"", ".", "..", "../x", "sha256:../../../../etc/passwd", "sha256:" + strings.Repeat("A", 64), "/etc/passwd"} {
		if _, err := f.Stat(ctx, name); !fault.Is(err, fault.Invalid) {
			t.Errorf("Stat(%q): %v", name, err)
		}
		if _, err := f.Open(ctx, name); !fault.Is(err, fault.Invalid) {
			t.Errorf("Open(%q): %v", name, err)
		}
		if err := f.Remove(ctx, name); !fault.Is(err, fault.Invalid) {
			t.Errorf("Remove(%q): %v", name, err)
		}
		if _, err := f.Size(ctx, name); !fault.Is(err, fault.NotFound) {
			t.Errorf("Size(%q): %v", name, err)
		}
		if _, err := f.Append(ctx, name, 0, strings.NewReader("x")); !fault.Is(err, fault.NotFound) {
			t.Errorf("Append(%q): %v", name, err)
		}
		if err := f.Cancel(ctx, name); err != nil {
			t.Errorf("Cancel(%q): %v", name, err)
		}
	}
}

// TestAFullDiskIsSaid: /dev/full refuses every write as a full disk does.
func TestAFullDiskIsSaid(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	_, err = copyHashed(full, sha256.New(), strings.NewReader("x"))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%v, want ENOSPC", err)
	}
	wants(t, failed(err), fault.Unavailable, "disk")
	if err := failed(io.ErrClosedPipe); !fault.Is(err, fault.Internal) {
		t.Errorf("any other error: %v, want internal", err)
	}
}

func TestAbandonedUploads(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	old, young := upload(t, f, "old"), upload(t, f, "young")
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(folder, uploads, old), past, past); err != nil {
		t.Fatal(err)
	}
	stray := strings.Repeat("0", 32)
	path := filepath.Join(folder, uploads, stray+stateSuffix)
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, past, past)); err != nil {
		t.Fatal(err)
	}
	got, err := f.Abandoned(t.Context(), time.Now().Add(-24*time.Hour))
	if err != nil || len(got) != 2 || got[0] != stray && got[1] != stray {
		t.Fatalf("abandoned %q, %v, want %s and %s", got, err, old, stray)
	}
	for _, id := range got {
		if err := f.Cancel(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Size(t.Context(), young); err != nil {
		t.Error(err)
	}
	if left := files(t, folder); len(left) != 2 {
		t.Errorf("left %q, want the young upload and its state", left)
	}
}

func TestLocksExcludeAndVanish(t *testing.T) {
	var l locks
	var wait sync.WaitGroup
	inside := 0
	for range 50 {
		wait.Go(func() {
			defer l.lock("a")()
			inside++
		})
	}
	defer l.lock("b")() // another name does not wait
	wait.Wait()
	if inside != 50 {
		t.Errorf("%d of 50 counted: two were inside at once", inside)
	}
	if len(l.held) != 1 {
		t.Errorf("%d locks are kept, want 1", len(l.held))
	}
}

// TestTheSameContentTwice: two clients push the same layer at once.
func TestTheSameContentTwice(t *testing.T) {
	folder := t.TempDir()
	f := open(t, folder)
	digest := artifact.DigestOf([]byte("same"), "")
	var wait sync.WaitGroup
	for range 8 {
		id := upload(t, f, "same")
		wait.Go(func() {
			if _, err := f.Commit(t.Context(), id, digest); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := files(t, folder); len(got) != 1 {
		t.Errorf("files %q", got)
	}
}

func BenchmarkUpload(b *testing.B) {
	f, err := OpenFiles(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	digest := artifact.DigestOf(content, "")
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		id, err := f.Create(b.Context())
		if err == nil {
			_, err = f.Append(b.Context(), id, 0, bytes.NewReader(content))
		}
		if err == nil {
			_, err = f.Commit(b.Context(), id, digest)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
