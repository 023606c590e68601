package store

import (
	"context"
	"embed"
	"errors"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"

	"dockbell/models/failpoint"
	"dockbell/models/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date, each file in a transaction of its own. Of several processes that start together on
// one PostgreSQL, one migrates and the others wait for it.
func migrate(pool *gorm.DB, postgres bool) error {
	ctx := context.Background() // half a migration is no state to stop in
	steps, err := stepsFor(pool, postgres)
	if err != nil {
		return err
	}
	current, newest, err := steps.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return fault.New(fault.Internal, "The database was made by a newer Dockbell (its tables are at step %d, this program knows %d). Start that version again.", current, newest)
	}
	if current == newest {
		return nil // without waiting for a lock
	}
	for {
		_, err := steps.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) { // done, by this process or by another
			return nil
		}
		if err != nil {
			return err
		}
		failpoint.Hit(failpoint.Migrating)
	}
}

func stepsFor(pool *gorm.DB, postgres bool) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if !postgres {
		files = sqliteFiles{files}
	}
	conn, err := pool.DB()
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if postgres {
		one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // tried every second, for ten minutes
		if err != nil {
			return nil, err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(one))
	}
	return goose.NewProvider(dialect, conn, files, options...)
}
