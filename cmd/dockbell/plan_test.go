package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "dockbell/"
	anything = "*"
)

// packageInfo is what the plan's inspection needs of `go list -json`.
type packageInfo struct {
	ImportPath string
	Imports    []string
}

// inspect compares packages with the plan and says in one line each what is wrong.
func inspect(plan []room, guests []guest, packages []packageInfo) []string {
	faults := order(plan)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		at := slices.IndexFunc(plan, func(r room) bool { return r.name == name })
		if at < 0 {
			faults = append(faults, fmt.Sprintf("%s has no row in the plan", name))
			continue
		}
		for _, path := range p.Imports {
			if fault := imported(plan[at], guests, path); fault != "" {
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

// order finds rows that name a row which is not above them.
func order(plan []room) []string {
	var faults []string
	above := map[string]bool{}
	for _, r := range plan {
		for _, name := range r.may {
			if name != anything && !above[name] {
				faults = append(faults, fmt.Sprintf("the plan's row of %s names %s, which is not above it", r.name, name))
			}
		}
		above[r.name] = true
	}
	return faults
}

// imported judges one import of one room; "" is fine.
func imported(r room, guests []guest, path string) string {
	if own, ok := strings.CutPrefix(path, module); ok {
		if slices.Contains(r.may, own) || slices.Contains(r.may, anything) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, which its row does not list", r.name, own)
	}
	for _, g := range guests {
		if (path == g.path || strings.HasPrefix(path, g.path+"/")) && !welcome(g, r.name) {
			return fmt.Sprintf("%s hosts %s, which belongs to %s", r.name, path, strings.Join(g.rooms, ", "))
		}
	}
	if slices.Contains(nouns, r.name) && strings.Contains(strings.Split(path, "/")[0], ".") && !strings.HasPrefix(path, "golang.org/x/") {
		return fmt.Sprintf("%s is a noun and imports %s: only the standard library and golang.org/x may enter", r.name, path)
	}
	return ""
}

func welcome(g guest, name string) bool {
	return slices.ContainsFunc(g.rooms, func(host string) bool {
		below, wide := strings.CutSuffix(host, "...")
		return host == name || wide && strings.HasPrefix(name, below)
	})
}

// TestInspectReports plants violations in made-up packages: a plan that reports nothing keeps nothing.
func TestInspectReports(t *testing.T) {
	for _, c := range []struct {
		name string
		pkg  packageInfo
		want string
	}{
		{"gorm in a noun", packageInfo{"dockbell/models/event", []string{"time", "gorm.io/gorm"}}, "models/event hosts gorm.io/gorm"},
		{"net/http in a noun", packageInfo{"dockbell/models/webhook", []string{"net/http/httptrace"}}, "models/webhook hosts net/http/httptrace"},
		{"any module in a noun", packageInfo{"dockbell/models/account", []string{"github.com/google/uuid"}}, "models/account is a noun"},
		{"store in views", packageInfo{"dockbell/views", []string{"dockbell/models/store"}}, "views imports models/store"},
		{"a door in a door", packageInfo{"dockbell/web/oci", []string{"dockbell/web/portal"}}, "web/oci imports web/portal"},
		{"sideways", packageInfo{"dockbell/models/registry", []string{"dockbell/models/artifact"}}, "models/registry imports models/artifact"},
		{"a stray room", packageInfo{"dockbell/models/utils", nil}, "models/utils has no row"},
		{"echo in views", packageInfo{"dockbell/views/ui", []string{"github.com/labstack/echo/v4"}}, "views/ui hosts github.com/labstack/echo/v4"},
		{"a test client in the product", packageInfo{"dockbell/cmd/dockbell", []string{"github.com/google/go-containerregistry/pkg/crane"}}, "cmd/dockbell hosts"},
	} {
		got := inspect(plan, guests, []packageInfo{c.pkg})
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: got %q, want one line that begins with %q", c.name, got, c.want)
		}
	}
	upward := []room{{"models/fault", of("models/store")}, {"models/store", nil}}
	if got := inspect(upward, nil, nil); len(got) != 1 {
		t.Errorf("a row that names a row below it: got %q", got)
	}
	fine := []packageInfo{{"dockbell/web/oci", []string{"net/http", "dockbell/models/artifact", "golang.org/x/sync/errgroup"}}}
	if got := inspect(plan, guests, fine); len(got) != 0 {
		t.Errorf("a package as planned: got %q", got)
	}
}

// TestTopLevel keeps the house's front: nothing stands before the door but what a reader expects there.
func TestTopLevel(t *testing.T) {
	want := []string{"cmd", "models", "static", "views", "web", "go.mod", "go.sum", "LICENSE", "Makefile", "README.md"}
	made := []string{"bin", "data"} // by make build and make run, ignored by git
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' && !slices.Contains(want, name) && !slices.Contains(made, name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

const root = "../.."

// TestFileLength keeps files readable in one sitting.
func TestFileLength(t *testing.T) {
	const limit = 500
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && len(d.Name()) > 2 && d.Name()[0] == '.' && d.Name() != ".ci" {
			return filepath.SkipDir
		}
		ext := filepath.Ext(path)
		if ext != ".go" && ext != ".templ" || strings.HasSuffix(path, "_templ.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if n := strings.Count(string(text), "\n"); n > limit {
			t.Errorf("%s has %d lines; nothing has more than %d", path, n, limit)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
