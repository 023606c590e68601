package store

import (
	"bytes"
	"io/fs"
	"strings"
)

// forSQLite says in SQLite's words what the migrations say in those of both databases. Numbers that are a primary key become the
// row's own number, and a table that is marked so lies in the order of its key: each saves an index that every row would be in.
var forSQLite = strings.NewReplacer("bigint not null primary key", "integer not null primary key", "); -- without rowid", ") without rowid;")

// sqliteFiles are the migrations in SQLite's words.
type sqliteFiles struct{ fs.FS }

func (f sqliteFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	defer func() { _ = file.Close() }() // only read
	text, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	return translated{file, bytes.NewReader([]byte(forSQLite.Replace(string(text))))}, nil
}

// translated is a file with another text.
type translated struct {
	fs.File
	text *bytes.Reader
}

func (t translated) Read(p []byte) (int, error) { return t.text.Read(p) }
func (t translated) Close() error               { return nil }
