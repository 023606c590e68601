package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"dockbell/models/blobs"
	"dockbell/models/cleanup"
)

// drill is a back-up that is put back elsewhere.
type drill struct {
	name    string
	backup  []string // more arguments
	restore []string
}

// drills are a folder, a file and an encrypted file.
func drills(t *testing.T) []drill {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(t.TempDir(), "identity.txt")
	write(t, identity, key.String()+"\n")
	return []drill{
		{"folder", nil, nil}, {"copy.tar", nil, nil},
		{"copy.tar.age", []string{"--recipient", key.Recipient().String()}, []string{"--identity", identity}},
	}
}

// TestRestoreDrill backs up under load, kills the server, restores elsewhere and goes on there: whatever was acknowledged before
// the back-up began is inside and whole, and the webhooks ring again.
func TestRestoreDrill(t *testing.T) {
	for _, way := range drills(t) {
		t.Run(way.name, func(t *testing.T) {
			p := startProcess(t, filepath.Join(t.TempDir(), "data"))
			l := newLedger()
			l.subscribe(t, p)
			d := &driver{p: p, base: p.base, ledger: l}
			d.start(8)
			l.grows(t, 200)

			before := l.acknowledged()
			to := filepath.Join(t.TempDir(), way.name)
			out, stderr, code := run(t, append([]string{"backup", to, "--data", p.data}, way.backup...)...)
			if code != exitDone || !strings.Contains(out, "The key is not in it") {
				t.Fatalf("%d %s%s", code, out, stderr)
			}
			during := len(l.acknowledged()) - len(before)
			d.end()
			p.end(syscall.SIGKILL)
			private(t, to)

			data := filepath.Join(t.TempDir(), "elsewhere")
			out, stderr, code = run(t, append([]string{"restore", to, "--data", data}, way.restore...)...)
			if code != exitDone || !strings.Contains(out, "Put the key file") {
				t.Fatalf("%d %s%s", code, out, stderr)
			}
			if said := integrity(t, data); said != "ok" {
				t.Errorf("the database is not whole: %s", said)
			}
			key, err := os.ReadFile(filepath.Join(p.data, "key"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(data, "key"), string(key))
			if err := os.Chmod(filepath.Join(data, "key"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d pushes were acknowledged before the back-up, %d during it", len(before), during)

			again := &process{pusher: p.pusher, program: p.program, data: data}
			t.Cleanup(func() { again.end(os.Kill) })
			again.start()
			l.mu.Lock()
			l.acked = before
			l.mu.Unlock()
			again.readable(before)
			for n := range 5 { // and life goes on
				done := again.push("team/api", fmt.Sprint("after", n), fmt.Sprint("after", n)).wants(http.StatusCreated)
				l.acknowledge(fmt.Sprint("team/api:after", n), done.digest)
			}
			for _, fault := range l.quiet(time.Minute) {
				t.Error("I2:", fault)
			}
		})
	}
}

// private: a back-up holds what the data folder holds, so it is its owner's alone.
func private(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(at string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && openToOthers(info) {
			t.Errorf("%s has the mode %04o", at, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readable gets every image with every blob of its manifest.
func (p *process) readable(images map[string]string) {
	p.t.Helper()
	for image, digest := range images {
		repo, tag, _ := strings.Cut(image, ":")
		if got := p.held(repo, tag); got != digest {
			p.t.Errorf("I1: %s is %q, want %q", image, got, digest)
		}
		for _, blob := range []string{emptyConfig, repo + tag} { // as the driver pushes them
			status, err := p.send(http.MethodGet, p.base()+"/v2/"+repo+"/blobs/"+digestOf(blob), "", "")
			if err != nil || status != http.StatusOK {
				p.t.Errorf("a blob of %s is answered with %d, %v", image, status, err)
			}
		}
	}
}

// TestABackupBesideACollection: what a collection takes away while a back-up is made is still in it.
func TestABackupBesideACollection(t *testing.T) {
	p := startProcess(t, filepath.Join(t.TempDir(), "data"))
	for n := range 30 {
		p.push("team/api", fmt.Sprint("v", n), fmt.Sprint("layer", n)).wants(http.StatusCreated)
	}
	db := openData(t, p.data)
	files, err := blobs.OpenFiles(filepath.Join(p.data, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	later := func() time.Time { return time.Now().Add(48 * time.Hour) } // so that everything is old enough to go
	cleaner := &cleanup.Cleaner{Store: db, Blobs: files, Grace: cleanup.Grace, Now: later, NewID: newID, Log: slog.New(slog.DiscardHandler)}
	to := filepath.Join(t.TempDir(), "copy.tar")
	// The moment after the database was copied: half of the images are deleted, and the collection takes their layers.
	taken := 0
	source := backupOf(placed(p.data), files)
	copied := source.Snapshot
	source.Snapshot = func(ctx context.Context, into string) error {
		if err := copied(ctx, into); err != nil {
			return err
		}
		for n := range 15 {
			manifest := imageOf(fmt.Sprint("layer", n))
			if status, err := p.send(http.MethodDelete, p.base()+"/v2/team/api/manifests/"+digestOf(manifest), "", ""); err != nil || status != http.StatusAccepted {
				t.Fatalf("%d %v", status, err)
			}
		}
		r, err := cleaner.Collect(ctx)
		taken = r.Blobs
		return err
	}
	if _, err := source.ToFile(t.Context(), to, p.data, nil); err != nil {
		t.Fatal(err)
	}
	if taken != 15 {
		t.Fatalf("the collection took %d layers", taken)
	}
	data := filepath.Join(t.TempDir(), "elsewhere")
	if _, stderr, code := run(t, "restore", to, "--data", data); code != exitDone {
		t.Fatal(stderr)
	}
	restored, err := blobs.OpenFiles(filepath.Join(data, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for n := range 30 {
		if _, err := restored.Stat(t.Context(), digestOf(fmt.Sprint("layer", n))); err != nil {
			t.Errorf("a layer of the copied database: %v", err)
		}
	}
}

// TestBackupsRefuse: whatever is wrong is said in one line, and nothing is overwritten or half there.
func TestBackupsRefuse(t *testing.T) {
	h := startHouse(t)
	h.push("team/web:v1")
	h.stop()
	folder, tar := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "copy.tar")
	for _, to := range []string{folder, tar} {
		h.command("backup", to)
	}
	refused := func(want string, code int, args ...string) {
		t.Helper()
		_, stderr, got := run(t, args...)
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("dockbell %s: %d %s", strings.Join(args, " "), got, stderr)
		}
	}
	data := "--data=" + h.data
	refused("is there already", exitRefused, "backup", folder, data)
	refused("is there already", exitRefused, "backup", tar, data)
	refused("needs both", exitUsage, "backup", tar+".age", data)
	refused("needs both", exitUsage, "backup", folder+"2", data, "--recipient=age1x")
	refused("no age public key", exitUsage, "backup", folder+".age", data, "--recipient=age1x")
	refused("There is no database", exitNotFound, "backup", folder+"2", "--data="+t.TempDir())
	refused("pg_dump", exitUsage, "backup", folder+"2", data, "--database=postgres://u:canary@h/d")
	refused("pg_restore", exitUsage, "restore", folder, data, "--database=postgres://u:canary@h/d")
	refused("There is a database", exitRefused, "restore", folder, data)
	empty := func() string { return "--data=" + filepath.Join(t.TempDir(), "data") }
	refused("There is no back-up", exitNotFound, "restore", folder+"3", empty())

	// A back-up that lacks something, or holds something else, is not restored.
	for name, harm := range map[string]func(string){
		"without its end":   func(at string) { remove(t, filepath.Join(at, "backup.json")) },
		"without a layer":   func(at string) { remove(t, filepath.Join(at, aBlob(t, at))) },
		"without database":  func(at string) { remove(t, filepath.Join(at, "dockbell.db")) },
		"with another file": func(at string) { write(t, filepath.Join(at, "notes.txt"), "x") },
		"with a damaged layer": func(at string) {
			blob := filepath.Join(at, aBlob(t, at))
			remove(t, blob)
			write(t, blob, "other bytes")
		},
		"with a damaged database": func(at string) {
			remove(t, filepath.Join(at, "dockbell.db"))
			write(t, filepath.Join(at, "dockbell.db"), strings.Repeat("no database ", 1000))
		},
	} {
		at, to := filepath.Join(t.TempDir(), "harmed"), empty()
		h.command("backup", at)
		harm(at)
		if _, stderr, code := run(t, "restore", at, to); code == exitDone {
			t.Errorf("a back-up %s is restored: %s", name, stderr)
		}
		if _, err := os.Stat(filepath.Join(strings.TrimPrefix(to, "--data="), "dockbell.db")); err == nil {
			t.Errorf("a back-up %s leaves a database", name)
		}
	}
	whole, err := os.ReadFile(tar)
	if err != nil {
		t.Fatal(err)
	}
	write(t, tar+".cut.tar", string(whole[:len(whole)/2]))
	refused("Nothing was restored", exitUsage, "restore", tar+".cut.tar", empty())

	// The key of another installation is told at once.
	to := empty()
	other := startHouse(t)
	other.stop()
	key, err := os.ReadFile(filepath.Join(other.data, "key"))
	if err != nil {
		t.Fatal(err)
	}
	place := strings.TrimPrefix(to, "--data=")
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("The key does not fit", exitRefused, "restore", tar, to)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// aBlob is the place of one of the layers in a back-up.
func aBlob(t *testing.T, at string) (place string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(at, "blobs", "sha256", "*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	place, err = filepath.Rel(at, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return place
}
