// Package static serves the files a browser fetches as they are, under addresses that change with their content.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed css/*.css js/*.js img/*.svg vendor
var files embed.FS

// OpenAPI describes the management API for programs; a page of the portal shows it to people.
//
//go:embed openapi.yaml
var OpenAPI []byte

// Prefix is the path under which Handler answers.
const Prefix = "/static/"

// sheets are joined, in this order, into one app.css: cascade layers need the token file first.
var sheets = []string{
	"tokens", "base", "shell", "controls", "grid", "forms", "overlays", "figures", "pages", "small",
}

// served are the files with an address, by the name that URL takes.
var served = load([]string{
	"js/app.js", "img/icons.svg", "img/favicon.svg", "vendor/htmx.min.js", "vendor/hx-sse.js",
})

// types are fixed here because the machine's own list of types may say otherwise.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

type file struct {
	body []byte
	sum  string // the first 12 hex digits of its SHA-256
}

func load(names []string) map[string]file {
	all := map[string]file{"app.css": newFile(stylesheet())}
	for _, name := range names {
		all[path.Base(name)] = newFile(read(name))
	}
	return all
}

func stylesheet() []byte {
	var css bytes.Buffer
	for _, name := range sheets {
		css.Write(read("css/" + name + ".css"))
	}
	return css.Bytes()
}

// read gives an embedded file; a missing one is a mistake of the build, found by every test.
func read(name string) []byte {
	body, err := files.ReadFile(name)
	if err != nil {
		panic("static: " + err.Error())
	}
	return body
}

func newFile(body []byte) file {
	sum := sha256.Sum256(body)
	return file{body: body, sum: hex.EncodeToString(sum[:6])}
}

// URL is the address of a file such as "app.css" or "icons.svg"; it changes whenever the content does.
func URL(name string) string {
	f, ok := served[name]
	if !ok {
		panic("static: no file named " + name)
	}
	return Prefix + f.sum + "/" + name
}

// Icon is the address of one symbol in icons.svg: Icon("bell") for #i-bell.
func Icon(name string) string { return URL("icons.svg") + "#i-" + name }

// Handler serves what URL names, to be kept for ever, and the same names without a hash, to be asked for again.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum, name, hashed := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
		if !hashed {
			sum, name = "", sum
		}
		f, ok := served[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		head := w.Header()
		head.Set("Content-Type", types[path.Ext(name)])
		head.Set("ETag", `"`+f.sum+`"`)
		head.Set("Cache-Control", "no-cache")
		if sum == f.sum {
			head.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.body))
	})
}
