// Package blobs keeps the bytes of layers and configs, and those of uploads until they are complete.
package blobs

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"dockbell/models/fault"
)

// Blobs is complete content, found by its digest.
type Blobs interface {
	Stat(ctx context.Context, digest string) (size int64, err error)
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
	Remove(ctx context.Context, digest string) error // nil when it is not there
	// Touch is Stat for somebody who relies on the blob from now on; RemoveOld removes it unless it was touched since.
	Touch(ctx context.Context, digest string) (size int64, err error)
	RemoveOld(ctx context.Context, digest string, before time.Time) (size int64, removed bool, err error)
	Each(ctx context.Context, visit func(digests []string) error) error
	Lock(digest string) (unlock func()) // nobody else commits, links or removes this content meanwhile
}

// Uploads is content on its way in. NotFound at field "upload" for those that are unknown, complete or cancelled.
type Uploads interface {
	Create(ctx context.Context) (id string, err error)
	Size(ctx context.Context, id string) (int64, error)
	Append(ctx context.Context, id string, at int64, r io.Reader) (size int64, err error) // at < 0: at its end
	Commit(ctx context.Context, id, digest string) (size int64, err error)
	Cancel(ctx context.Context, id string) error
	Abandoned(ctx context.Context, before time.Time) (ids []string, err error) // not touched since
}

// Store is a place that keeps both.
type Store interface {
	Blobs
	Uploads
}

func noBlob(digest string) error {
	f := fault.New(fault.NotFound, "There is no blob %s.", digest)
	f.Field = "blob"
	return f
}

func noUpload() error {
	f := fault.New(fault.NotFound, "There is no such upload. It is complete, was cancelled or lay about too long.")
	f.Field = "upload"
	return f
}

func busy() error {
	f := fault.New(fault.Conflict, "Another request is writing to this upload.")
	f.Field = "upload"
	return f
}

func outOfOrder(at, size int64) error {
	f := fault.New(fault.Conflict, "The chunk begins at byte %d, the upload goes on at byte %d.", at, size)
	f.Field = "range"
	return f
}

func mismatch(want, got string) error {
	return fault.In("digest", "The content has the digest %s and not %s.", got, want)
}

func cutOff(cause error) error {
	return fault.In("upload", "The upload ended before all of its bytes had come.").Because(cause)
}

// failed explains an error of the disk: a full one can be helped, any other is a matter for the log.
func failed(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		f := fault.New(fault.Unavailable, "The disk of this registry is full, so the content cannot be kept. Free some space and push again.")
		f.Field = "disk"
		return f.Because(err)
	}
	return fault.New(fault.Internal, "The content could not be kept.").Because(err)
}
