package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	registryName  = "mycontainerregistry"
	ownerName     = "torture"
	ownerPassword = "a few unusual words"
)

// site is one installation with its receiver: one process, or two on PostgreSQL.
type site struct {
	t         *torture
	folder    string // of its own
	data      string
	env       []string
	processes []*process
	receiver  *receiver
	source    string // path of the source of events
	token     string
	client    *http.Client
	next      atomic.Int64
	close     func()
}

// newSite serves an empty folder, with a source of events and the webhooks.
func (t *torture) newSite(f fault) (s *site, err error) {
	s = &site{t: t, receiver: newReceiver(), client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	if s.folder, err = os.MkdirTemp(t.folder, "site"); err != nil {
		return nil, err
	}
	s.data = filepath.Join(s.folder, "data")
	var undo []func()
	s.close = func() {
		for _, p := range s.processes {
			p.kill()
		}
		for _, f := range undo {
			f()
		}
		s.receiver.server.Close()
		_ = os.RemoveAll(s.folder)
	}
	if f.prepare != nil {
		back, err := f.prepare(s)
		if err != nil {
			s.close()
			return nil, err
		}
		undo = append(undo, back)
	}
	if err := s.furnish(max(f.processes, 1)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) furnish(processes int) error {
	made, err := s.command("source", "create", "--name", "torture", "--kind", "distribution", "--registry", registryName, "--rate", "0")
	if err != nil {
		return err
	}
	var source struct{ URL, Token string }
	if err := json.Unmarshal(made, &source); err != nil {
		return err
	}
	at, err := url.Parse(source.URL)
	if err != nil {
		return err
	}
	s.source, s.token = at.Path, source.Token
	for range processes {
		p := &process{site: s}
		s.processes = append(s.processes, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	return s.webhooks()
}

// command runs another dockbell command on the data.
func (s *site) command(args ...string) ([]byte, error) {
	cmd := exec.Command(s.t.dockbell, append(args, "--data", s.data)...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("dockbell %s: %s", args[0], failed.Stderr)
	}
	return out, err
}

func (s *site) webhooks() error {
	jar, _ := cookiejar.New(nil) // fails with bad options only
	portal := &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path string, form url.Values) error {
		resp, err := portal.PostForm(s.base()+path, form)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusSeeOther {
			text, _ := io.ReadAll(resp.Body)
			return fmt.Errorf("the form %s is answered with %s: %s", path, resp.Status, text)
		}
		return nil
	}
	if err := post("/sign-in", url.Values{"username": {ownerName}, "password": {ownerPassword}}); err != nil {
		return err
	}
	for i, h := range hooks {
		err := post("/registries/"+registryName+"/webhooks", url.Values{
			"name": {fmt.Sprintf("torture%d", i)}, "location": {"local"}, "serviceUri": {s.receiver.server.URL + h}, "actions": {"push"}, "scope": {""}, "status": {"enabled"},
			"format": {"azure"}, "timeout": {"2"}, "retry": {"own"}, "waits": {"1s, 1s, 1s, 1s, 2s, 2s, 2s, 3s, 5s, 5s"},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// base is where one of the processes is reached, in turn; empty while none is.
func (s *site) base() string {
	n := int(s.next.Add(1))
	for i := range s.processes {
		if base := s.processes[(n+i)%len(s.processes)].base(); base != "" {
			return base
		}
	}
	return ""
}

const notification = `{"events":[{"id":"0b2c3d4e-0000-4000-8000-%012x","timestamp":"2026-11-25T03:00:00.123456789Z","action":"push",` +
	`"target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":524,"digest":"sha256:%s","length":524,"repository":"team/image",` +
	`"url":"http://registry.test/v2/team/image/manifests/sha256:%[2]s","tag":"%s"},` +
	`"request":{"id":"5f0c6d1e-8a0f-4b52-9a53-0f0f6f6f6f6f","addr":"10.0.0.7:51532","host":"registry.test","method":"PUT","useragent":"docker/27.1.1"},` +
	`"actor":{"name":"ci"},"source":{"addr":"registry:5000","instanceID":"2d6f7a0e-52b1-4d0b-8d0e-0a3c7b2f6b11"}}]}`

// notify sends one event and says whether it was acknowledged.
func (s *site) notify(base string, n int64) bool {
	tag := fmt.Sprintf("t%d", n)
	body := fmt.Appendf(nil, notification, n, strings.Repeat("5c", 32), tag)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+s.source, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted || !bytes.HasPrefix(text, []byte(`{"accepted":1,`)) {
		return false
	}
	s.receiver.acknowledge(tag)
	return true
}

// load sends events from so many clients until stop is called, some hundred a second: what counts is the harm, not the rate.
func (s *site) load(clients int) (stop func()) {
	var ended atomic.Bool
	var running sync.WaitGroup
	var n atomic.Int64
	for range clients {
		running.Go(func() {
			for !ended.Load() {
				time.Sleep(8 * time.Millisecond)
				if base := s.base(); base != "" {
					s.notify(base, n.Add(1))
				}
			}
		})
	}
	return func() { ended.Store(true); running.Wait() }
}

// grows waits until so many more events are acknowledged.
func (s *site) grows(by int, patience time.Duration) error {
	want := s.receiver.acknowledged() + by
	return waitFor(patience, "more events are acknowledged", func() bool { return s.receiver.acknowledged() >= want })
}

func waitFor(patience time.Duration, what string, done func() bool) error {
	for until := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			return fmt.Errorf("it did not come about within %s that %s", patience, what)
		}
	}
	return nil
}

// settle waits until every acknowledged event has brought its calls, and counts those that did not come.
func (s *site) settle(patience time.Duration) int {
	_ = waitFor(patience, "", func() bool { return s.receiver.missing() == 0 }) // what is missing is the answer
	return s.receiver.missing()
}

// integrity lets a back-up and its restore say whether the database is whole; a PostgreSQL sees to itself.
func (s *site) integrity() string {
	if len(s.env) > 0 && strings.HasPrefix(s.env[0], "DOCKBELL_DATABASE=postgres") {
		return "ok"
	}
	to := filepath.Join(s.t.folder, "copy") // a folder: the copy of the database is made there, and not beside it on a small disk
	defer os.RemoveAll(to)
	if _, err := s.command("backup", to); err != nil {
		return err.Error()
	}
	elsewhere := filepath.Join(s.t.folder, "restored")
	defer os.RemoveAll(elsewhere)
	if out, err := exec.Command(s.t.dockbell, "restore", to, "--data", elsewhere).CombinedOutput(); err != nil {
		return string(bytes.TrimSpace(out))
	}
	return "ok"
}
