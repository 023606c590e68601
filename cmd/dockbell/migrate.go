package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dockbell/models/store"
)

func migrateCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "migrate --to postgres://...",
		Short: "Move a SQLite installation with its whole history into PostgreSQL",
		Long: "Copies everything that the SQLite file of the data folder holds into an empty PostgreSQL database, then reads both sides and compares the rows of every table: their number and a sum over all that they hold. " +
			"The server must be stopped. The file stays as it is, and the new database does not open before all of it is there and the same: a move that was broken off goes on when the command is repeated.\n\n" +
			"Layers are not moved: they stay where they are. The key stays too; every server that uses the new database needs it.",
		Example: "  dockbell migrate --to postgres://dockbell@db.example.com/dockbell\n" +
			"  dockbell migrate --data /var/lib/dockbell --to 'postgres://dockbell:PASSWORD@db/dockbell?sslmode=verify-full'",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			return migrate(c.Context(), cfg, DSN(to), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&to, "to", "", "address of an empty PostgreSQL database")
	required(c, "to")
	addPlace(c)
	return c
}

func migrate(ctx context.Context, cfg Config, to DSN, out, progress io.Writer) error {
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
	moved, err := store.Move{From: string(cfg.Database), To: string(to), Key: key, Progress: shownProgress(progress)}.Run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(errors.New("the move was broken off: repeat the command to go on"), err)
		}
		return err
	}
	if moved.Before {
		fmt.Fprintf(out, "It was moved before. %d rows of %d tables are the same on both sides.\n", moved.Rows, moved.Tables)
	} else {
		fmt.Fprintf(out, "%d rows of %d tables were moved, and are the same on both sides.\n", moved.Rows, moved.Tables)
	}
	fmt.Fprintf(out, "Start the servers with DOCKBELL_DATABASE=%s and the key %s.\nThe layers stay in %s.\n", to, cfg.KeyFile, cmp.Or(cfg.Blobs, filepath.Join(cfg.Data, "blobs")))
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
