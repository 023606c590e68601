package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"dockbell/web/certs"
)

// keyBytes is the length of the key that seals stored secrets.
const keyBytes = 32

// prepareFolder makes the data folder for its owner alone and refuses files that others can read.
func prepareFolder(cfg Config) error {
	if err := makePrivate(cfg.Data); err != nil {
		return err
	}
	guarded := []string{cfg.KeyFile, filepath.Join(cfg.Data, "ca.key")}
	if !cfg.Database.Postgres() {
		file := string(cfg.Database)
		guarded = append(guarded, file, file+"-wal", file+"-shm")
	}
	for _, path := range guarded {
		if err := refuseReadable(path); err != nil {
			return err
		}
	}
	return nil
}

// makePrivate makes a folder with mode 0700. An existing one is narrowed when it is empty or ours; anything else might be
// somebody's home or the root of a disk, where a change of mode does harm.
func makePrivate(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !openToOthers(info) {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, "key")); err != nil && len(entries) > 0 {
		return fmt.Errorf("the data folder %s holds other files and is open to others (mode %04o): choose an empty folder, or run chmod 700 %[1]s", path, info.Mode().Perm())
	}
	return os.Chmod(path, 0o700) //nolint:gosec // a folder needs the search bit
}

func refuseReadable(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if openToOthers(info) {
		return fmt.Errorf("%s can be read by others (mode %04o) and holds secrets: run chmod 600 %[1]s", path, info.Mode().Perm())
	}
	return nil
}

func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// loadKey reads the key that seals stored secrets and makes it at the first start.
func loadKey(cfg Config) ([]byte, error) {
	key, err := os.ReadFile(cfg.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(cfg); err != nil {
			return nil, err
		}
		key, err = os.ReadFile(cfg.KeyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("the key cannot be read: %w", err)
	}
	if len(key) != keyBytes {
		return nil, fmt.Errorf("the key file %s has %d bytes and not %d: it is not the key of this Dockbell", cfg.KeyFile, len(key), keyBytes)
	}
	return key, nil
}

// makeKey writes a new key.
func makeKey(cfg Config) error {
	if _, err := os.Stat(string(cfg.Database)); err == nil && !cfg.Database.Postgres() {
		return fmt.Errorf("the database %s is there and its key file %s is not: put the key back, or start with an empty data folder", cfg.Database, cfg.KeyFile)
	}
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	if err := certs.WriteOnce(cfg.KeyFile, key); err != nil {
		return fmt.Errorf("the key file cannot be made: %w", err)
	}
	return nil
}

// takeFolder prepares the data folder for one program alone, until release is called.
func takeFolder(cfg Config) (release func(), err error) {
	if err := prepareFolder(cfg); err != nil {
		return nil, err
	}
	return lockDatabase(cfg)
}

// lockDatabase keeps a second server off the same SQLite file; the lock ends with the process, however it ends.
func lockDatabase(cfg Config) (unlock func(), err error) {
	if cfg.Database.Postgres() {
		return func() {}, nil
	}
	f, err := os.OpenFile(string(cfg.Database)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the database cannot be locked: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another Dockbell is serving %s: stop it first, or use another data folder (several servers share a postgres:// database)", cfg.Database)
		}
		return nil, fmt.Errorf("the database cannot be locked: %w", err)
	}
	return func() { f.Close() }, nil
}
