package oci

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// beginUpload answers POST: a mount from another repository, a whole blob at once, or the address of a new upload.
func (d *Door) beginUpload(r request) error {
	if err := d.Metadata.MayPush(r.ctx(), r.reg.Name, r.at.repository); err != nil {
		return err
	}
	query := r.c.QueryParams()
	if query.Has("mount") && query.Has("from") {
		mounted, err := d.mount(r, query.Get("mount"), query.Get("from"))
		if mounted || err != nil {
			return err
		}
	}
	digest := query.Get("digest")
	if query.Has("digest") {
		if _, err := artifact.ParseDigest(digest); err != nil {
			return err
		}
	}
	id, err := d.Blobs.Create(r.ctx())
	if err != nil {
		return err
	}
	if !query.Has("digest") {
		return d.tell(r, http.StatusAccepted, id, 0)
	}
	err = d.receive(r, id, digest)
	if err != nil { // nobody knows its address, so nobody could go on with it
		err = errors.Join(err, d.Blobs.Cancel(context.WithoutCancel(r.ctx()), id))
	}
	return err
}

// mount links a blob of another repository, for whoever may pull there; false opens an upload instead, as the specification wants.
func (d *Door) mount(r request, digest, from string) (bool, error) {
	_, digestErr := artifact.ParseDigest(digest)
	_, nameErr := artifact.ParseRepository(from)
	if err := errors.Join(digestErr, nameErr); err != nil {
		return false, err
	}
	if r.allow(account.Pull, place{kind: blob, repository: from}) != nil {
		return false, nil
	}
	defer d.Blobs.Lock(digest)()
	size, err := d.Metadata.BlobSize(r.ctx(), r.reg.Name, from, digest)
	if err == nil {
		_, err = d.Blobs.Touch(r.ctx(), digest)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, d.link(r, digest, size)
}

func (d *Door) uploadStatus(r request) error {
	id, size, err := d.known(r)
	if err != nil {
		return err
	}
	return d.tell(r, http.StatusNoContent, id, size)
}

// appendUpload answers PATCH: the next chunk with its Content-Range, or a stream without.
func (d *Door) appendUpload(r request) error {
	id, size, err := d.known(r)
	if err != nil {
		return err
	}
	at, err := chunkStart(r.c.Request())
	if err != nil {
		return err
	}
	size, err = d.appendTo(r, id, at, size)
	if err != nil {
		return err
	}
	return d.tell(r, http.StatusAccepted, id, size)
}

// appendTo adds the body; a chunk out of order learns where the upload goes on.
func (d *Door) appendTo(r request, id string, at, size int64) (int64, error) {
	now, err := d.Blobs.Append(r.ctx(), id, at, r.c.Request().Body)
	var f *fault.Error
	if errors.As(err, &f) && f.Field == "range" {
		d.locate(r, id, size)
	}
	return now, err
}

// finishUpload answers PUT: the last chunk, if there is one, and the digest of it all.
func (d *Door) finishUpload(r request) error {
	id, size, err := d.known(r)
	if err != nil {
		return err
	}
	digest, err := artifact.ParseDigest(r.c.QueryParam("digest"))
	if err != nil {
		return err
	}
	at, err := chunkStart(r.c.Request())
	if err != nil {
		return err
	}
	if r.c.Request().ContentLength != 0 {
		if _, err := d.appendTo(r, id, at, size); err != nil {
			return err
		}
	}
	return d.commit(r, id, digest)
}

func (d *Door) cancelUpload(r request) error {
	id, _, err := d.known(r)
	if err != nil {
		return err
	}
	if err := d.Blobs.Cancel(r.ctx(), id); err != nil {
		return err
	}
	return r.c.NoContent(http.StatusNoContent)
}

// receive takes a whole blob from the body.
func (d *Door) receive(r request, id, digest string) error {
	if _, err := d.Blobs.Append(r.ctx(), id, 0, r.c.Request().Body); err != nil {
		return err
	}
	return d.commit(r, id, digest)
}

// commit makes a blob of an upload and links it. Nobody removes the bytes between the two.
func (d *Door) commit(r request, id, digest string) error {
	defer d.Blobs.Lock(digest)()
	size, err := d.Blobs.Commit(r.ctx(), id, digest)
	if err != nil {
		return err
	}
	return d.link(r, digest, size)
}

// link makes a blob part of the repository and says where it is.
func (d *Door) link(r request, digest string, size int64) error {
	if err := d.Metadata.LinkBlob(r.ctx(), r.reg.Name, r.at.repository, digest, size); err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Location", "/v2/"+r.at.repository+"/blobs/"+digest)
	h.Set("Docker-Content-Digest", digest)
	return r.c.NoContent(http.StatusCreated)
}

// known gives an upload of the caller's own and its size. The ticket is checked before anything is looked up.
func (d *Door) known(r request) (id string, size int64, err error) {
	id, own := d.uploadOf(r)
	if !own {
		f := fault.New(fault.NotFound, "You have no such upload in this repository.")
		f.Field = "upload"
		return "", 0, f
	}
	size, err = d.Blobs.Size(r.ctx(), id)
	return id, size, err
}

// tell says where an upload goes on.
func (d *Door) tell(r request, status int, id string, size int64) error {
	d.locate(r, id, size)
	return r.c.NoContent(status)
}

func (d *Door) locate(r request, id string, size int64) {
	h := r.c.Response().Header()
	h.Set("Location", "/v2/"+r.at.repository+"/blobs/uploads/"+d.ticket(r.visit, r.at.repository, id))
	h.Set("Range", "0-"+strconv.FormatInt(max(size-1, 0), 10)) // the specification has no word for "nothing yet"
	h.Set("Docker-Upload-UUID", id)
}

// chunkStart reads Content-Range ("0-99", as the specification has it, or "bytes 0-99/*"); -1 without one. A range that
// disagrees with Content-Length is refused before a byte is read.
func chunkStart(r *http.Request) (int64, error) {
	header := r.Header.Get("Content-Range")
	if header == "" {
		return -1, nil
	}
	text, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(header, "bytes")), "/")
	from, to, ok := strings.Cut(text, "-")
	first, fromErr := strconv.ParseInt(from, 10, 64)
	last, toErr := strconv.ParseInt(to, 10, 64)
	if !ok || errors.Join(fromErr, toErr) != nil || first < 0 || last < first {
		return 0, refuse(http.StatusBadRequest, codeBlobUploadInvalid, "Content-Range has the form first-last, such as 0-1048575.")
	}
	if r.ContentLength >= 0 && r.ContentLength != last-first+1 {
		return 0, refuse(http.StatusBadRequest, codeSizeInvalid, "Content-Range names %d bytes, Content-Length %d.", last-first+1, r.ContentLength)
	}
	return first, nil
}
