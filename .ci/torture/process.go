package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// process is one Dockbell, in one of its lives.
type process struct {
	site *site

	mu    sync.Mutex
	url   string
	cmd   *exec.Cmd
	ended chan struct{}
}

var serves = regexp.MustCompile(`serves (http://\S+)`)

// start begins a life and waits until it answers.
func (p *process) start(env ...string) error {
	cmd := exec.Command(p.site.t.dockbell, "serve")
	cmd.Env = append(append(os.Environ(), "DOCKBELL_LISTEN=127.0.0.1:0", "DOCKBELL_DATA="+p.site.data, "DOCKBELL_ALLOWED_NETWORKS=127.0.0.0/8",
		"DOCKBELL_OWNER="+ownerName, "DOCKBELL_OWNER_PASSWORD="+ownerPassword, "DOCKBELL_LOG=error"), append(p.site.env, env...)...)
	log, err := os.OpenFile(filepath.Join(p.site.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if found := serves.FindStringSubmatch(lines.Text()); found != nil {
				said <- found[1]
			}
		}
	}()
	ended := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.ended = cmd, ended
	p.mu.Unlock()
	go func() {
		_ = cmd.Wait() // how it ended is in its state
		p.mu.Lock()
		p.url = ""
		p.mu.Unlock()
		close(ended)
	}()
	select {
	case base := <-said:
		return p.ready(base)
	case <-ended:
	case <-time.After(time.Minute):
	}
	p.kill()
	return fmt.Errorf("dockbell serve does not start: %s", tail(log.Name()))
}

func (p *process) ready(base string) error {
	err := waitFor(time.Minute, "it answers", func() bool {
		resp, err := http.Get(base + "/healthz")
		if err != nil {
			return !p.alive()
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		return errors.Join(err, errors.New("it ended at once"))
	default:
		p.url = base
		return err
	}
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) base() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(s) // it may be gone
	}
}

// gone waits for its end.
func (p *process) gone(patience time.Duration) error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("it still runs after %s", patience)
	}
}

// kill ends it at once.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// stop ends it as an administrator does.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	return p.gone(31 * time.Second)
}

func tail(file string) string {
	text, _ := os.ReadFile(file)
	return string(text[max(0, len(text)-300):])
}
