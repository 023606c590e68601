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

// folder is a back-up whose layers are second names of the same bytes where they lie on the same disk, there or in an earlier back-up,
// and copies elsewhere.
type folder struct{ path, earlier string }

// ToFolder makes a back-up in a new folder, for its owner alone. earlier is the folder of one before, from which layers are taken that it
// has; empty: none.
func (s Source) ToFolder(ctx context.Context, where, earlier string) (Contents, error) {
	if info, err := os.Stat(filepath.Join(earlier, layers)); earlier != "" && (err != nil || !info.IsDir()) {
		return Contents{}, fault.New(fault.NotFound, "There is no back-up at %s whose layers could be used again.", earlier)
	}
	if entries, err := os.ReadDir(where); err == nil && len(entries) > 0 {
		return Contents{}, there(where)
	}
	if err := os.MkdirAll(where, 0o700); err != nil {
		return Contents{}, notWritten(err)
	}
	if err := os.Chmod(where, 0o700); err != nil { //nolint:gosec // a folder needs the search bit
		return Contents{}, notWritten(err)
	}
	return s.write(ctx, folder{where, earlier})
}

func (f folder) blob(name, digest string, from Blobs, open func() (io.ReadSeekCloser, error)) (int64, error) {
	at := filepath.Join(f.path, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return 0, notWritten(err)
	}
	err := f.link(name, digest, from)
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

// link gives a layer a second name, where it lies on the same disk.
func (f folder) link(name, digest string, from Blobs) error {
	at := filepath.Join(f.path, name)
	if f.earlier != "" {
		if err := os.Link(filepath.Join(f.earlier, name), at); err == nil {
			return nil
		}
	}
	if disk, is := from.(linker); is {
		return disk.Link(digest, at)
	}
	return errors.ErrUnsupported
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

// writeFile writes a new file for its owner alone, and does not return before it lasts. It gets its name when it is complete.
func writeFile(at string, in io.Reader) (int64, error) {
	part := at + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) { // of one that was interrupted
		return 0, err
	}
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(part, at)
	}
	if err != nil {
		return n, errors.Join(err, os.Remove(part))
	}
	return n, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
