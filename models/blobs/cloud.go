package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// Cloud is a Store in a bucket that several machines share: blobs under sha256/ab/abcd..., the chunks of uploads under
// uploads/. A blob appears whole or not at all, under the digest of what it holds.
type Cloud struct {
	// Shared keeps the other machines from a digest; nil where there are none.
	Shared func(digest string) (unlock func())

	bucket *blob.Bucket
	locks  locks
	writes locks // of uploads

	mu   sync.Mutex
	sums map[string]*running // by upload, of those that this process has written
}

var _ Store = (*Cloud)(nil)

// OpenCloud opens a bucket by its URL, such as s3://name?region=eu-central-1.
func OpenCloud(ctx context.Context, url string) (*Cloud, error) {
	bucket, err := blob.OpenBucket(ctx, driven(url))
	if err != nil {
		return nil, fmt.Errorf("the bucket of layers cannot be opened: %w", err)
	}
	return NewCloud(bucket), nil
}

// NewCloud uses a bucket that is open.
func NewCloud(bucket *blob.Bucket) *Cloud { return &Cloud{bucket: bucket, sums: map[string]*running{}} }

// Close lets go of the bucket.
func (c *Cloud) Close() error { return c.bucket.Close() }

// Free is how many bytes a bucket has left, which nobody knows.
func (c *Cloud) Free() int64 { return -1 }

// away explains an error of the bucket, which may answer later.
func away(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.New(fault.Unavailable, "The bucket that holds the layers cannot be read or written to at the moment. Try again in a moment.").Because(err).After(2 * time.Second)
}

func missing(err error) bool { return gcerrors.Code(err) == gcerrors.NotFound }

// Stat gives the size of a blob; NotFound at field "blob" when it is not there.
func (c *Cloud) Stat(ctx context.Context, digest string) (int64, error) {
	_, key, err := place(digest)
	if err != nil {
		return 0, err
	}
	about, err := c.bucket.Attributes(ctx, key)
	switch {
	case err != nil && missing(err):
		return 0, noBlob(digest)
	case err != nil:
		return 0, away(err)
	}
	return about.Size, nil
}

// Touch is Stat: whoever relies on a blob links it under its Lock, which keeps every machine from removing it.
func (c *Cloud) Touch(ctx context.Context, digest string) (int64, error) { return c.Stat(ctx, digest) }

// Open reads a blob; the caller closes it.
func (c *Cloud) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	_, key, err := place(digest)
	if err != nil {
		return nil, err
	}
	r, err := c.bucket.NewReader(ctx, key, nil)
	switch {
	case err != nil && missing(err):
		return nil, noBlob(digest)
	case err != nil:
		return nil, away(err)
	}
	return r, nil
}

// Remove forgets a blob. Whoever calls it holds the digest's Lock and knows that nothing needs it.
func (c *Cloud) Remove(ctx context.Context, digest string) error {
	_, key, err := place(digest)
	if err != nil {
		return err
	}
	return c.delete(ctx, key)
}

// delete removes an object; one that is not there is removed.
func (c *Cloud) delete(ctx context.Context, key string) error {
	if err := c.bucket.Delete(ctx, key); err != nil && !missing(err) {
		return away(err)
	}
	return nil
}

// RemoveOld forgets a blob that was not stored since. Whoever calls it holds the digest's Lock.
func (c *Cloud) RemoveOld(ctx context.Context, digest string, before time.Time) (size int64, removed bool, err error) {
	_, key, err := place(digest)
	if err != nil {
		return 0, false, err
	}
	about, err := c.bucket.Attributes(ctx, key)
	switch {
	case err != nil && missing(err):
		return 0, false, nil
	case err != nil:
		return 0, false, away(err)
	case !about.ModTime.Before(before):
		return 0, false, nil
	}
	if err := c.Remove(ctx, digest); err != nil {
		return 0, false, err
	}
	return about.Size, true, nil
}

// digestsAtOnce is how many Each hands over together.
const digestsAtOnce = 500

// Each visits the digests of all blobs, some at a time.
func (c *Cloud) Each(ctx context.Context, visit func(digests []string) error) error {
	for _, algorithm := range []string{artifact.SHA256, artifact.SHA512} {
		var digests []string
		err := c.list(ctx, algorithm+"/", func(object *blob.ListObject) error {
			digest, err := artifact.ParseDigest(algorithm + ":" + path.Base(object.Key))
			if err != nil {
				return nil //nolint:nilerr // a stranger
			}
			if digests = append(digests, digest); len(digests) < digestsAtOnce {
				return nil
			}
			some := digests
			digests = nil
			return visit(some)
		})
		if err == nil {
			err = visit(digests)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list visits the objects whose names begin so.
func (c *Cloud) list(ctx context.Context, prefix string, visit func(*blob.ListObject) error) error {
	objects := c.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return away(err)
		}
		if err := visit(object); err != nil {
			return err
		}
	}
}

// Lock keeps everybody else, on all machines, from committing, linking or removing the content of this digest until unlock
// is called.
func (c *Cloud) Lock(digest string) (unlock func()) {
	own := c.locks.lock(digest)
	if c.Shared == nil {
		return own
	}
	shared := c.Shared(digest)
	return func() { shared(); own() }
}

// Abandoned gives the uploads that nobody has written to since.
func (c *Cloud) Abandoned(ctx context.Context, before time.Time) ([]string, error) {
	newest := map[string]time.Time{}
	err := c.list(ctx, uploads+"/", func(object *blob.ListObject) error {
		id, _, _ := strings.Cut(strings.TrimPrefix(object.Key, uploads+"/"), "/")
		if idRule.MatchString(id) && object.ModTime.After(newest[id]) {
			newest[id] = object.ModTime
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for id, at := range newest {
		if at.Before(before) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
