package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"dockbell/models/backup"
	"dockbell/models/fault"
	"dockbell/models/store"
)

func backupCommand() *cobra.Command {
	var recipients []string
	var earlier string
	c := &cobra.Command{
		Use:   "backup FILE|FOLDER",
		Short: "Copy the database and the layers, while the server runs",
		Long: "Copies the database as it is at one moment, and the layers that it refers to. A name that ends in .tar or .age is one file, anything else a folder. " +
			"In a folder on the disk of the data the layers take no room: they are second names of the same bytes. Those of a bucket are copied out of it, " +
			"but for what --reuse finds in an earlier back-up beside the new one. With --recipient the file is encrypted for an age key.\n\n" +
			"The key that opens the stored secrets is not copied: keep it in another place than the back-up.",
		Example: "  dockbell backup /mnt/backup/dockbell-2026-11-25\n" +
			"  dockbell backup /mnt/backup/dockbell-2026-11-26 --reuse /mnt/backup/dockbell-2026-11-25\n" +
			"  dockbell backup dockbell.tar --data /var/lib/dockbell\n" +
			"  dockbell backup dockbell.tar.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return makeBackup(c, args[0], earlier, recipients) },
	}
	c.Flags().StringArrayVar(&recipients, "recipient", nil, "age public key that can open the file; may be given several times")
	c.Flags().StringVar(&earlier, "reuse", "", "folder of an earlier back-up on the same disk: its layers are not copied again")
	addPlace(c)
	addSettings(c, "blobs")
	return c
}

func makeBackup(c *cobra.Command, to, earlier string, recipients []string) error {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	keys, err := ageRecipients(to, recipients)
	if err != nil {
		return err
	}
	if earlier != "" && isFile(to) {
		return usage("--reuse is for back-ups in a folder: a file holds all of its layers")
	}
	if cfg.Database.Postgres() {
		return fault.New(fault.Invalid, "The database is a PostgreSQL server, which makes its own back-ups: run pg_dump --format=custom, and copy %s after it and the key %s to another place. The README says how under Back-up.",
			nameOfLayers(cfg), cfg.KeyFile)
	}
	if _, err := os.Stat(string(cfg.Database)); err != nil {
		return fault.New(fault.NotFound, "There is no database at %s. Name the data folder of your server with --data.", cfg.Database)
	}
	if err := prepareFolder(cfg); err != nil {
		return err
	}
	from, err := openLayers(c.Context(), cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was read alone
	shown := newProgress(c)
	source := backupOf(cfg, from)
	source.Told = func(n int) { shown.say("%d layers copied", n) }
	var made backup.Contents
	if isFile(to) {
		made, err = source.ToFile(c.Context(), to, cfg.Data, keys)
	} else {
		made, err = source.ToFolder(c.Context(), to, earlier)
	}
	shown.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "The database and %d layers (%d bytes) are in %s, as they were at %s.\n", made.Blobs, made.Bytes, to, made.Made.Format(time.RFC3339))
	fmt.Fprintf(c.OutOrStdout(), "The key is not in it. Keep a copy of %s in another place: without it nobody can read the addresses, headers and secrets of the webhooks in this back-up.\n", cfg.KeyFile)
	return nil
}

// backupOf is what an installation holds.
func backupOf(cfg Config, from backup.Blobs) backup.Source {
	return backup.Source{
		Blobs: from, Version: version, Now: time.Now, Needed: store.Needed,
		Snapshot: func(ctx context.Context, into string) error { return store.Snapshot(ctx, string(cfg.Database), into) },
	}
}

// isFile reports whether a back-up of this name is one file.
func isFile(name string) bool {
	return strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".age")
}

// ageRecipients reads the keys for which a back-up is encrypted, and refuses a name that says something else.
func ageRecipients(to string, texts []string) ([]age.Recipient, error) {
	if encrypted := strings.HasSuffix(to, ".age"); encrypted != (len(texts) > 0) {
		return nil, usage("an encrypted back-up needs both: a name that ends in .age, and --recipient with an age public key")
	}
	var all []age.Recipient
	for _, text := range texts {
		found, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, usage("--recipient %s is no age public key such as age1...", text)
		}
		all = append(all, found...)
	}
	return all, nil
}
