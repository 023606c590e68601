package store

import "gorm.io/gorm"

// Rest gives back the memory that SQLite keeps for speed: the pages that its connections remember. It is for a process that had
// much to do and has nothing to do now.
func (db *DB) Rest() {
	if db.postgres {
		return
	}
	if err := db.rest(); err != nil {
		db.log.Warn("memory was not given back", "error", err.Error())
	}
	trim()
}

func (db *DB) rest() error {
	readers, err := db.reader.DB()
	if err != nil {
		return err
	}
	readers.SetMaxIdleConns(-1) // closes them
	readers.SetMaxIdleConns(readers.Stats().MaxOpenConnections)
	return db.writer.pool.Session(&gorm.Session{}).Exec("pragma shrink_memory").Error
}
