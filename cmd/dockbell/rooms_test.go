package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// room is one package and what it may import of the house.
type room struct {
	name string
	may  []string
}

// nouns are the rooms that know what the product is about and do no I/O.
var nouns = []string{
	"models/fault", "models/audit", "models/strict", "models/registry", "models/artifact", "models/event",
	"models/account", "models/source", "models/webhook", "models/notice", "models/payload", "models/delivery", "models/cleanup", "models/keeping", "models/doctor",
}

// plan is the house from the cellar up. A row may only name rows above it, so the house cannot have a cycle.
var plan = []room{
	{"static", nil},
	{"models/fault", nil},
	{"models/failpoint", nil},
	{"models/audit", of("models/fault")},
	{"models/strict", of("models/fault")},
	{"models/registry", of("models/fault", "models/audit")},
	{"models/artifact", of("models/fault", "models/strict")},
	{"models/event", of("models/registry", "models/artifact")},
	{"models/account", of("models/fault", "models/audit", "models/registry", "models/artifact")},
	{"models/source", of("models/fault", "models/audit", "models/registry", "models/artifact", "models/event")},
	{"models/webhook", of("models/fault", "models/audit", "models/registry", "models/event")},
	{"models/notice", of("models/fault", "models/audit", "models/registry", "models/event", "models/webhook")},
	{"models/payload", of("models/event", "models/artifact", "models/notice")},
	{"models/delivery", of("models/fault", "models/audit", "models/registry", "models/event", "models/source", "models/webhook", "models/notice", "models/payload")},
	{"models/cleanup", of("models/fault", "models/audit", "models/registry", "models/artifact", "models/event")},
	{"models/keeping", of("models/fault", "models/audit")},
	{"models/doctor", of("models/registry", "models/webhook")},
	{"models/store", of("models/failpoint", nouns)},
	{"models/store/storetest", of("models/store", nouns)},
	{"models/backup", of("models/fault", "models/failpoint", "models/artifact")},
	{"models/blobs", nouns},
	{"views/ui", of("static")},
	{"views", of("static", "views/ui", nouns)},
	{"web/auth", of("models/fault", "models/audit", "models/registry", "models/account")},
	{"web/certs", of("web/auth", "models/fault")},
	{"web/dispatch", of("models/failpoint", "models/fault", "models/event", "models/webhook", "models/payload", "models/delivery")},
	{"web/post", of("models/notice")},
	{"web/oci", of("web/auth", "models/fault", "models/registry", "models/artifact", "models/event", "models/account", "models/delivery")},
	{"web/ingest", of("web/auth", "models/fault", "models/strict", "models/artifact", "models/event", "models/source")},
	{"web/inbox", of("web/auth", "models/fault", "models/delivery")},
	{"web/portal", of("web/auth", "views", "views/ui", "static", nouns)},
	{"web/azure", of("web/auth", nouns)},
	{"web", of("web/auth", "web/oci", "web/azure", "web/inbox", "web/portal", "static", "models/fault", "models/account")},
	{"web/webtest", []string{anything}},
	{"cmd/dockbell", []string{anything}},
}

// guest is a package from outside, or a sensitive one of the standard library, with the rooms it may enter.
type guest struct {
	path  string // itself and everything below it
	rooms []string
}

var guests = []guest{
	{"gorm.io", of("models/store", "models/store/storetest")},
	{"database/sql", of("models/store", "models/store/storetest")},
	{"github.com/mattn/go-sqlite3", of("models/store")},
	{"github.com/jackc/pgx", of("models/store", "models/store/storetest")},
	{"github.com/pressly/goose", of("models/store")},
	{"gocloud.dev", of("models/blobs")},
	{"github.com/labstack/echo", of("web", "web/...")},
	{"github.com/alexedwards/scs", of("web/auth")},
	{"github.com/a-h/templ", of("views", "views/...", "web/portal")},
	{"github.com/standard-webhooks", of("web/dispatch")},
	{"golang.org/x/crypto/acme", of("web/certs")},
	{"github.com/wneessen/go-mail", of("web/post")},
	{"github.com/emersion", nil},
	{"net/http", of("web", "web/...", "static", "cmd/dockbell")},
	{"github.com/prometheus", of("cmd/dockbell")},
	{"go.opentelemetry.io", of("cmd/dockbell")},
	{"github.com/spf13", of("cmd/dockbell")},
	{"github.com/knadh/koanf", of("cmd/dockbell")},
	{"github.com/google/go-containerregistry", nil},
	{"github.com/chromedp", nil},
	{"github.com/Azure", nil},
	{"github.com/getkin", nil},
	{"filippo.io/age", of("models/backup", "cmd/dockbell")},
	{"testing", of("models/store/storetest", "web/webtest")},
}

// TestRooms keeps the floor plan: every package stands in it and imports nothing that its row does not list.
func TestRooms(t *testing.T) {
	for _, fault := range inspect(plan, guests, listPackages(t)) {
		t.Error(fault)
	}
}

// listPackages asks the go command for the house's packages. Tests may import what they like, so only Imports count.
func listPackages(t *testing.T) []packageInfo {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []packageInfo
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p packageInfo
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// of puts single names and lists of names together.
func of(names ...any) []string {
	var all []string
	for _, n := range names {
		switch n := n.(type) {
		case string:
			all = append(all, n)
		case []string:
			all = append(all, n...)
		}
	}
	return all
}
