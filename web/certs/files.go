package certs

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// Files is a certificate that somebody else renews, as two files of PEM. They are read again when they change.
type Files struct {
	cert, key string
	log       *slog.Logger

	mu   sync.Mutex
	pair *tls.Certificate
	seen [2]fs.FileInfo // of both files when they were last read, well or badly
}

// OpenFiles reads a certificate with the chain behind it, and its key.
func OpenFiles(cert, key string, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, log: log}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("the certificate of HTTPS cannot be used: %w", err)
	}
	return f, nil
}

// Config is for the listener.
func (f *Files) Config() *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current(), nil })
}

// Covers reports whether the certificate is for host.
func (f *Files) Covers(host string) bool {
	return f.current().Leaf.VerifyHostname(Bare(host)) == nil
}

// current is the certificate of the files as they are now. Of a renewal only half of which is written the old one stays.
func (f *Files) current() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed() {
		if err := f.read(); err != nil {
			f.log.Warn("the changed certificate cannot be used; the one before stays", "cert", f.cert, "key", f.key, "error", err.Error())
		} else {
			f.log.Info("certificate read again", "cert", f.cert, "ends", f.pair.Leaf.NotAfter)
		}
	}
	return f.pair
}

func (f *Files) changed() bool {
	now, err := f.look()
	if err != nil {
		return false // moved away for a moment, or for ever: there is nothing to read
	}
	for i, was := range f.seen {
		if was == nil || !os.SameFile(was, now[i]) || !was.ModTime().Equal(now[i].ModTime()) || was.Size() != now[i].Size() {
			return true
		}
	}
	return false
}

func (f *Files) look() (seen [2]fs.FileInfo, err error) {
	if seen[0], err = os.Stat(f.cert); err != nil {
		return seen, err
	}
	seen[1], err = os.Stat(f.key)
	return seen, err
}

// read looks before it reads: what changes in between is read once more.
func (f *Files) read() error {
	seen, err := f.look()
	if err != nil {
		return err
	}
	f.seen = seen
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.pair = &pair
	return nil
}
