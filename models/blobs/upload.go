package blobs

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"dockbell/models/artifact"
)

// An upload is a file named by 128 random bits, and beside it, once it has bytes, the state of their hash.
const stateSuffix = ".state"

var idRule = regexp.MustCompile(`^[0-9a-f]{32}\z`)

func dataFile(id string) string  { return path.Join(uploads, id) }
func stateFile(id string) string { return path.Join(uploads, id+stateSuffix) }

// idOf is the upload a file belongs to; "" for strangers.
func idOf(name string) string {
	id, _, _ := strings.Cut(name, ".")
	if !idRule.MatchString(id) {
		return ""
	}
	return id
}

// buffers are shared between uploads: a large blob costs no more memory than a small one.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

func newID() string {
	random := make([]byte, 16)
	rand.Read(random) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(random)
}

// Create begins an upload.
func (f *Files) Create(context.Context) (string, error) {
	id := newID()
	file, err := f.root.OpenFile(dataFile(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return "", failed(err)
	}
	if err := file.Close(); err != nil {
		return "", failed(err)
	}
	return id, nil
}

// Size is how many bytes of an upload have come.
func (f *Files) Size(_ context.Context, id string) (int64, error) {
	if !idRule.MatchString(id) {
		return 0, noUpload()
	}
	info, err := f.root.Stat(dataFile(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, noUpload()
	case err != nil:
		return 0, failed(err)
	}
	return info.Size(), nil
}

// Append adds bytes and gives the new size. What came before the reader failed stays, so that the client may go on there;
// when the disk failed the upload ends, because its bytes are what fills a full disk.
func (f *Files) Append(ctx context.Context, id string, at int64, r io.Reader) (int64, error) {
	file, err := f.hold(id)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum, size, err := f.resume(id, file)
	if err != nil {
		return 0, err
	}
	if at >= 0 && at != size {
		return size, outOfOrder(at, size)
	}
	source := &watched{r: r}
	n, err := copyHashed(file, sum, source)
	if err != nil && source.err == nil {
		return 0, errors.Join(failed(err), f.Cancel(ctx, id))
	}
	size += n
	if f.named(id, file) { // else it was cancelled meanwhile
		if err := f.keepState(id, sum, size); err != nil {
			return 0, errors.Join(err, f.Cancel(ctx, id))
		}
	}
	if source.err != nil {
		return size, cutOff(source.err)
	}
	return size, nil
}

func copyHashed(file *os.File, sum hash.Hash, r io.Reader) (int64, error) {
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	return io.CopyBuffer(io.MultiWriter(file, sum), r, *buf)
}

// watched remembers the error of a reader: it tells a client that went away from a disk that failed.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// Commit checks an upload's digest and makes a blob of it that a power cut does not undo. A wrong digest ends the upload.
func (f *Files) Commit(ctx context.Context, id, digest string) (int64, error) {
	if _, err := artifact.ParseDigest(digest); err != nil {
		return 0, err
	}
	file, err := f.hold(id)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum, size, err := f.resume(id, file)
	if err != nil {
		return 0, err
	}
	got, err := f.digest(file, sum, artifact.AlgorithmOf(digest))
	if err != nil {
		return 0, err
	}
	if got != digest {
		return 0, errors.Join(mismatch(digest, got), f.Cancel(ctx, id))
	}
	if err := file.Sync(); err != nil {
		return 0, failed(err)
	}
	if err := f.publish(id, digest); err != nil {
		return 0, err
	}
	return size, f.Cancel(ctx, id) // what is left of it
}

// digest is known for sha256; for sha512 the file is read once more.
func (f *Files) digest(file *os.File, sum hash.Hash, algorithm string) (string, error) {
	if algorithm == artifact.SHA512 {
		sum = sha512.New()
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return "", failed(err)
		}
		if _, err := io.Copy(sum, file); err != nil {
			return "", failed(err)
		}
	}
	return algorithm + ":" + hex.EncodeToString(sum.Sum(nil)), nil
}

// Cancel forgets an upload and its bytes; NotFound is not a matter here.
func (f *Files) Cancel(_ context.Context, id string) error {
	if !idRule.MatchString(id) {
		return nil
	}
	for _, name := range []string{dataFile(id), stateFile(id), stateFile(id) + tempSuffix} {
		if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(err)
		}
	}
	return nil
}

// hold opens an upload for one request alone, also among several processes on one disk.
func (f *Files) hold(id string) (*os.File, error) {
	if !idRule.MatchString(id) {
		return nil, noUpload()
	}
	file, err := f.root.OpenFile(dataFile(id), os.O_RDWR, fileMode)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noUpload()
	case err != nil:
		return nil, failed(err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = busy()
	case err != nil:
		err = failed(err)
	case !f.named(id, file):
		err = noUpload() // committed or cancelled between the opening and the lock
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// named reports whether the open file still is the upload.
func (f *Files) named(id string, file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := f.root.Stat(dataFile(id))
	return err == nil && os.SameFile(opened, now)
}
