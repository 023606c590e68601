package oci

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// forever lets clients keep what is named by its digest: it never changes. Not for others: who may read is for us to say.
const forever = "private, max-age=31536000, immutable"

// getBlob streams a blob, or the part of it that a Range header asks for.
func (d *Door) getBlob(r request) error {
	look := d.Metadata.BlobSize
	if r.c.Request().Method == http.MethodHead && r.maySeeHeld() { // who pushes asks which layers are here already
		look = d.Metadata.WantBlob
	}
	if _, err := look(r.ctx(), r.reg.Name, r.at.repository, r.at.digest); err != nil {
		return err
	}
	content, err := d.Blobs.Open(r.ctx(), r.at.digest)
	if err != nil {
		return err
	}
	defer content.Close()
	h := r.c.Response().Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Docker-Content-Digest", r.at.digest)
	h.Set("ETag", strconv.Quote(r.at.digest))
	h.Set("Cache-Control", forever)
	http.ServeContent(direct{r.c.Response()}, r.c.Request(), "", time.Time{}, content)
	return nil
}

// direct is Echo's response with the way for whole files that Echo hides: sendfile, which copies no byte through this program.
type direct struct{ *echo.Response }

// ReadFrom sends what src gives.
func (w direct) ReadFrom(src io.Reader) (int64, error) {
	to, ok := w.Writer.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{w.Response}, src)
	}
	if !w.Committed {
		w.WriteHeader(http.StatusOK)
	}
	n, err := to.ReadFrom(src)
	w.Size += n
	return n, err
}

// deleteBlob takes a blob out of its repository. Its bytes stay while other repositories may need them.
func (d *Door) deleteBlob(r request) error {
	defer d.Blobs.Lock(r.at.digest)()
	if err := d.Metadata.UnlinkBlob(r.ctx(), r.reg.Name, r.at.repository, r.at.digest); err != nil {
		return err
	}
	return r.c.NoContent(http.StatusAccepted)
}
