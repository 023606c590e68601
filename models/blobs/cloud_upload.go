package blobs

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"gocloud.dev/blob"

	"dockbell/models/artifact"
)

// An upload in a bucket is an empty object that says that it was begun, and an object per chunk, named by the byte with which
// it begins: any machine can go on with it.
func beginKey(id string) string           { return uploads + "/" + id + "/begun" }
func chunkKey(id string, at int64) string { return fmt.Sprintf("%s/%s/chunk-%016x", uploads, id, at) }

// chunk is a part of an upload.
type chunk struct {
	key      string
	at, size int64
}

// running is the hash of the first bytes of an upload, as far as this process has written all of them.
type running struct {
	sum  hash.Hash // sha256
	size int64
}

// mostCopied is the largest object that every store copies by itself.
const mostCopied = 5 << 30

// Create begins an upload.
func (c *Cloud) Create(ctx context.Context) (string, error) {
	id := newID()
	if err := c.bucket.WriteAll(ctx, beginKey(id), nil, nil); err != nil {
		return "", away(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sums[id] = &running{sum: sha256.New()}
	return id, nil
}

func newHash(algorithm string) hash.Hash {
	if algorithm == artifact.SHA512 {
		return sha512.New()
	}
	return sha256.New()
}

// chunks lists what there is of an upload, in order; NotFound at field "upload" when it was never begun.
func (c *Cloud) chunks(ctx context.Context, id string) (all []chunk, size int64, err error) {
	if !idRule.MatchString(id) {
		return nil, 0, noUpload()
	}
	begun := false
	err = c.list(ctx, uploads+"/"+id+"/", func(object *blob.ListObject) error {
		_, name, _ := strings.Cut(object.Key, id+"/")
		digits, isChunk := strings.CutPrefix(name, "chunk-")
		if !isChunk {
			begun = begun || object.Key == beginKey(id)
			return nil
		}
		if at, err := strconv.ParseInt(digits, 16, 64); err == nil && at == size { // what does not follow is no part of it
			all, size = append(all, chunk{object.Key, at, object.Size}), size+object.Size
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, 0, err
	case !begun:
		return nil, 0, noUpload()
	}
	return all, size, nil
}

// Size says how many bytes of an upload are there.
func (c *Cloud) Size(ctx context.Context, id string) (int64, error) {
	_, size, err := c.chunks(ctx, id)
	return size, err
}

// Append adds a chunk, all of it or nothing.
func (c *Cloud) Append(ctx context.Context, id string, at int64, r io.Reader) (int64, error) {
	free := c.writes.try(id)
	if free == nil {
		return 0, busy()
	}
	defer free()
	_, size, err := c.chunks(ctx, id)
	switch {
	case err != nil:
		return 0, err
	case at >= 0 && at != size:
		return size, outOfOrder(at, size)
	}
	sums := c.known(id, size)
	n, err := c.put(ctx, chunkKey(id, size), r, sums)
	if err != nil {
		c.forget(id) // the hash has seen bytes that are not kept
		return size, err
	}
	if sums != nil {
		sums.size += n
	}
	if n == 0 { // nothing came: its object would take the next chunk's name
		if err := c.delete(ctx, chunkKey(id, size)); err != nil {
			return size, err
		}
	}
	return size + n, nil
}

// put writes an object, which appears when all of it was read.
func (c *Cloud) put(ctx context.Context, key string, r io.Reader, sums *running) (n int64, err error) {
	writing, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := c.bucket.NewWriter(writing, key, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return 0, away(err)
	}
	buffer := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer buffers.Put(buffer)
	for {
		got, reading := r.Read(*buffer)
		if sums != nil {
			sums.sum.Write((*buffer)[:got]) // never fails
		}
		if _, err := w.Write((*buffer)[:got]); err != nil {
			cancel()
			return 0, errors.Join(away(err), quiet(w.Close()))
		}
		n += int64(got)
		if errors.Is(reading, io.EOF) {
			break
		}
		if reading != nil {
			cancel()
			return 0, errors.Join(cutOff(reading), quiet(w.Close()))
		}
	}
	if err := w.Close(); err != nil {
		return 0, away(err)
	}
	return n, nil
}

// quiet drops the error of a writer that was told to give up.
func quiet(error) error { return nil }

func (c *Cloud) known(id string, size int64) *running {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.sums[id]; r != nil && r.size == size {
		return r
	}
	delete(c.sums, id)
	return nil
}

func (c *Cloud) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sums, id)
}

// Commit makes a blob of an upload whose bytes have this digest. With another one nothing is left of the upload.
func (c *Cloud) Commit(ctx context.Context, id, digest string) (int64, error) {
	_, key, err := place(digest)
	if err != nil {
		return 0, err
	}
	free := c.writes.try(id)
	if free == nil {
		return 0, busy()
	}
	defer free()
	all, size, err := c.chunks(ctx, id)
	if err != nil {
		return 0, err
	}
	algorithm := artifact.AlgorithmOf(digest)
	if sums := c.known(id, size); sums != nil && algorithm == artifact.SHA256 {
		if got := digestOf(algorithm, sums.sum); got != digest {
			return 0, errors.Join(mismatch(digest, got), c.end(ctx, id))
		}
		if len(all) == 1 && size <= mostCopied {
			if err := c.bucket.Copy(ctx, key, all[0].key, nil); err != nil {
				return 0, away(err)
			}
			return size, c.end(ctx, id)
		}
	}
	if err := c.join(ctx, all, key, digest); err != nil {
		if isMismatch(err) {
			err = errors.Join(err, c.end(ctx, id))
		}
		return 0, err
	}
	return size, c.end(ctx, id)
}

func digestOf(algorithm string, sum hash.Hash) string {
	return algorithm + ":" + hex.EncodeToString(sum.Sum(nil))
}

// join writes the chunks as one object, which appears only when their digest is the right one.
func (c *Cloud) join(ctx context.Context, all []chunk, key, digest string) error {
	algorithm := artifact.AlgorithmOf(digest)
	sum := newHash(algorithm)
	whole := &chunksReader{ctx: ctx, bucket: c.bucket, left: all}
	defer whole.close()
	checked := &checkedReader{r: io.TeeReader(whole, sum), check: func() error {
		if got := digestOf(algorithm, sum); got != digest {
			return mismatch(digest, got)
		}
		return nil
	}}
	_, err := c.put(ctx, key, checked, nil)
	if checked.failed != nil { // what went wrong while writing follows from it
		return checked.failed
	}
	return err
}

func isMismatch(err error) bool {
	fields := fieldsOf(err)
	return len(fields) > 0 && fields[0] == "digest"
}

// Cancel ends an upload; one that is not there has ended already.
func (c *Cloud) Cancel(ctx context.Context, id string) error {
	if !idRule.MatchString(id) {
		return nil
	}
	return c.end(ctx, id)
}

// end removes what there is of an upload, its beginning last: should it be broken off, the upload is still known and purged.
func (c *Cloud) end(ctx context.Context, id string) error {
	c.forget(id)
	err := c.list(ctx, uploads+"/"+id+"/", func(object *blob.ListObject) error {
		if object.Key == beginKey(id) {
			return nil
		}
		return c.delete(ctx, object.Key)
	})
	if err != nil {
		return err
	}
	return c.delete(ctx, beginKey(id))
}
