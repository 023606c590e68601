package oci_test

import (
	"context"
	"io"
	"testing"
	"time"

	"dockbell/models/fault"
	"dockbell/web/oci"
)

// full is a disk on which nothing more fits.
type full struct{ oci.Blobs }

func (full) Append(context.Context, string, int64, io.Reader) (int64, error) {
	f := fault.New(fault.Unavailable, "The disk of this registry is full.")
	f.Field = "disk"
	return 0, f
}

// TestFullDisk: a layer that does not fit is 507, a manifest that the database cannot take is 503 with a time to come back.
func TestFullDisk(t *testing.T) {
	h := newHouse(t)
	h.pushImage("team/app", "v1", "layer")
	h.events()
	h.door.Blobs = full{h.files}
	h.do("POST", "/v2/team/app/blobs/uploads/?digest=sha256:"+digits, "more").wants(t, 507, "disk of this registry is full")
	upload := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "")
	h.do("PATCH", upload.Header.Get("Location"), "more").wants(t, 507, "")

	h.data.refuses(fault.New(fault.Unavailable, "The database cannot be written to.").After(5 * time.Second))
	put := h.putManifest("team/app", "v2", manifestOf(imageConfig, "{}", "layer", "")).wants(t, 503, "UNAVAILABLE")
	if got := put.Header.Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After %q", got)
	}
	h.data.refuses(nil)
	h.do("GET", "/v2/team/app/manifests/v2", "").wants(t, 404, "")
	h.do("GET", "/v2/team/app/manifests/v1", "").wants(t, 200, "")
	if got := h.events(); len(got) != 0 {
		t.Errorf("raised %q", got)
	}
}

const digits = "0000000000000000000000000000000000000000000000000000000000000000"
