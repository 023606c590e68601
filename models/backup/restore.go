package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"dockbell/models/fault"
)

// Uploads takes the layers of a back-up, and refuses one whose bytes are not those of its digest.
type Uploads interface {
	Create(ctx context.Context) (id string, err error)
	Append(ctx context.Context, id string, at int64, r io.Reader) (size int64, err error)
	Commit(ctx context.Context, id, digest string) (size int64, err error)
}

// Destination is where a back-up is put back.
type Destination struct {
	Blobs    Uploads
	There    func(ctx context.Context, digest string) (size int64, err error) // of a layer that need not come again; nil: all of them come
	Database string                                                           // file that is not there yet; it appears when everything else is
	Check    func(ctx context.Context, file string) error                     // whether a database is whole
	Told     func(blobs int)                                                  // hears how far it is; may be nil
}

// From puts the back-up of a folder or a file back; identities open an encrypted one.
func (d Destination) From(ctx context.Context, where string, identities []age.Identity) (Contents, error) {
	info, err := os.Stat(where)
	if err != nil {
		return Contents{}, fault.New(fault.NotFound, "There is no back-up at %s.", where).Because(err)
	}
	r := &restoring{Destination: d, coming: d.Database + ".restoring"}
	if err := os.Remove(r.coming); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was interrupted
		return Contents{}, err
	}
	if info.IsDir() {
		err = r.folder(ctx, where)
	} else {
		err = r.file(ctx, where, identities)
	}
	if err == nil {
		err = r.finish(ctx)
	}
	if err != nil {
		_ = os.Remove(r.coming)
		return r.said, err
	}
	return r.said, nil
}

// restoring is one run.
type restoring struct {
	Destination
	coming string // the database, until everything is there
	said   Contents
	sealed bool // its description was read
	blobs  int
}

func (r *restoring) folder(ctx context.Context, where string) error {
	root, err := os.OpenRoot(where)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // it was read alone
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		in, err := root.Open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		info, err := in.Stat()
		if err != nil {
			return err
		}
		return r.take(ctx, name, info.Size(), in)
	})
}

func (r *restoring) file(ctx context.Context, where string, identities []age.Identity) error {
	f, err := os.Open(where)
	if err != nil {
		return err
	}
	defer f.Close()
	in, err := opened(f, where, identities)
	if err != nil {
		return err
	}
	for files := tar.NewReader(in); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(where).Because(err)
		}
		if head.Typeflag != tar.TypeReg {
			return broken(where)
		}
		err = r.take(ctx, head.Name, head.Size, files)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return broken(where).Because(err)
		}
		if err != nil {
			return err
		}
	}
}

// opened decrypts a file that is encrypted.
func opened(f *os.File, where string, identities []age.Identity) (io.Reader, error) {
	const intro = "age-encryption.org/"
	head := make([]byte, len(intro))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, broken(where).Because(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if string(head) != intro {
		return f, nil
	}
	if len(identities) == 0 {
		return nil, fault.New(fault.Invalid, "%s is encrypted. Name the file with your age identity: --identity FILE.", where)
	}
	in, err := age.Decrypt(f, identities...)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s does not open with this identity.", where).Because(err)
	}
	return in, nil
}

func broken(where string) *fault.Error {
	return fault.New(fault.Invalid, "%s is no complete back-up of Dockbell. Nothing was restored.", where)
}

// take puts one part of a back-up in its place.
func (r *restoring) take(ctx context.Context, name string, size int64, in io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if digest, is := digestOf(name); is {
		return r.blob(ctx, digest, size, in)
	}
	switch name {
	case database:
		_, err := writeFile(r.coming, in)
		return err
	case contents:
		r.sealed = true
		if err := json.NewDecoder(in).Decode(&r.said); err != nil {
			return broken(name).Because(err)
		}
		return nil
	default:
		return broken(name).Because(fmt.Errorf("it holds %q", name))
	}
}

func (r *restoring) blob(ctx context.Context, digest string, size int64, in io.Reader) error {
	if err := r.put(ctx, digest, size, in); err != nil {
		return fmt.Errorf("the layer %s cannot be restored: %w", digest, err)
	}
	r.blobs++
	if r.Told != nil {
		r.Told(r.blobs)
	}
	return nil
}

// put stores a layer as a client pushes it, unless it is there.
func (r *restoring) put(ctx context.Context, digest string, size int64, in io.Reader) error {
	if r.There != nil {
		if there, err := r.There(ctx, digest); err == nil && there == size {
			return nil
		} else if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	id, err := r.Blobs.Create(ctx)
	if err == nil {
		_, err = r.Blobs.Append(ctx, id, -1, in)
	}
	if err == nil {
		_, err = r.Blobs.Commit(ctx, id, digest)
	}
	return err
}

// finish gives the database its name when everything is there and it is whole.
func (r *restoring) finish(ctx context.Context) error {
	if _, err := os.Stat(r.coming); err != nil || !r.sealed || r.blobs != r.said.Blobs {
		return fault.New(fault.Invalid, "The back-up is not complete: it was interrupted when it was made or copied. Nothing was restored.")
	}
	if err := r.Check(ctx, r.coming); err != nil {
		return err
	}
	if err := os.Rename(r.coming, r.Database); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(r.Database))
}
