package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"dockbell/models/backup"
	"dockbell/models/fault"
	"dockbell/models/store"
)

func restoreCommand() *cobra.Command {
	var identity string
	c := &cobra.Command{
		Use:   "restore FILE|FOLDER",
		Short: "Put a back-up into an empty data folder",
		Long: "Puts the database of a back-up into a data folder that has none, and its layers there or, with DOCKBELL_BLOBS, into the bucket, and checks both. Put the key file of the back-up's server there too, before or after. " +
			"Stop the old server for good before you start the restored one: both would call the webhooks for what was waiting.",
		Example: "  dockbell restore /mnt/backup/dockbell-2026-11-25 --data /var/lib/dockbell\n" +
			"  dockbell restore dockbell.tar.age --identity age-key.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return restore(c, args[0], identity) },
	}
	c.Flags().StringVar(&identity, "identity", "", "file with the age identity that opens an encrypted back-up")
	addPlace(c)
	addSettings(c, "blobs")
	return c
}

func restore(c *cobra.Command, from, identity string) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	keys, err := ageIdentities(identity)
	if err != nil {
		return err
	}
	if cfg.Database.Postgres() {
		return fault.New(fault.Invalid, "The database is a PostgreSQL server: restore it with pg_restore, and copy the layers to %s. The README says how under Back-up.", nameOfLayers(cfg))
	}
	unlock, err := takeFolder(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	if exists(string(cfg.Database)) {
		return fault.New(fault.Conflict, "There is a database at %s already. Restore into an empty data folder: nothing is overwritten.", cfg.Database)
	}
	made, err := putBack(c, cfg, from, keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "The database is back in %s and %d layers in %s, as they were at %s.\n", cfg.Data, made.Blobs, nameOfLayers(cfg), made.Made.Format(time.RFC3339))
	return tryKey(c, cfg)
}

func putBack(c *cobra.Command, cfg Config, from string, keys []age.Identity) (backup.Contents, error) {
	into, err := openLayers(c.Context(), cfg, nil)
	if err != nil {
		return backup.Contents{}, err
	}
	defer func() { _ = into.Close() }() // nothing is written through it that is not synced
	shown := newProgress(c)
	defer shown.done()
	to := backup.Destination{Blobs: into, Database: string(cfg.Database), Check: store.Whole, Told: func(n int) { shown.say("%d layers are back", n) }}
	if cfg.Blobs != "" { // what is under a digest in a bucket is whole
		to.There = into.Stat
	}
	return to.From(c.Context(), from, keys)
}

// tryKey opens what was restored with its key, if it is there.
func tryKey(c *cobra.Command, cfg Config) error {
	if !exists(cfg.KeyFile) {
		fmt.Fprintf(c.OutOrStdout(), "Put the key file of the server that was backed up to %s before you start: the server does not start without it.\n", cfg.KeyFile)
		return nil
	}
	key, err := loadKey(cfg)
	if err != nil {
		return err
	}
	db, err := openStore(c.Context(), cfg, key, newLog(c.ErrOrStderr(), cfg.Log))
	if err != nil {
		return err
	}
	return db.Close()
}

func ageIdentities(file string) ([]age.Identity, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "The identity cannot be read: %v.", err)
	}
	keys, err := age.ParseIdentities(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, usage("--identity %s holds no age identity: %v", file, err)
	}
	return keys, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
