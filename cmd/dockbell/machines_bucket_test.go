package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dockbell/models/store/storetest"
)

// TestMachinesShareABucket: an upload that begins on one machine ends on the other, and what was pushed to one is pulled from
// the other. The machines have nothing in common but the database, the key and the bucket.
func TestMachinesShareABucket(t *testing.T) {
	bucket := testBucket(t, "machines")
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		shared := t.TempDir()
		for name, value := range map[string]string{"DATABASE": dsn, "BLOBS": bucket, "KEY_FILE": filepath.Join(shared, "key")} {
			t.Setenv("DOCKBELL_"+name, value)
		}
		one := startProcess(t, filepath.Join(shared, "one"))
		two := startProcess(t, filepath.Join(shared, "two"))
		const layer = "a layer in two chunks"
		ask := func(p *process, method, path, body string) *http.Response {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, p.base()+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			one.token.bearer(req)
			resp, err := p.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		next := ask(one, http.MethodPost, "/v2/team/api/blobs/uploads/", "").Header.Get("Location")
		next = ask(two, http.MethodPatch, next, layer[:7]).Header.Get("Location")
		next = ask(one, http.MethodPatch, next, layer[7:]).Header.Get("Location")
		if done := ask(two, http.MethodPut, next+"?digest="+digestOf(layer), ""); done.StatusCode != http.StatusCreated {
			t.Fatalf("the upload ends with %s", done.Status)
		}
		one.push("team/api", "v1", layer).wants(http.StatusCreated)
		for _, p := range []*process{one, two} {
			resp := ask(p, http.MethodGet, "/v2/team/api/blobs/"+digestOf(layer), "")
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(text) != layer {
				t.Errorf("the layer is %q, %s, %v", text, resp.Status, err)
			}
		}
		for _, folder := range []string{"one", "two"} {
			if _, err := os.Stat(filepath.Join(shared, folder, "blobs")); err == nil {
				t.Errorf("machine %s has layers of its own", folder)
			}
		}
	})
}
