package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dockbell/models/store"
)

func migrateCommand() *cobra.Command {
	var to, layers string
	c := &cobra.Command{
		Use:   "migrate [--to postgres://...] [--blobs BUCKET|folder]",
		Short: "Move an installation into PostgreSQL, or its layers to another place",
		Long: "--to copies everything that the SQLite file of the data folder holds into an empty PostgreSQL database, then reads both sides and compares the rows of every table: their number and a sum over all that they hold. " +
			"The server must be stopped. The file stays as it is, and the new database does not open before all of it is there and the same: a move that was broken off goes on when the command is repeated.\n\n" +
			"The key stays; every server that uses the new database needs it. So do the layers, unless --blobs is given: it copies them from where they are (the folder of the data, or the bucket of DOCKBELL_BLOBS) " +
			"into a bucket or into the folder, and reads every one back and compares it with its digest. The old place stays as it is. Repeated, it copies what is not there yet.",
		Example: "  dockbell migrate --to postgres://dockbell@db.example.com/dockbell\n" +
			"  dockbell migrate --blobs 's3://layers?region=eu-central-1'\n" +
			"  DOCKBELL_BLOBS='s3://layers?region=eu-central-1' dockbell migrate --blobs folder\n" +
			"  dockbell migrate --data /var/lib/dockbell --to 'postgres://dockbell:PASSWORD@db/dockbell?sslmode=verify-full'",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			if to == "" && layers == "" {
				return usage("say what to move: --to postgres://... for the database, --blobs for the layers")
			}
			m, err := newMigration(c, cfg, layers)
			if err != nil {
				return err
			}
			if to != "" {
				if err := m.database(c.Context(), DSN(to)); err != nil || layers == "" {
					return err
				}
			}
			return m.blobs(c.Context())
		},
	}
	c.Flags().StringVar(&to, "to", "", "address of an empty PostgreSQL database")
	c.Flags().StringVar(&layers, "blobs", "", "where the layers go: a bucket such as s3://name, or \"folder\" for the folder of the data")
	addPlace(c)
	return c
}

// migration is what one command moves.
type migration struct {
	cfg    Config
	layers string // where they go: a bucket, folderWord, or empty
	out    io.Writer
	told   io.Writer // how far it is
	log    *slog.Logger
}

func newMigration(c *cobra.Command, cfg Config, layers string) (*migration, error) {
	m := &migration{cfg, layers, c.OutOrStdout(), c.ErrOrStderr(), newLog(c.ErrOrStderr(), cfg.Log)}
	err := m.checkLayers()
	return m, err
}

func (m *migration) database(ctx context.Context, to DSN) error {
	cfg := m.cfg
	switch {
	case cfg.Database.Postgres():
		return usage("the installation is in PostgreSQL already: %s", cfg.Database)
	case !to.Postgres():
		return usage("--to needs a postgres:// address, and not %s", to)
	}
	if _, err := os.Stat(string(cfg.Database)); err != nil {
		return fmt.Errorf("there is no database at %s: name the data folder of your server with --data", cfg.Database)
	}
	unlock, err := takeFolder(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	key, err := loadKey(cfg)
	if err != nil {
		return err
	}
	moved, err := store.Move{From: string(cfg.Database), To: string(to), Key: key, Progress: shownProgress(m.told)}.Run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(errors.New("the move was broken off: repeat the command to go on"), err)
		}
		return err
	}
	if moved.Before {
		fmt.Fprintf(m.out, "It was moved before. %d rows of %d tables are the same on both sides.\n", moved.Rows, moved.Tables)
	} else {
		fmt.Fprintf(m.out, "%d rows of %d tables were moved, and are the same on both sides.\n", moved.Rows, moved.Tables)
	}
	fmt.Fprintf(m.out, "Start the servers with DOCKBELL_DATABASE=%s and the key %s.\n", to, cfg.KeyFile)
	if m.layers == "" {
		fmt.Fprintf(m.out, "The layers stay in %s.\n", cmp.Or(cfg.Blobs, filepath.Join(cfg.Data, "blobs")))
	}
	return nil
}

// shownProgress writes a line per table, and one for every tenth of a large one.
func shownProgress(w io.Writer) func(table string, done, all int64) {
	told := map[string]int64{}
	return func(table string, done, all int64) {
		if tenth := done * 10 / max(all, 1); done >= all || tenth > told[table] {
			told[table] = tenth
			fmt.Fprintf(w, "%s: %d of %d\n", table, done, all)
		}
	}
}
