package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dockbell/models/blobs"
	"dockbell/models/delivery"
	"dockbell/models/doctor"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/certs"
)

// sharedPoll is how long a dispatcher sleeps at most where other processes leave work that nobody wakes it for.
const sharedPoll = 5 * time.Second

// layers is where the bytes of the built-in registries are.
type layers interface {
	blobs.Store
	Free() int64 // bytes that are left; below 0: nobody knows
	Close() error
}

// openLayers opens the bucket, or the folder where there is none. hold keeps the other machines from a digest; nil where nobody removes any.
func openLayers(ctx context.Context, cfg Config, hold func(digest string) (unlock func())) (layers, error) {
	if cfg.Blobs == "" {
		files, err := blobs.OpenFiles(filepath.Join(cfg.Data, "blobs"))
		if err != nil {
			return nil, fmt.Errorf("the folder of the layers cannot be opened: %w", err)
		}
		return files, nil
	}
	bucket, err := blobs.OpenCloud(ctx, cfg.Blobs)
	if err != nil {
		return nil, badSetting{"DOCKBELL_BLOBS", cfg.Blobs, "cannot be used: " + err.Error()}
	}
	bucket.Shared = hold
	return bucket, nil
}

// share tells the other processes of the same PostgreSQL what happens here, and this one what happens there.
func (h *house) share(feed *delivery.Feed, log *slog.Logger) {
	h.relay = &delivery.Relay{Wire: h.db, Feed: feed, Wake: h.dispatcher.Wake, Outdated: h.db.Outdated, Log: log}
	feed.Outward = h.relay.Update
	h.dispatcher.Poll = sharedPoll
}

// wake says that there is work: here, and where others share it.
func (h *house) wake() {
	h.dispatcher.Wake()
	if h.relay != nil {
		h.relay.Work()
	}
}

// changed tells of webhooks that this process changed: what is claimed for them must be given back, here and elsewhere.
func (h *house) changed(of ...registry.Name) {
	h.dispatcher.Wake()
	if h.relay != nil {
		h.relay.Changed(of...)
	}
}

// join makes this process a member: others see it, and its IDs differ from theirs.
func (h *house) join(ctx context.Context, cfg Config, on net.Listener) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	place, err := placeOfLayers(cfg)
	if err != nil {
		return err
	}
	h.member = doctor.Member{
		ID: newID(), Host: host, Address: on.Addr().String(), PublicURL: h.site.public, Version: version, Blobs: place, Workers: cfg.Workers,
	}
	h.dataFolder = cfg.Data
	return h.joinAgain(ctx)
}

func (h *house) joinAgain(ctx context.Context) error {
	node, err := h.db.Join(ctx, h.state(ctx))
	if err != nil {
		return err
	}
	h.ids.SetNode(node)
	return h.divide(ctx)
}

// state is how this process is now.
func (h *house) state(ctx context.Context) doctor.Member {
	m := h.member
	m.Flying, m.Disk = h.dispatcher.Flying(), diskOf(h.dataFolder)
	if skew, err := h.db.Skew(ctx); err == nil {
		m.Skew = skew
	}
	return m
}

// beat says again and again that this process lives, until ctx ends; then it leaves.
func (h *house) beat(ctx context.Context, log *slog.Logger) {
	ticks := time.NewTicker(doctor.BeatEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := h.db.Leave(context.WithoutCancel(ctx), h.member.ID); err != nil {
				log.Warn("this server stays on the list for a while", "error", err.Error())
			}
			return
		case <-ticks.C:
		}
		err := h.db.Beat(ctx, h.state(ctx))
		if fault.Is(err, fault.NotFound) { // it was away for so long that it was forgotten
			err = h.joinAgain(ctx)
		}
		if err == nil {
			err = h.divide(ctx)
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("the other servers do not hear of this one", "error", err.Error())
		}
	}
}

// divide tells the dispatcher among how many the work is divided.
func (h *house) divide(ctx context.Context) error {
	members, err := h.db.Members(ctx)
	if err != nil {
		return err
	}
	alive := 0
	for _, m := range members {
		if m.Alive(h.db.Now()) {
			alive++
		}
	}
	h.dispatcher.Share(alive)
	return nil
}

// diskOf measures the disk on which a folder lies.
func diskOf(folder string) doctor.Disk {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return doctor.Disk{Free: -1}
	}
	return doctor.Disk{Free: int64(disk.Bavail) * int64(disk.Bsize), Size: int64(disk.Blocks) * int64(disk.Bsize)} //nolint:unconvert // the types differ by system
}

// placeOfLayers names the folder of layers so that two machines that share it name it alike, and others do not.
func placeOfLayers(cfg Config) (string, error) {
	if cfg.Blobs != "" {
		return cfg.Blobs, nil
	}
	mark := make([]byte, 4)
	rand.Read(mark) // never fails: crypto/rand ends the program instead
	file := filepath.Join(cfg.Data, "blobs", "place")
	if err := certs.WriteOnce(file, []byte(hex.EncodeToString(mark))); err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	return "folder " + string(text), err
}
