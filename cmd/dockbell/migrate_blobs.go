package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dockbell/models/blobs"
	"dockbell/models/fault"
	"dockbell/models/store"
)

// folderWord says that layers go into the folder of the data.
const folderWord = "folder"

// checkLayers refuses a place that the layers cannot go to.
func (m *migration) checkLayers() error {
	scheme, _, isURL := strings.Cut(m.layers, "://")
	switch {
	case m.layers == "":
	case m.layers == folderWord && m.cfg.Blobs == "":
		return usage("the layers are in the folder of the data already: set DOCKBELL_BLOBS to the bucket that they are to come from")
	case m.layers == m.cfg.Blobs:
		return usage("the layers are in %s already", m.layers)
	case m.layers != folderWord && (!isURL || !slices.Contains(blobs.Schemes, scheme)):
		return usage("--blobs takes the address of a bucket, such as s3://name, or the word %s, and not %s", folderWord, m.layers)
	}
	return nil
}

// blobs moves the layers while no server runs, and wants every layer that the registry refers to at the new place.
func (m *migration) blobs(ctx context.Context) error {
	if _, err := os.Stat(string(m.cfg.Database)); err != nil && !m.cfg.Database.Postgres() {
		return fmt.Errorf("there is no database at %s: name the data folder of your server with --data", m.cfg.Database)
	}
	unlock, err := takeFolder(m.cfg)
	if err != nil {
		return err
	}
	defer unlock()
	key, err := loadKey(m.cfg)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, m.cfg, key, m.log)
	if err != nil {
		return err
	}
	return errors.Join(m.moveLayers(ctx, db), db.Close())
}

func (m *migration) moveLayers(ctx context.Context, db *store.DB) error {
	if m.cfg.Database.Postgres() { // with SQLite nobody has the folder but we
		if err := nobodyServes(ctx, db); err != nil {
			return err
		}
	}
	goal := m.cfg
	if goal.Blobs = m.layers; m.layers == folderWord {
		goal.Blobs = ""
	}
	from, err := openLayers(ctx, m.cfg, db.Hold)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was read alone
	to, err := openLayers(ctx, goal, db.Hold)
	if err != nil {
		return err
	}
	show := shownProgress(m.told)
	moved, err := blobs.Move(ctx, from, to, func(n int) {
		if n%100 == 0 {
			show("layers", int64(n), int64(n))
		}
	})
	if err == nil {
		err = wanted(ctx, db, to)
	}
	if err := errors.Join(err, to.Close()); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(errors.New("the move was broken off: repeat the command to go on"), err)
		}
		return err
	}
	fmt.Fprintf(m.out, "%d layers (%d bytes) are in %s, each read back and compared with its digest; %d were there before.\n", moved.Blobs, moved.Bytes, nameOfLayers(goal), moved.Before)
	start := "with DOCKBELL_BLOBS=" + goal.Blobs
	if goal.Blobs == "" {
		start = "without DOCKBELL_BLOBS"
	}
	fmt.Fprintf(m.out, "Start the servers %s. What is in %s is not needed any more; uploads that were not complete have to begin anew.\n", start, nameOfLayers(m.cfg))
	return nil
}

// nobodyServes refuses to go on beside a server of the same database: it would go on storing layers at the old place.
func nobodyServes(ctx context.Context, db *store.DB) error {
	members, err := db.Members(ctx)
	if err != nil {
		return err
	}
	for _, member := range members {
		if member.Alive(db.Now()) {
			return fault.New(fault.Conflict, "The server on %s at %s is running, or was until a moment ago. Stop every server of this database, and wait half a minute when one did not end by itself.", member.Host, member.Address)
		}
	}
	return nil
}

// wanted says which layers the registry refers to and nobody has.
func wanted(ctx context.Context, db *store.DB, in blobs.Blobs) error {
	digests, err := db.NeededBlobs(ctx)
	if err != nil {
		return err
	}
	n, first := 0, ""
	for _, digest := range digests {
		_, err := in.Stat(ctx, digest)
		switch {
		case fault.Is(err, fault.NotFound):
			n++
			first = digest
		case err != nil:
			return err
		}
	}
	if n > 0 {
		return fault.New(fault.Internal, "Everything was moved, but the registry had lost %d of its layers before, such as %s: push their images again.", n, first)
	}
	return nil
}

func nameOfLayers(cfg Config) string {
	if cfg.Blobs != "" {
		return cfg.Blobs
	}
	return filepath.Join(cfg.Data, "blobs")
}
