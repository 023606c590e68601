package static

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
)

func TestVendoredFilesAreTheRecordedOnes(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(read("vendor/VENDOR")))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Fields(lines.Text())
		if len(f) != 5 {
			t.Fatalf("VENDOR: %q has %d columns, want 5", lines.Text(), len(f))
		}
		sum := sha256.Sum256(read(path.Join("vendor", f[0])))
		if got := hex.EncodeToString(sum[:]); got != f[4] {
			t.Errorf("%s: SHA-256 %s, recorded %s", f[0], got, f[4])
		}
	}
}

func TestHashedAddressesAreKeptForEver(t *testing.T) {
	for name := range served {
		for _, c := range []struct{ at, cache string }{
			{URL(name), "public, max-age=31536000, immutable"},
			{Prefix + name, "no-cache"},
			{Prefix + "000000000000/" + name, "no-cache"},
		} {
			w := httptest.NewRecorder()
			Handler().ServeHTTP(w, httptest.NewRequest("GET", c.at, nil))
			if w.Code != 200 || w.Header().Get("Cache-Control") != c.cache {
				t.Errorf("%s: %d %q, want 200 %q", c.at, w.Code, w.Header().Get("Cache-Control"), c.cache)
			}
			if w.Body.Len() == 0 || w.Header().Get("Content-Type") == "" {
				t.Errorf("%s: empty body or no type", c.at)
			}
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, at := range []string{"/static/", "/static/nothing.js", "/static/abc/../static.go", "/static/vendor/VENDOR"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", at, nil))
		if w.Code != 404 {
			t.Errorf("%s: %d, want 404", at, w.Code)
		}
	}
}

func TestStylesNeedNothingFromOutside(t *testing.T) {
	css := string(stylesheet())
	for _, bad := range []string{"@import", "url(", "http:", "https:"} {
		if strings.Contains(css, bad) {
			t.Errorf("app.css contains %q", bad)
		}
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("app.css: braces do not balance")
	}
}

func TestScriptsNeedNoEval(t *testing.T) {
	for _, bad := range []string{"eval(", "new Function", "innerHTML"} {
		if strings.Contains(string(read("js/app.js")), bad) {
			t.Errorf("app.js contains %q", bad)
		}
	}
}
