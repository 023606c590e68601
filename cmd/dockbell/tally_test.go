package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fate is what its client knows of a manifest: no two pushes of a tally are of the same one.
type fate struct {
	repo, config, layer string
	pushed              bool // the PUT was answered 201; else nobody knows
	asked, deleted      bool // somebody, or a rule, may have deleted it; the DELETE was answered 202
}

// tally is the ledger of a registry that loses manifests too: what was asked of it, what it acknowledged, and what a receiver
// was told.
type tally struct {
	t    *testing.T
	mu   sync.Mutex
	all  map[string]*fate                      // by digest
	told map[string]map[string]map[string]bool // by digest and action: the IDs of the events
}

func newTally(t *testing.T) *tally {
	return &tally{t: t, all: map[string]*fate{}, told: map[string]map[string]map[string]bool{}}
}

// receiver writes down every call before it answers.
func (l *tally) receiver() string {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process was killed while it wrote: nobody was told anything
		}
		var said struct {
			ID, Action string
			Target     struct{ Digest string }
		}
		if err := json.Unmarshal(body, &said); err != nil {
			l.t.Errorf("the receiver was sent %q: %v", body, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.note(said.Target.Digest, said.Action, said.ID)
	}))
	l.t.Cleanup(srv.Close)
	return srv.URL
}

func (l *tally) note(digest, action, id string) {
	if l.told[digest] == nil {
		l.told[digest] = map[string]map[string]bool{"push": {}, "delete": {}}
	}
	if l.told[digest][action] == nil {
		l.told[digest][action] = map[string]bool{}
	}
	l.told[digest][action][id] = true
}

// begins notes a push before it is sent; the digest is the manifest's.
func (l *tally) begins(digest string, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[digest] = &f
}

func (l *tally) learns(digest string, what func(*fate)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what(l.all[digest])
}

// acknowledged counts what clients were told to be done.
func (l *tally) acknowledged() (pushed, deleted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.all {
		if f.pushed {
			pushed++
		}
		if f.deleted {
			deleted++
		}
	}
	return pushed, deleted
}

// faults compares the tally with the registry: every manifest that is there is whole, what was acknowledged happened, every
// push and every deletion was told by exactly one event, and the folder holds what the manifests need and nothing else.
func (l *tally) faults(p *process) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	needed := map[string]bool{}
	for digest, f := range l.all {
		there := l.status(p, f.repo+"/manifests/"+digest) == http.StatusOK
		for _, blob := range []string{digestOf(f.config), digestOf(f.layer)} {
			if !there {
				continue
			}
			needed[blob] = true
			if l.status(p, f.repo+"/blobs/"+blob) != http.StatusOK {
				found = append(found, "lacks a blob: "+digest)
			}
		}
		pushes, deletes := len(l.told[digest]["push"]), len(l.told[digest]["delete"])
		gone := 0
		if !there {
			gone = 1
		}
		switch {
		case f.pushed && !f.asked && !there:
			found = append(found, "is lost: "+digest)
		case f.deleted && there:
			found = append(found, "is there though deleted: "+digest)
		case pushes > 1 || pushes == 0 && (f.pushed || there):
			found = append(found, fmt.Sprintf("was pushed, told by %d events: %s", pushes, digest))
		case deletes != pushes*gone:
			found = append(found, fmt.Sprintf("%d times deleted, told by %d events: %s", pushes*gone, deletes, digest))
		}
	}
	for digest := range l.told {
		if l.all[digest] == nil {
			found = append(found, "nobody pushed: "+digest)
		}
	}
	found = append(found, wrongFiles(filepath.Join(p.data, "blobs"), needed)...)
	slices.Sort(found)
	return found
}

// status asks for a manifest or a blob, and reads the answer to its end.
func (l *tally) status(p *process, path string) int {
	status, err := p.send(http.MethodGet, p.base()+"/v2/"+path, "", "")
	if err != nil {
		l.t.Fatal(err)
	}
	return status
}

// wrongFiles are those that are no blob that somebody needs, or hold other bytes than their name says.
func wrongFiles(folder string, needed map[string]bool) []string {
	var wrong []string
	seen := map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == filepath.Join(folder, "place") { // the name of the folder itself
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		digest := "sha256:" + d.Name()
		switch {
		case strings.Contains(path, "/uploads/"):
			wrong = append(wrong, "left behind: "+path)
		case hex.EncodeToString(sum[:]) != d.Name():
			wrong = append(wrong, "half-written: "+path)
		case !needed[digest]:
			wrong = append(wrong, "needed by nothing: "+path)
		}
		seen[digest] = true
		return nil
	})
	if err != nil { // a file went while we walked: not at rest yet
		wrong = append(wrong, err.Error())
	}
	for digest := range needed {
		if !seen[digest] {
			wrong = append(wrong, "not on the disk: "+digest)
		}
	}
	return wrong
}
