package backup

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
)

// file is a back-up in one tar file, encrypted where there are recipients.
type file struct {
	part, path string
	copied     string // the copy of the database, until it is in
	out        *os.File
	sealed     io.WriteCloser // nil when nothing is encrypted
	tar        *tar.Writer
	made       time.Time
}

// ToFile makes a back-up in one new file, for its owner alone; the copy of the database lies in scratch meanwhile. The file gets
// its name when it is complete.
func (s Source) ToFile(ctx context.Context, where, scratch string, to []age.Recipient) (Contents, error) {
	if _, err := os.Lstat(where); err == nil {
		return Contents{}, there(where)
	}
	f := &file{part: where + ".part", path: where, copied: filepath.Join(scratch, "backup-"+filepath.Base(where)+".db"), made: s.Now()}
	for _, left := range []string{f.part, f.copied} { // of one that was interrupted
		if err := os.Remove(left); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Contents{}, notWritten(err)
		}
	}
	var err error
	if f.out, err = os.OpenFile(f.part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return Contents{}, notWritten(err)
	}
	var into io.Writer = f.out
	if len(to) > 0 {
		if f.sealed, err = age.Encrypt(f.out, to...); err != nil {
			f.abandon()
			return Contents{}, notWritten(err)
		}
		into = f.sealed
	}
	f.tar = tar.NewWriter(into)
	return s.write(ctx, f)
}

func (f *file) blob(name, _ string, _ Blobs, open func() (io.ReadSeekCloser, error)) (int64, error) {
	in, err := open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	size, err := in.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = in.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, notWritten(err)
	}
	return size, f.add(name, size, in)
}

func (f *file) add(name string, size int64, in io.Reader) error {
	err := f.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: f.made, Format: tar.FormatPAX})
	if err == nil {
		_, err = io.CopyN(f.tar, in, size)
	}
	if err != nil {
		return notWritten(err)
	}
	return nil
}

func (f *file) snapshotAt() string { return f.copied }

func (f *file) database() error {
	in, err := os.Open(f.copied)
	if err != nil {
		return notWritten(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return notWritten(err)
	}
	if err := f.add(database, info.Size(), in); err != nil {
		return err
	}
	return os.Remove(f.copied)
}

func (f *file) seal(description []byte) error {
	if err := f.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: contents, Size: int64(len(description)), Mode: 0o600, ModTime: f.made, Format: tar.FormatPAX}); err != nil {
		return notWritten(err)
	}
	_, err := f.tar.Write(description)
	err = errors.Join(err, f.tar.Close())
	if f.sealed != nil {
		err = errors.Join(err, f.sealed.Close())
	}
	err = errors.Join(err, f.out.Sync(), f.out.Close())
	if err == nil {
		err = errors.Join(os.Rename(f.part, f.path), syncFolder(filepath.Dir(f.path)))
	}
	if err != nil {
		return notWritten(err)
	}
	return nil
}

func (f *file) abandon() {
	f.out.Close()
	_ = os.Remove(f.part)
	_ = os.Remove(f.copied)
}
