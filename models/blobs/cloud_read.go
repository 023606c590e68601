package blobs

import (
	"context"
	"errors"
	"io"

	"gocloud.dev/blob"

	"dockbell/models/fault"
)

// chunksReader reads chunks one after the other.
type chunksReader struct {
	ctx    context.Context //nolint:containedctx // of the one call that reads
	bucket *blob.Bucket
	left   []chunk
	now    *blob.Reader
}

// Read reads on.
func (r *chunksReader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if len(r.left) == 0 {
				return 0, io.EOF
			}
			var err error
			if r.now, err = r.bucket.NewReader(r.ctx, r.left[0].key, nil); err != nil {
				return 0, away(err)
			}
			r.left = r.left[1:]
		}
		n, err := r.now.Read(p)
		if errors.Is(err, io.EOF) {
			err = nil
			r.close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *chunksReader) close() {
	if r.now != nil {
		_ = r.now.Close() // everything was read, or nobody wants it
		r.now = nil
	}
}

// checkedReader ends with an error instead of the end when what was read is not right.
type checkedReader struct {
	r      io.Reader
	check  func() error
	failed error
}

// Read reads on.
func (r *checkedReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if errors.Is(err, io.EOF) {
		if r.failed = r.check(); r.failed != nil {
			return n, r.failed
		}
	} else if err != nil {
		r.failed = err
	}
	return n, err
}

func fieldsOf(err error) (fields []string) {
	for _, f := range fault.All(err) {
		fields = append(fields, f.Field)
	}
	return fields
}
