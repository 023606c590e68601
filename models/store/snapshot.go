package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"dockbell/models/fault"
)

// Snapshot copies a SQLite database as it is at one moment into a new file, also while a server writes to it: a copy of the file
// alone would lack what stands in its log. It waits for nobody and holds nobody up.
func Snapshot(ctx context.Context, file, into string) error {
	if err := makePrivateFile(into); err != nil {
		return err
	}
	err := withFile(file, func(conn *sql.DB) error {
		_, err := conn.ExecContext(ctx, "vacuum into ?", into)
		return err
	})
	if err != nil {
		return fault.New(fault.Unavailable, "The database %s cannot be copied to %s.", file, into).Because(err)
	}
	return syncAll(into, filepath.Dir(into))
}

func syncAll(paths ...string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Whole refuses a SQLite file that is damaged, or no database of Dockbell.
func Whole(ctx context.Context, file string) error {
	var said string
	err := withFile(file, func(conn *sql.DB) error {
		if err := conn.QueryRowContext(ctx, "select count(*) from registries").Scan(new(int)); err != nil {
			return err
		}
		return conn.QueryRowContext(ctx, "pragma integrity_check").Scan(&said)
	})
	if err != nil {
		return fault.New(fault.Invalid, "%s is no database of Dockbell.", file).Because(err)
	}
	if said != "ok" {
		return fault.New(fault.Invalid, "The database %s is damaged: %s.", file, said)
	}
	return nil
}

// NeededBlobs gives the digests that the registries refer to.
func (db *DB) NeededBlobs(ctx context.Context) (digests []string, err error) {
	err = db.read(ctx).Raw("select distinct digest from blob_links order by digest").Scan(&digests).Error
	return digests, translate(err)
}

// Needed gives the digests of the layers that belong to a repository in a SQLite file.
func Needed(ctx context.Context, file string) (digests []string, err error) {
	err = withFile(file, func(conn *sql.DB) error {
		rows, err := conn.QueryContext(ctx, "select distinct digest from blob_links")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // its error is that of rows.Err
		for rows.Next() {
			var digest string
			if err := rows.Scan(&digest); err != nil {
				return err
			}
			digests = append(digests, digest)
		}
		return rows.Err()
	})
	return digests, err
}

// withFile opens a SQLite file that is there, as it is, for a moment.
func withFile(file string, work func(*sql.DB) error) error {
	conn, err := sql.Open("sqlite3", fileURI(file, url.Values{"mode": {"rw"}, "_busy_timeout": {"5000"}}))
	if err != nil {
		return err
	}
	conn.SetMaxOpenConns(1)
	return errors.Join(work(conn), conn.Close())
}
