package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"dockbell/models/fault"
)

// folder is a back-up whose layers are second names of the same bytes where they lie on the same disk, and copies elsewhere.
type folder struct{ path string }

// ToFolder makes a back-up in a new folder, for its owner alone.
func (s Source) ToFolder(ctx context.Context, where string) (Contents, error) {
	if entries, err := os.ReadDir(where); err == nil && len(entries) > 0 {
		return Contents{}, there(where)
	}
	if err := os.MkdirAll(where, 0o700); err != nil {
		return Contents{}, notWritten(err)
	}
	if err := os.Chmod(where, 0o700); err != nil { //nolint:gosec // a folder needs the search bit
		return Contents{}, notWritten(err)
	}
	return s.write(ctx, folder{where})
}

func (f folder) blob(name, digest string, from Blobs, open func() (io.ReadSeekCloser, error)) (int64, error) {
	at := filepath.Join(f.path, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return 0, notWritten(err)
	}
	err := from.Link(digest, at)
	if err == nil {
		info, err := os.Stat(at)
		if err != nil {
			return 0, notWritten(err)
		}
		return info.Size(), nil
	}
	if fault.Is(err, fault.NotFound) {
		return 0, err
	}
	in, err := open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	size, err := writeFile(at, in)
	if err != nil {
		return 0, notWritten(err)
	}
	return size, nil
}

func (f folder) snapshotAt() string { return filepath.Join(f.path, database) }

func (f folder) database() error { return nil } // it was made where it belongs

func (f folder) seal(description []byte) error {
	out, err := os.OpenFile(filepath.Join(f.path, contents), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return notWritten(err)
	}
	_, err = out.Write(description)
	err = errors.Join(err, out.Sync(), out.Close())
	for _, dir := range folders(f.path) { // the names of hard links too
		err = errors.Join(err, syncFolder(dir))
	}
	if err != nil {
		return notWritten(err)
	}
	return nil
}

// folders are a folder and all inside it.
func folders(root string) (all []string) {
	_ = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, at)
		}
		return nil
	})
	return all
}

// abandon leaves what was written: without its description nobody takes it for a back-up, and what else lies there is not ours to
// remove.
func (f folder) abandon() {}

// writeFile writes a new file for its owner alone, and does not return before it lasts.
func writeFile(at string, in io.Reader) (int64, error) {
	out, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	return n, errors.Join(err, out.Sync(), out.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
