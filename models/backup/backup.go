// Package backup copies a running Dockbell to a folder or into one file, and puts such a copy back.
package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/failpoint"
	"dockbell/models/fault"
)

// What a back-up holds, by the names that a data folder gives it too. contents comes last: without it a back-up is not complete.
const (
	database = "dockbell.db"
	layers   = "blobs"
	contents = "backup.json"
)

// Contents describe a complete back-up.
type Contents struct {
	Version string    `json:"version"` // of the Dockbell that made it
	Made    time.Time `json:"made"`    // whatever was acknowledged before is inside
	Blobs   int       `json:"blobs"`
	Bytes   int64     `json:"bytes"` // of the blobs
}

// Blobs is what a back-up reads of the layers.
type Blobs interface {
	Each(ctx context.Context, visit func(digests []string) error) error
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
}

// linker is Blobs on a disk.
type linker interface {
	Link(digest, to string) error // makes a second name of the same bytes, where the disk can
}

// Source is what is copied.
type Source struct {
	Blobs    Blobs
	Snapshot func(ctx context.Context, into string) error                 // copies the database as it is at one moment
	Needed   func(ctx context.Context, database string) ([]string, error) // digests that a database refers to
	Version  string
	Now      func() time.Time
	Told     func(blobs int) // hears how far it is; may be nil
}

// target takes a back-up.
type target interface {
	blob(name, digest string, from Blobs, open func() (io.ReadSeekCloser, error)) (size int64, err error)
	snapshotAt() string            // where the copy of the database is made
	database() error               // takes it from there
	seal(description []byte) error // nothing follows
	abandon()
}

// write copies everything. The layers come first, then the database, then the layers that were pushed meanwhile: what a clean-up
// takes away after the database was copied is there already, and it takes nothing that is new.
func (s Source) write(ctx context.Context, to target) (c Contents, err error) {
	defer func() {
		if err != nil {
			to.abandon()
		}
	}()
	c = Contents{Version: s.Version, Made: s.Now().UTC()}
	have := map[string]bool{}
	if err := s.copyBlobs(ctx, to, have, &c); err != nil {
		return c, err
	}
	if err := s.Snapshot(ctx, to.snapshotAt()); err != nil {
		return c, err
	}
	failpoint.Hit(failpoint.BackingUp)
	if err := s.copyBlobs(ctx, to, have, &c); err != nil {
		return c, err
	}
	needed, err := s.Needed(ctx, to.snapshotAt())
	if err != nil {
		return c, err
	}
	if err := to.database(); err != nil {
		return c, err
	}
	description, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return c, err
	}
	if err := to.seal(append(description, '\n')); err != nil {
		return c, err
	}
	return c, missing(needed, have)
}

// missing says which layers the registry itself has lost; the back-up is as complete as it can be.
func missing(needed []string, have map[string]bool) error {
	n, first := 0, ""
	for _, digest := range needed {
		if !have[digest] {
			n++
			first = digest
		}
	}
	if n == 0 {
		return nil
	}
	return fault.New(fault.Internal, "The back-up is written, but the registry has lost %d of its layers, such as %s: push their images again.", n, first)
}

// copyBlobs copies the blobs that are not there yet; one that is removed meanwhile nobody needs.
func (s Source) copyBlobs(ctx context.Context, to target, have map[string]bool, c *Contents) error {
	return s.Blobs.Each(ctx, func(digests []string) error {
		for _, digest := range digests {
			if have[digest] {
				continue
			}
			size, err := to.blob(nameOf(digest), digest, s.Blobs, func() (io.ReadSeekCloser, error) { return s.Blobs.Open(ctx, digest) })
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			have[digest] = true
			c.Blobs++
			c.Bytes += size
			if s.Told != nil {
				s.Told(c.Blobs)
			}
		}
		return nil
	})
}

// nameOf is where a blob lies in a back-up, as in the data folder.
func nameOf(digest string) string {
	algorithm := artifact.AlgorithmOf(digest)
	text := digest[len(algorithm)+1:]
	return path.Join(layers, algorithm, text[:2], text)
}

// digestOf reads the digest out of a blob's place in a back-up; false for anything else.
func digestOf(name string) (string, bool) {
	folder, text := path.Split(name)
	algorithm := path.Base(path.Dir(path.Clean(folder)))
	digest, err := artifact.ParseDigest(algorithm + ":" + text)
	if err != nil || nameOf(digest) != name {
		return "", false
	}
	return digest, true
}

// there refuses a place that is taken.
func there(where string) error {
	return fault.New(fault.Conflict, "%s is there already. Choose a new name: a back-up overwrites nothing.", where)
}

func notWritten(err error) error { return fmt.Errorf("the back-up cannot be written: %w", err) }
