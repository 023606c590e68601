package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// SIGKILL leaves the page cache alone and so says nothing about a power loss. This stands in for one: a library that is loaded
// before the C library and writes a byte for each sync of SQLite's write-ahead log that has come back.
const syncSpy = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>

static int noted(int fd, int failed) {
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path);
	const char *to = getenv("DOCKBELL_TEST_SYNCS");
	if (!failed && to && n > 4 && !memcmp(path + n - 4, "-wal", 4)) {
		int log = open(to, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (log < 0 || write(log, ".", 1) != 1) abort();
		close(log);
	}
	return failed;
}
int fsync(int fd) { return noted(fd, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { return noted(fd, syscall(SYS_fdatasync, fd)); }
`

// spied gives the environment that counts a process's syncs, and the count so far.
func spied(t *testing.T) (env []string, count func() int64) {
	t.Helper()
	dir := t.TempDir()
	library, log := filepath.Join(dir, "spy.so"), filepath.Join(dir, "syncs")
	write(t, filepath.Join(dir, "spy.c"), syncSpy)
	out, err := exec.CommandContext(t.Context(), "gcc", "-shared", "-fPIC", "-O1", "-o", library, filepath.Join(dir, "spy.c")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return []string{"LD_PRELOAD=" + library, "DOCKBELL_TEST_SYNCS=" + log}, func() int64 {
		info, err := os.Stat(log)
		if err != nil {
			return 0
		}
		return info.Size()
	}
}

// TestEveryPushIsSynced: between the PUT of a manifest and its 201 the log of the database reaches the disk.
func TestEveryPushIsSynced(t *testing.T) {
	env, count := spied(t)
	p := startProcess(t, filepath.Join(t.TempDir(), "data"), env...)
	for n := range 20 {
		layer := fmt.Sprint("layer", n)
		if err := p.pushBlobs(p.base(), "team/api", emptyConfig, layer); err != nil {
			t.Fatal(err)
		}
		before := count()
		p.putManifest(p.base(), "team/api", fmt.Sprint("v", n), imageOf(layer)).wants(http.StatusCreated)
		if count() == before {
			t.Errorf("push %d was acknowledged before anything was synced", n)
		}
	}
}

// workEnv makes this test binary commit to a database, with the synchronous setting it names, instead of testing.
const workEnv = "DOCKBELL_TEST_WORK"

// syncedWork commits 20 rows to the SQLite file of "setting:path".
func syncedWork(work string) int {
	setting, path, _ := strings.Cut(work, ":")
	conn, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous="+setting)
	if err != nil {
		return exitRefused
	}
	defer conn.Close()
	if _, err := conn.Exec("create table t (n integer)"); err != nil {
		return exitRefused
	}
	for n := range 20 {
		if _, err := conn.Exec("insert into t values (?)", n); err != nil {
			return exitRefused
		}
	}
	return exitDone
}

// TestSyncsAreSeen is the control: the same count sees every commit of a database that syncs, and none of one that does not.
func TestSyncsAreSeen(t *testing.T) {
	for setting, want := range map[string]bool{"FULL": true, "NORMAL": false} {
		env, count := spied(t)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), append(env, workEnv+"="+setting+":"+filepath.Join(t.TempDir(), "work.db"))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", setting, err, out)
		}
		if got := count(); (got >= 20) != want || got > 0 && !want && got >= 5 {
			t.Errorf("synchronous=%s: 20 commits made %d syncs of the log", setting, got)
		}
	}
}
