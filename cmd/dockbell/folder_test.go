package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// placed are settings with everything in one folder, which need not exist.
func placed(data string) Config {
	return Config{Data: data, Database: DSN(filepath.Join(data, "dockbell.db")), KeyFile: filepath.Join(data, "key")}
}

func TestFolderIsPrivate(t *testing.T) {
	for name, prepare := range map[string]func(string) error{
		"missing":        func(string) error { return nil },
		"empty and open": func(d string) error { return os.MkdirAll(d, 0o755) },
		"ours and open": func(d string) error {
			return ignore(os.MkdirAll(d, 0o755), os.WriteFile(filepath.Join(d, "key"), make([]byte, keyBytes), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := placed(filepath.Join(t.TempDir(), "a", "data"))
			if err := prepare(cfg.Data); err != nil {
				t.Fatal(err)
			}
			if err := prepareFolder(cfg); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(cfg.Data); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
		})
	}
}

func ignore(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestFolderOfOthers: a folder that is somebody else's keeps its mode.
func TestFolderOfOthers(t *testing.T) {
	cfg := placed(t.TempDir())
	if err := ignore(os.Chmod(cfg.Data, 0o755), os.WriteFile(filepath.Join(cfg.Data, "thesis.txt"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := prepareFolder(cfg); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("got %v", err)
	}
	if info, _ := os.Stat(cfg.Data); info.Mode().Perm() != 0o755 {
		t.Errorf("the mode became %v", info.Mode())
	}
}

func TestReadableFilesAreRefused(t *testing.T) {
	for _, name := range []string{"key", "dockbell.db", "dockbell.db-wal", "dockbell.db-shm"} {
		for _, mode := range []os.FileMode{0o604, 0o640, 0o666} {
			cfg := placed(t.TempDir())
			path := filepath.Join(cfg.Data, name)
			if err := ignore(os.WriteFile(filepath.Join(cfg.Data, "key"), nil, 0o600), os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
			if err := prepareFolder(cfg); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
				t.Errorf("%s with mode %v: %v", name, mode, err)
			}
		}
	}
}

func TestKey(t *testing.T) {
	cfg := placed(t.TempDir())
	first, err := loadKey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadKey(cfg)
	if err != nil || len(first) != keyBytes || !bytes.Equal(first, second) || bytes.Equal(first, make([]byte, keyBytes)) {
		t.Errorf("%v: %x then %x", err, first, second)
	}
	if info, _ := os.Stat(cfg.KeyFile); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := os.ReadDir(cfg.Data); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	write(t, cfg.KeyFile, "short")
	if _, err := loadKey(cfg); err == nil {
		t.Error("a key of 5 bytes was taken")
	}
}

// TestKeyIsMissed: a new key beside an old database would make its secrets unreadable for ever.
func TestKeyIsMissed(t *testing.T) {
	cfg := placed(t.TempDir())
	write(t, string(cfg.Database), "x")
	if _, err := loadKey(cfg); err == nil || !strings.Contains(err.Error(), "put the key back") {
		t.Errorf("got %v", err)
	}
}

func TestLock(t *testing.T) {
	cfg := placed(t.TempDir())
	unlock, err := lockDatabase(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDatabase(cfg); err == nil || !strings.Contains(err.Error(), "another Dockbell is serving") {
		t.Errorf("the second one: %v", err)
	}
	unlock()
	again, err := lockDatabase(cfg)
	if err != nil {
		t.Fatalf("after the first one ended: %v", err)
	}
	again()
}
