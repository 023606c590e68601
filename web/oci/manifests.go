package oci

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/fault"
)

// readManifest is the only way by which a manifest is read for a client, by tag or digest.
func (d *Door) readManifest(r request) (artifact.Stored, error) {
	m, err := d.Metadata.Unread(r.ctx(), r.reg.Name, r.at.repository, r.at.reference.String())
	if err != nil {
		return m, err
	}
	return m, r.mayRead(m)
}

// mayRead refuses what is locked or held in quarantine. Held content is not there for those who ask by its tag, so that
// nobody deploys it, and refused by its digest; who may push reads it by digest, because clients look at what they pushed.
func (r request) mayRead(m artifact.Stored) error {
	if m.Locks.NoRead || m.TagLocks.NoRead || m.RepositoryLocks.NoRead {
		f := fault.New(fault.Forbidden, "%s is locked against reading. Whoever may push can unlock it: az acr repository update --read-enabled true.", r.at.reference)
		f.Field = "lock"
		return f
	}
	byDigest := r.at.reference.Digest != ""
	switch {
	case !m.Quarantine.Holds(), r.mayRule(), byDigest && r.maySeeHeld():
		return nil
	case byDigest:
		return heldBack(r.at.reference.Digest)
	}
	f := fault.New(fault.NotFound, "There is no manifest %s in the repository %s.", r.at.reference.Tag, r.at.repository)
	f.Field = "manifest"
	return f
}

func heldBack(digest string) error {
	return fault.New(fault.Forbidden, "%s is in quarantine and cannot be pulled until it is released.", digest)
}

func (d *Door) getManifest(r request) error {
	m, err := d.readManifest(r)
	if err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Content-Type", m.MediaType)
	h.Set("Docker-Content-Digest", m.Digest)
	h.Set("ETag", strconv.Quote(m.Digest))
	if r.at.reference.Digest != "" {
		h.Set("Cache-Control", forever)
	}
	if r.c.Request().Method == http.MethodGet {
		d.Metadata.CountPull(r.reg.Name, r.at.repository, m.Digest)
	}
	http.ServeContent(r.c.Response(), r.c.Request(), "", time.Time{}, bytes.NewReader(m.Raw))
	return nil
}

// putManifest stores a manifest, its tag, the events they raise and their deliveries in one transaction: the 201 comes after it.
func (d *Door) putManifest(r request) error {
	raw, err := readAll(r)
	if err != nil {
		return err
	}
	ref := r.at.reference
	m, err := artifact.ParseManifest(raw, r.c.Request().Header.Get("Content-Type"), artifact.AlgorithmOf(ref.Digest))
	if err != nil {
		return err
	}
	if ref.Digest != "" && ref.Digest != m.Digest {
		return fault.In("digest", "The manifest has the digest %s and not %s.", m.Digest, ref.Digest)
	}
	change := d.change(r, event.PutManifest)
	change.Tag, change.Digest, change.Manifest = ref.Tag, m.Digest, m
	if m.Kind == artifact.Chart {
		if change.Chart, err = d.chart(r, *m.Config); err != nil {
			return err
		}
	}
	if _, err := d.Recorder.Record(r.ctx(), change); err != nil {
		return missingParts(err)
	}
	h := r.c.Response().Header()
	h.Set("Location", "/v2/"+r.at.repository+"/manifests/"+m.Digest)
	h.Set("Docker-Content-Digest", m.Digest)
	if m.Subject != nil {
		h.Set("OCI-Subject", m.Subject.Digest)
	}
	return r.c.NoContent(http.StatusCreated)
}

func (d *Door) deleteManifest(r request) error {
	change := d.change(r, event.DeleteTag)
	change.Tag = r.at.reference.Tag
	if r.at.reference.Digest != "" {
		change.Kind, change.Digest = event.DeleteManifest, r.at.reference.Digest
	}
	if _, err := d.Recorder.Record(r.ctx(), change); err != nil {
		return err
	}
	return r.c.NoContent(http.StatusAccepted)
}

// readAll reads a manifest's bytes, at most as many as a manifest may have.
func readAll(r request) ([]byte, error) {
	req := r.c.Request()
	if req.ContentLength > artifact.MaxManifest {
		return nil, artifact.TooLarge()
	}
	raw, err := io.ReadAll(http.MaxBytesReader(r.c.Response(), req.Body, artifact.MaxManifest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, artifact.TooLarge()
	case err != nil:
		return nil, fault.In("manifest", "The manifest ended before all of its bytes had come.").Because(err)
	}
	return raw, nil
}

// chart reads a chart's name and version from its config blob, which must be in the repository already.
func (d *Door) chart(r request, config artifact.Descriptor) (artifact.ChartInfo, error) {
	_, err := d.Metadata.BlobSize(r.ctx(), r.reg.Name, r.at.repository, config.Digest)
	if fault.Is(err, fault.NotFound) {
		return artifact.ChartInfo{}, refuse(http.StatusBadRequest, codeManifestBlobUnknown, "The chart’s config blob %s is not in this repository. Push it first.", config.Digest)
	}
	if err != nil {
		return artifact.ChartInfo{}, err
	}
	blob, err := d.Blobs.Open(r.ctx(), config.Digest)
	if err != nil {
		return artifact.ChartInfo{}, err
	}
	defer blob.Close()
	raw, err := io.ReadAll(io.LimitReader(blob, artifact.MaxChartConfig+1))
	if err != nil {
		return artifact.ChartInfo{}, fault.New(fault.Internal, "The chart’s config blob could not be read.").Because(err)
	}
	return artifact.ParseChartConfig(raw)
}

// missingParts gives a manifest that was refused for what it refers to its own code; everything else stays as it is.
func missingParts(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Invalid && (f.Field == "blob" || f.Field == "manifest") {
		return &refusal{status: http.StatusBadRequest, code: codeManifestBlobUnknown, message: f.Message, cause: err}
	}
	return err
}

// change begins a change with who asked for it and how.
func (d *Door) change(r request, kind event.ChangeKind) event.Change {
	req := r.c.Request()
	return event.Change{
		Kind: kind, Registry: r.reg.Name, Location: r.reg.Home, Repository: r.at.repository,
		Request: event.Request{
			ID: d.NewID(), Addr: r.c.RealIP(), Host: plain(req.Host), Method: req.Method, UserAgent: plain(req.UserAgent()),
		},
		Actor: r.who.Name,
		Time:  d.Now(),
	}
}

// maxHeader is how much of a client's header an event keeps.
const maxHeader = 1024

// plain makes a header fit for text columns and payloads: valid UTF-8 without NUL.
func plain(s string) string {
	if len(s) > maxHeader {
		s = s[:maxHeader]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
