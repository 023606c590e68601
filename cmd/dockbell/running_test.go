package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// What every started house of the tests is called and who owns it.
const (
	houseRegistry = "mycontainerregistry"
	houseOwner    = "owner"
	housePassword = "a few unusual words"
)

// runningHouse is a whole Dockbell, started as its users start it: one command line, a data folder, a free port of loopback.
type runningHouse struct {
	t     testing.TB
	args  []string
	data  string // the data folder
	url   string // base of every address, without a slash at its end
	https string // base of the same addresses over HTTPS; empty without --listen-tls
	setUp string // the one-time link; empty when there is an owner
	stop  func() // ends it as SIGTERM does and waits; a second call does nothing
	log   *lockedBuffer
}

// startHouse serves until the test ends, with registry houseRegistry and loopback among the allowed networks. There is an owner unless
// an argument is "--owner=": further arguments are those of "dockbell serve" and win over the ones given here.
func startHouse(t testing.TB, args ...string) *runningHouse {
	t.Helper()
	h := &runningHouse{t: t, data: filepath.Join(t.TempDir(), "data")}
	h.args = append([]string{
		"serve", "--listen=127.0.0.1:0", "--data=" + h.data, "--registries=" + houseRegistry, "--allowed-networks=127.0.0.0/8",
		"--owner=" + houseOwner, "--owner-password=" + housePassword, "--log=info",
	}, args...)
	for _, arg := range args {
		if arg == "--owner=" {
			h.args = append(h.args, "--owner-password=")
		}
	}
	h.start()
	return h
}

var (
	servesLine = regexp.MustCompile(`serves (http://\S+)\n`)
	httpsLine  = regexp.MustCompile(`over HTTPS at (https://\S+)\n`)
	setUpLink  = regexp.MustCompile(`(http://\S+/setup\?code=\S+)\n`)
)

// start serves the data folder and waits until the house answers. After stop it starts anew, on another port.
func (h *runningHouse) start() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	out := &lockedBuffer{}
	h.log = &lockedBuffer{}
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, h.args, out, h.log) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != exitDone {
			h.t.Errorf("dockbell serve ended with %d: %s", code, h.log)
		}
	})
	h.t.Cleanup(h.stop)

	h.url, h.https, h.setUp = "", "", ""
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if said := servesLine.FindStringSubmatch(out.String()); said != nil {
			h.url = said[1]
		}
		if h.url != "" && h.ready() {
			break
		}
		if len(ended) > 0 || time.Now().After(deadline) {
			cancel()
			h.t.Fatalf("dockbell serve does not answer: %s%s", out, h.log)
		}
	}
	if said := httpsLine.FindStringSubmatch(out.String()); said != nil {
		h.https = said[1]
	}
	if link := setUpLink.FindStringSubmatch(out.String()); link != nil {
		h.setUp = link[1]
	}
}

func (h *runningHouse) ready() bool {
	resp, err := http.Get(h.url + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// host is the address with its port, as registry clients name it.
func (h *runningHouse) host() string { return hostOf(h.url) }

// registry is the base of the registry's pages.
func (h *runningHouse) registry() string { return h.url + "/registries/" + houseRegistry }

// command runs another dockbell command on the same data folder and gives what it printed.
func (h *runningHouse) command(args ...string) string {
	h.t.Helper()
	var out, errOut bytes.Buffer
	if code := execute(h.t.Context(), append(args, "--data="+h.data), &out, &errOut); code != exitDone {
		h.t.Fatalf("dockbell %v ended with %d: %s", args, code, errOut.String())
	}
	return out.String()
}

// signedIn is a client that carries the owner's session and does not follow redirects.
func (h *runningHouse) signedIn() *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.PostForm(h.url+"/sign-in", url.Values{"username": {houseOwner}, "password": {housePassword}})
	if err != nil {
		h.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		h.t.Fatalf("signing in is answered with %s", resp.Status)
	}
	return c
}

// lockedBuffer takes what several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds p.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is everything written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestStartedHouse starts, stops and starts again: the second start serves the same data.
func TestStartedHouse(t *testing.T) {
	h := startHouse(t, "--owner=")
	if h.setUp == "" {
		t.Fatal("without an owner no set-up link is printed")
	}
	h.stop()
	if h.ready() {
		t.Fatal("a stopped house answers")
	}
	h.args = append(h.args, "--owner="+houseOwner, "--owner-password="+housePassword)
	h.start()
	if h.setUp != "" {
		t.Error("with an owner a set-up link is printed")
	}
	resp, err := h.signedIn().Get(h.registry())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the owner's registry is answered with %s", resp.Status)
	}
}
