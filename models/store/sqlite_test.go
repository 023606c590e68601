package store_test

import (
	"bytes"
	"database/sql"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	old := syscall.Umask(0) // the widest: nothing but our own mode keeps the files private
	defer syscall.Umask(old)
	file := storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: file, Key: storetest.Key}) // it makes the file
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	addRegistry(t, db, acme("acmereg", registry.Premium))
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %04o, want 0600", name, mode)
		}
	}
}

func TestEveryConnectionIsSetUp(t *testing.T) {
	db := storetest.OpenWith(t, store.Options{DSN: t.TempDir() + "/odd ?name%23#.db"})
	pragma := func(tx *gorm.DB, name string) (value string) {
		if err := tx.Raw("pragma " + name).Scan(&value).Error; err != nil {
			t.Fatal(err)
		}
		return value
	}
	err := db.Write(t.Context(), func(tx *gorm.DB) error {
		for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0"} {
			if got := pragma(tx, name); got != want {
				t.Errorf("the writer has %s = %s, want %s", name, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "query_only": "1"} {
		if got := pragma(db.Read(t.Context()), name); got != want {
			t.Errorf("a reader has %s = %s, want %s", name, got, want)
		}
	}
	if err := put("x")(db.Read(t.Context())); err == nil {
		t.Error("a reader could write")
	}
}

// bytesOf gives everything that lies on disk of a SQLite database.
func bytesOf(t *testing.T, file string) []byte {
	t.Helper()
	var all []byte
	for _, name := range []string{file, file + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestSecretsAreNotOnDiskInClear(t *testing.T) {
	file := storetest.File(t)
	db := storetest.OpenWith(t, store.Options{DSN: file})
	addRegistry(t, db, acme("acmereg", registry.Premium))
	w := addWebhook(t, db, hookOf("acmereg", "controlname"))
	w.Headers[0].Value = "Bearer canary-second"
	if err := db.UpdateWebhook(t.Context(), w, 1); err != nil {
		t.Fatal(err)
	}
	disk := bytesOf(t, file)
	if !bytes.Contains(disk, []byte("controlname")) { // the control: what is not sealed is found this way
		t.Fatal("the search does not find what is stored in clear")
	}
	if i := bytes.Index(disk, []byte("canary")); i >= 0 {
		t.Errorf("a secret lies on disk in clear: …%q…", disk[max(0, i-20):min(len(disk), i+40)])
	}
	if got, err := db.Webhook(t.Context(), w.Registry, w.Name); err != nil || got.Headers[0].Value != "Bearer canary-second" {
		t.Errorf("and must be read back: %v, %v", got.Headers, err)
	}
}

func TestALockedDatabaseIsUnavailableAndThenFine(t *testing.T) {
	file := storetest.File(t)
	db := storetest.OpenWith(t, store.Options{DSN: file, Busy: 50 * time.Millisecond, Now: tick()})
	other, err := sql.Open("sqlite3", "file:"+file+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	err = db.AddRegistry(t.Context(), acme("acmereg", registry.Premium))
	if !fault.Is(err, fault.Unavailable) || fault.All(err)[0].Wait == 0 || fault.All(err)[0].Cause == nil {
		t.Errorf("a write to a locked database: %#v, want unavailable with a wait and its cause", err)
	}
	if err := db.Ping(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("ready while nothing can be written: %v", err)
	}
	if _, err := db.Registries(t.Context()); err != nil {
		t.Errorf("reading goes on meanwhile: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	addRegistry(t, db, acme("acmereg", registry.Premium))
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("not ready after the lock is gone: %v", err)
	}
}

// tick gives a clock on which every reading is a minute later, so that no success counts as fresh.
func tick() func() time.Time {
	now := noon
	return func() time.Time { now = now.Add(time.Minute); return now }
}

func TestAFullDiskIsUnavailableAndThenFine(t *testing.T) {
	db := storetest.Open(t)
	limit := func(pages int) {
		t.Helper()
		var got int
		err := db.Write(t.Context(), func(tx *gorm.DB) error {
			return tx.Raw("pragma max_page_count = " + strings.Repeat("9", pages)).Scan(&got).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // never below what the file has
	big := strings.Repeat("x", 1<<20)
	err := db.PutSetting(t.Context(), "big", big)
	if !fault.Is(err, fault.Unavailable) || fault.All(err)[0].Wait < time.Second {
		t.Errorf("a write to a full disk: %v, want unavailable with a wait", err)
	}
	limit(9)
	if err := db.PutSetting(t.Context(), "big", big); err != nil {
		t.Errorf("after space came back: %v", err)
	}
}

func TestPingSaysThatTheDatabaseIsClosed(t *testing.T) {
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Key: storetest.Key})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("open: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("closed: %v, want unavailable", err)
	}
}

func TestADatabaseThatCannotBeOpenedSaysWhy(t *testing.T) {
	folder := t.TempDir()
	if _, err := store.Open(t.Context(), store.Options{DSN: folder, Key: storetest.Key}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a folder: %v", err)
	}
	text := folder + "/notes.txt"
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: text, Key: storetest.Key}); err == nil {
		t.Error("a text file was opened as a database")
	}
	if b, _ := os.ReadFile(text); !bytes.HasPrefix(b, []byte("this is no database")) {
		t.Error("the text file was overwritten")
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: folder + "/new.db", Key: []byte("short")}); err == nil {
		t.Error("a short key was taken")
	}
}
