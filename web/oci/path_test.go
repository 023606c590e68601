package oci

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for path, want := range map[string]place{
		"/v2":                             {kind: base},
		"/v2/":                            {kind: base},
		"/v2/_catalog":                    {kind: catalog},
		"/v2/a/tags/list":                 {kind: tagList, repository: "a"},
		"/v2/a/b/c/manifests/v1":          {kind: manifest, repository: "a/b/c"},
		"/v2/a/referrers/" + digest:       {kind: referrers, repository: "a", digest: digest},
		"/v2/a/blobs/" + digest:           {kind: blob, repository: "a", digest: digest},
		"/v2/a/blobs/uploads":             {kind: uploads, repository: "a"},
		"/v2/a/blobs/uploads/":            {kind: uploads, repository: "a"},
		"/v2/a/blobs/uploads/x-y":         {kind: upload, repository: "a", ticket: "x-y"},
		"/v2/manifests/manifests/v1":      {kind: manifest, repository: "manifests"},
		"/v2/tags/list/tags/list":         {kind: tagList, repository: "tags/list"},
		"/v2/a/blobs/uploads/tags/list":   {kind: tagList, repository: "a/blobs/uploads"},
		"/v2/blobs/uploads/blobs/uploads": {kind: uploads, repository: "blobs/uploads"},
	} {
		u, err := url.Parse("http://h" + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsePath(u)
		got.reference = want.reference // below
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", path, got, err, want)
		}
	}
	u, _ := url.Parse("http://h/v2/a/manifests/" + digest)
	if got, err := parsePath(u); err != nil || got.reference.Digest != digest || got.reference.Tag != "" {
		t.Errorf("by digest: %+v, %v", got, err)
	}
}

// FuzzParsePath: what is accepted is exactly what the path says, and nothing that a file system would climb.
func FuzzParsePath(f *testing.F) {
	for _, p := range []string{"", "/", "/_catalog", "/a/manifests/x", "/a/../b/manifests/x", "/a%2fb/tags/list", "//a/tags/list", "/a/blobs/uploads/"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		u := &url.URL{Path: "/v2" + rest}
		at, err := parsePath(u)
		if err != nil {
			return
		}
		if strings.Contains(at.repository, "..") || strings.Contains(at.repository, "//") || at.repository != "" && !strings.HasPrefix(rest, "/"+at.repository+"/") {
			t.Errorf("%q gives the repository %q", rest, at.repository)
		}
		if at.kind == nowhere {
			t.Errorf("%q is accepted and names nothing", rest)
		}
	})
}

func TestChunkStart(t *testing.T) {
	for header, want := range map[string]int64{"": -1, "0-9": 0, "10-19": 10, "bytes 5-14/*": 5, "bytes 5-14/20": 5} {
		r := httptest.NewRequest("PATCH", "/", strings.NewReader("0123456789"))
		r.Header.Set("Content-Range", header)
		if got, err := chunkStart(r); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", header, got, err, want)
		}
	}
	for _, header := range []string{"x", "5", "-5", "9-0", "0-10", "0-9223372036854775808", "-1-8", "0-"} {
		r := httptest.NewRequest("PATCH", "/", strings.NewReader("0123456789"))
		r.Header.Set("Content-Range", header)
		if got, err := chunkStart(r); err == nil {
			t.Errorf("%q is read as %d", header, got)
		}
	}
}
