package blobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"dockbell/models/artifact"
)

// Modes: blobs may hold secrets, so they are their owner's alone.
const (
	fileMode   = 0o600
	folderMode = 0o700
)

// uploads is the folder of content on its way in. No digest algorithm is called so.
const uploads = "uploads"

// Files is a Store on a local disk: blobs under sha256/ab/abcd..., uploads under uploads/.
type Files struct {
	root    *os.Root
	session []byte // names this run: hash states of another one are not trusted
	locks   locks
}

var _ Store = (*Files)(nil)

// OpenFiles makes the folder when it is missing and never reaches outside of it.
func OpenFiles(folder string) (*Files, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("the folder of blobs cannot be made: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("the folder of blobs cannot be opened: %w", err)
	}
	if err := root.MkdirAll(uploads, folderMode); err != nil {
		return nil, errors.Join(fmt.Errorf("the folder of uploads cannot be made: %w", err), root.Close())
	}
	f := &Files{root: root, session: make([]byte, sessionSize)}
	rand.Read(f.session) // never fails: crypto/rand ends the program instead
	return f, nil
}

// Close lets go of the folder.
func (f *Files) Close() error { return f.root.Close() }

// Free is how many bytes the disk has left for its owner; -1 when it does not say.
func (f *Files) Free() int64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(f.root.Name(), &disk); err != nil {
		return -1
	}
	return int64(disk.Bavail) * int64(disk.Bsize) //nolint:unconvert // the types differ by system
}

// place is where a blob lies; only a valid digest has one.
func place(digest string) (folder, file string, err error) {
	if _, err := artifact.ParseDigest(digest); err != nil {
		return "", "", err
	}
	algorithm := artifact.AlgorithmOf(digest)
	hexDigits := digest[len(algorithm)+1:]
	folder = path.Join(algorithm, hexDigits[:2])
	return folder, path.Join(folder, hexDigits), nil
}

// path is a place of place as the system knows it. A checked digest leads nowhere else.
func (f *Files) path(file string) string {
	return filepath.Join(f.root.Name(), filepath.FromSlash(file))
}

// Stat gives the size of a blob; NotFound at field "blob" when it is not there.
func (f *Files) Stat(_ context.Context, digest string) (int64, error) {
	_, file, err := place(digest)
	if err != nil {
		return 0, err
	}
	info, err := f.root.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, noBlob(digest)
	case err != nil:
		return 0, failed(err)
	}
	return info.Size(), nil
}

// Open reads a blob; the caller closes it.
func (f *Files) Open(_ context.Context, digest string) (io.ReadSeekCloser, error) {
	_, file, err := place(digest)
	if err != nil {
		return nil, err
	}
	blob, err := os.Open(f.path(file)) // in one call of the system, where f.root walks folder by folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noBlob(digest)
	case err != nil:
		return nil, failed(err)
	}
	return blob, nil
}

// Link makes a second name of a blob outside of the folder, on the same disk; NotFound at field "blob" when it is not there. What
// is removed or pushed here later does not change it: the bytes of a blob never change.
func (f *Files) Link(digest, to string) error {
	_, file, err := place(digest)
	if err != nil {
		return err
	}
	err = os.Link(f.path(file), to)
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := f.root.Stat(file); errors.Is(gone, fs.ErrNotExist) {
			return noBlob(digest)
		}
	}
	return err
}

// Remove forgets a blob. Whoever calls it holds the digest's Lock and knows that nothing needs it.
func (f *Files) Remove(_ context.Context, digest string) error {
	_, file, err := place(digest)
	if err != nil {
		return err
	}
	if err := f.root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	return nil
}

// Touch notes that somebody relies on a blob from now on, and gives its size; NotFound at field "blob". RemoveOld leaves it
// alone for as long as it is young, also in another process on the same disk.
func (f *Files) Touch(ctx context.Context, digest string) (int64, error) {
	_, file, err := place(digest)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	switch err := f.root.Chtimes(file, now, now); {
	case errors.Is(err, fs.ErrNotExist):
		return 0, noBlob(digest)
	case err != nil:
		return 0, failed(err)
	}
	return f.Stat(ctx, digest)
}

// RemoveOld forgets a blob that nobody has touched since. It is put aside first: whoever touches it from then on finds that
// it is gone, and whoever touched it before keeps it.
func (f *Files) RemoveOld(_ context.Context, digest string, before time.Time) (size int64, removed bool, err error) {
	_, file, err := place(digest)
	if err != nil {
		return 0, false, err
	}
	info, err := f.root.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return 0, false, nil
	}
	aside := dataFile(newID()) // should this run end here, it is purged as an upload is
	if err == nil {
		err = f.root.Rename(file, aside)
	}
	if err == nil {
		info, err = f.root.Stat(aside)
	}
	switch {
	case err != nil:
		return 0, false, failed(err)
	case !info.ModTime().Before(before):
		return 0, false, failed(f.root.Rename(aside, file))
	}
	if err := f.root.Remove(aside); err != nil {
		return 0, false, failed(err)
	}
	return info.Size(), true, nil
}

// Each visits the digests of all blobs, some at a time.
func (f *Files) Each(ctx context.Context, visit func(digests []string) error) error {
	for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
		folders, err := fs.ReadDir(f.root.FS(), algorithm)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(err)
		}
		for _, folder := range folders {
			files, err := fs.ReadDir(f.root.FS(), path.Join(algorithm, folder.Name()))
			if err != nil {
				return failed(err)
			}
			var digests []string
			for _, file := range files {
				if digest, err := artifact.ParseDigest(algorithm + ":" + file.Name()); err == nil {
					digests = append(digests, digest)
				}
			}
			if err := errors.Join(ctx.Err(), visit(digests)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Lock keeps everybody else from committing, linking or removing the content of this digest until unlock is called.
func (f *Files) Lock(digest string) (unlock func()) { return f.locks.lock(digest) }

// Abandoned gives the uploads that nobody has written to since.
func (f *Files) Abandoned(_ context.Context, before time.Time) ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), uploads)
	if err != nil {
		return nil, failed(err)
	}
	var ids []string
	seen := map[string]bool{}
	for _, e := range entries {
		id := idOf(e.Name())
		info, err := e.Info()
		if err != nil || id == "" || seen[id] || !info.ModTime().Before(before) {
			continue // gone meanwhile, a stranger, or young
		}
		seen[id] = true
		if _, err := f.root.Stat(dataFile(id)); err == nil && e.Name() != id {
			continue // an old state beside its data, which counts alone
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// publish moves a complete upload to its place so that a power cut finds either all of it or nothing.
func (f *Files) publish(id, digest string) error {
	folder, file, err := place(digest)
	if err != nil {
		return err
	}
	now := time.Now()
	if err := f.root.Chtimes(file, now, now); err == nil {
		return nil // somebody else's copy of the same bytes, which nobody removes from now on
	}
	changed := []string{folder}
	if _, err := f.root.Stat(folder); err != nil {
		changed = []string{folder, path.Dir(folder), "."}
	}
	if err := f.root.MkdirAll(folder, folderMode); err != nil {
		return failed(err)
	}
	if err := f.root.Rename(dataFile(id), file); err != nil {
		return failed(err)
	}
	for _, dir := range changed {
		if err := f.syncFolder(dir); err != nil {
			return failed(err)
		}
	}
	return nil
}

func (f *Files) syncFolder(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
