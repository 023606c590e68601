package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bare is what bounds a registry that keeps its blobs as files: net/http in a process of its own, which serves files with
// sendfile, and takes them by writing, hashing and syncing each.
type bare struct {
	url, folder string
	process     *exec.Cmd
}

// withBare runs one with an empty folder.
func (b *bench) withBare(ctx context.Context, f func(*bare) error) error {
	folder, err := os.MkdirTemp("", "bare-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	run := exec.CommandContext(ctx, os.Args[0], "bare", folder)
	out, err := run.StdoutPipe()
	if err != nil {
		return err
	}
	if err := run.Start(); err != nil {
		return err
	}
	defer func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the bare server does not start: %w", err)
	}
	return f(&bare{strings.TrimSpace(url), folder, run})
}

// serveFiles is the process that is measured.
func serveFiles(folder string) {
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + on.Addr().String())
	panic(http.Serve(on, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file := filepath.Join(folder, filepath.Base(r.URL.Path))
		if r.Method == http.MethodGet {
			http.ServeFile(w, r, file)
			return
		}
		if err := keepFile(file, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})))
}

// keepFile writes, hashes and syncs.
func keepFile(path string, from io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.CopyBuffer(io.MultiWriter(file, sha256.New()), from, make([]byte, 256<<10)); err != nil {
		return err
	}
	return file.Sync()
}
