package oci_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dockbell/models/store/storetest"
)

// TestConformance runs the official program of the OCI against the door on every database and with its layers in a bucket, with its own
// settings and with all that it can check besides. DOCKBELL_TEST_CONFORMANCE is the program's path, as `.ci/tool clients` builds it.
func TestConformance(t *testing.T) {
	program := os.Getenv("DOCKBELL_TEST_CONFORMANCE")
	if program == "" {
		storetest.Without(t, "DOCKBELL_TEST_CONFORMANCE does not name the OCI conformance program")
	}
	for name, more := range map[string][]string{
		"default": nil,
		"strict": {
			"OCI_API_BLOBS_UPLOAD_CANCEL=true", "OCI_API_BLOBS_DIGEST_HEADER=true", "OCI_API_MANIFESTS_DIGEST_HEADER=true",
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) { conforms(t, program, h, more) })
			if name == "strict" {
				t.Run("bucket", func(t *testing.T) {
					h, n := newHouseInBucket(t, "conformance"), 0
					conforms(t, program, h, more)
					err := h.bucket.Each(t.Context(), func(digests []string) error { n += len(digests); return nil })
					if err != nil || n == 0 {
						t.Errorf("%d layers are in the bucket (%v)", n, err)
					}
				})
			}
		})
	}
}

func conforms(t *testing.T, program string, h *house, more []string) {
	t.Helper()
	results := t.TempDir()
	if keep := os.Getenv("DOCKBELL_TEST_RESULTS"); keep != "" {
		results = filepath.Join(keep, t.Name())
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), append(more, "OCI_REGISTRY="+h.host, "OCI_TLS=disabled", "OCI_VERSION=1.1",
		"OCI_USERNAME=pusher", "OCI_PASSWORD="+password, "OCI_RESULTS_DIR="+results)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the conformance program: %v\n%s", err, out)
	}
}
