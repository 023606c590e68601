package oci_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/artifact"
	"dockbell/web"
)

// spying listens and counts the bytes that connections were handed as files, which is when the system sends them by itself.
type spying struct {
	net.Listener
	asFile *atomic.Int64
}

func (l spying) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		return spied{tcp, l.asFile}, err
	}
	return conn, err
}

type spied struct {
	*net.TCPConn
	asFile *atomic.Int64
}

func (c spied) ReadFrom(src io.Reader) (int64, error) {
	file := src
	if limit, ok := src.(*io.LimitedReader); ok {
		file = limit.R
	}
	n, err := c.TCPConn.ReadFrom(src)
	if _, ok := file.(*os.File); ok {
		c.asFile.Add(n)
	}
	return n, err
}

// TestBlobsGoOutAsFiles: nothing between the file and the connection hides the one from the other, for whole blobs and for parts.
func TestBlobsGoOutAsFiles(t *testing.T) {
	h := newHouse(t)
	var asFile atomic.Int64
	var log bytes.Buffer
	server := httptest.NewUnstartedServer(web.New(web.Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Ready: func(context.Context) error { return nil }, NewID: uuid.NewString, Now: time.Now,
	}, web.Doors{h.door}))
	server.Listener = spying{server.Listener, &asFile}
	server.Start()
	h.host = server.Listener.Addr().String()
	content := string(bytes.Repeat([]byte("0123456789abcdef"), 10<<16)) // 10 MiB: more than one stretch
	digest := h.pushBlob("team/app", content)
	for _, c := range []struct {
		ranged string
		status int
		want   string
	}{
		{"", http.StatusOK, content},
		{"bytes=5-9000004", http.StatusPartialContent, content[5:9000005]},
	} {
		asFile.Store(0)
		got := h.do("GET", "/v2/team/app/blobs/"+digest, "", as("pusher"), header("Range", c.ranged))
		if got.StatusCode != c.status || got.body != c.want || got.ContentLength != int64(len(c.want)) {
			t.Errorf("%q: %d with %d bytes (%s)", c.ranged, got.StatusCode, len(got.body), artifact.DigestOf([]byte(got.body), ""))
		}
		if n := asFile.Load(); n < int64(len(c.want))-4096 { // the beginning goes out with the header
			t.Errorf("%q: %d of %d bytes went out as a file", c.ranged, n, len(c.want))
		}
	}
	server.Close() // waits for the log's lines
	for _, line := range []string{"status=200 bytes=10485760", "status=206 bytes=9000000"} {
		if !bytes.Contains(log.Bytes(), []byte(line)) {
			t.Errorf("the log does not say %q:\n%s", line, log.String())
		}
	}
}
