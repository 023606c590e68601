package blobs

import (
	"context"
	"errors"
	"io"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// Moved is what a Move found and did.
type Moved struct {
	Blobs  int   // at the new place, read back from it and whole
	Bytes  int64 // of them
	Before int   // of them that were there already
}

// Move copies every blob to another store and reads back what has arrived. What is there and whole is not copied again, so that a move
// that was broken off may be repeated; what is there and is not what its digest says is replaced. The old store stays as it is. A blob
// that is damaged in the old store is not moved: the others are, and the error says how many they were.
func Move(ctx context.Context, from, to Store, told func(blobs int)) (m Moved, err error) {
	damaged, first := 0, ""
	err = from.Each(ctx, func(digests []string) error {
		for _, digest := range digests {
			size, before, err := moveOne(ctx, from, to, digest)
			switch {
			case isMismatch(err):
				damaged++
				first = digest
				continue
			case fault.Is(err, fault.NotFound): // removed meanwhile: nobody needs it
				continue
			case err != nil:
				return errors.Join(err, ctx.Err())
			}
			m.Blobs, m.Bytes = m.Blobs+1, m.Bytes+size
			if before {
				m.Before++
			}
			told(m.Blobs)
		}
		return nil
	})
	if err == nil && damaged > 0 {
		err = fault.New(fault.Internal, "%d layers are damaged where they were, such as %s, and were not moved: push their images again. All others were.", damaged, first)
	}
	return m, err
}

// moveOne makes sure that a blob is whole at the new place.
func moveOne(ctx context.Context, from, to Store, digest string) (size int64, before bool, err error) {
	size, err = whole(ctx, to, digest)
	if err == nil {
		return size, true, nil
	}
	if isMismatch(err) {
		err = to.Remove(ctx, digest)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, false, err
	}
	if err := copyBlob(ctx, from, to, digest); err != nil {
		return 0, false, err
	}
	size, err = whole(ctx, to, digest)
	if isMismatch(err) { // the bytes that were sent had this digest
		err = fault.New(fault.Internal, "The new place gives other bytes for %s than it was given. It cannot be used for layers.", digest)
	}
	return size, false, err
}

// whole reads a blob to its end; an error at field "digest" says that it is not what its digest says.
func whole(ctx context.Context, in Store, digest string) (size int64, err error) {
	blob, err := in.Open(ctx, digest)
	if err != nil {
		return 0, err
	}
	defer func() { _ = blob.Close() }() // it was read alone
	sum := newHash(artifact.AlgorithmOf(digest))
	buffer := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer buffers.Put(buffer)
	if size, err = io.CopyBuffer(sum, struct{ io.Reader }{blob}, *buffer); err != nil {
		return 0, err
	}
	if got := digestOf(artifact.AlgorithmOf(digest), sum); got != digest {
		return 0, mismatch(digest, got)
	}
	return size, nil
}

// copyBlob stores a blob as a client pushes it.
func copyBlob(ctx context.Context, from, to Store, digest string) (err error) {
	blob, err := from.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }() // it was read alone
	id, err := to.Create(ctx)
	if err != nil {
		return err
	}
	if _, err = to.Append(ctx, id, 0, blob); err == nil {
		_, err = to.Commit(ctx, id, digest)
	}
	if err != nil {
		return errors.Join(err, to.Cancel(context.WithoutCancel(ctx), id))
	}
	return nil
}
