package main

import (
	"bufio"
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
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	ownerName     = "bench"
	ownerPassword = "a few unusual words"
	pages         = "/registries/mycontainerregistry"
)

// server is a Dockbell with a data folder of its own.
type server struct {
	url, user, secret string // client id and secret for pushing
	bearer            string
	source            string // address of the source of events
	sourceToken       string
	folder            string
	env               []string
	process           *exec.Cmd
	log               *os.File
	portal            *http.Client // signed in
}

var serves = regexp.MustCompile(`serves (http://\S+)`)

// start serves an empty folder and signs in.
func (b *bench) start(ctx context.Context, env ...string) (*server, error) {
	folder, err := os.MkdirTemp("", "dockbell-bench")
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, env: env}
	if s.log, err = os.Create(filepath.Join(folder, "log")); err != nil {
		return nil, err
	}
	if err := s.serve(ctx, b.dockbell); err != nil {
		s.stop()
		return nil, err
	}
	if err := errors.Join(s.signIn(), s.credentials(ctx, b.dockbell)); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// serve begins a life of the server.
func (s *server) serve(ctx context.Context, dockbell string) error {
	s.process = exec.CommandContext(ctx, dockbell, "serve")
	s.process.Env = append(append(os.Environ(),
		"DOCKBELL_LISTEN=127.0.0.1:0", "DOCKBELL_DATA="+filepath.Join(s.folder, "data"), "DOCKBELL_ALLOWED_NETWORKS=127.0.0.0/8",
		"DOCKBELL_OWNER="+ownerName, "DOCKBELL_OWNER_PASSWORD="+ownerPassword, "DOCKBELL_LOG=error"), s.env...)
	s.process.Stderr = s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	said := serves.FindStringSubmatch(line)
	if said == nil {
		return fmt.Errorf("%s does not start: %s", dockbell, line)
	}
	s.url = said[1]
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return nil
}

// end ends the life of the server; its folder stays.
func (s *server) end() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}

// stop ends the server and removes its folder.
func (s *server) stop() {
	s.end()
	s.log.Close()
	_ = os.RemoveAll(s.folder)
}

func (s *server) signIn() error {
	jar, _ := cookiejar.New(nil) // fails with bad options only
	s.portal = &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s.form("/sign-in", url.Values{"username": {ownerName}, "password": {ownerPassword}})
}

// form sends a form of the portal, which leads on when it is taken.
func (s *server) form(path string, values url.Values) error {
	resp, err := s.portal.PostForm(s.url+path, values)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("the form %s is answered with %s", path, resp.Status)
	}
	return nil
}

// page gets a page and says how long it took to the last byte.
func (s *server) page(path string) (string, time.Duration, error) {
	began := time.Now()
	resp, err := s.portal.Get(s.url + path)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the page %s is answered with %s", path, resp.Status)
	}
	return string(text), time.Since(began), err
}

// credentials makes what is needed for pushing and for sending events.
func (s *server) credentials(ctx context.Context, dockbell string) error {
	make := func(into any, args ...string) error {
		run := exec.CommandContext(ctx, dockbell, append(args, "--data", filepath.Join(s.folder, "data"))...)
		run.Env = append(os.Environ(), s.env...)
		out, err := run.Output()
		if err != nil {
			return fmt.Errorf("%s %s made nothing: %w", args[0], args[1], err)
		}
		return json.Unmarshal(out, into)
	}
	var token struct{ ClientID, ClientSecret, Token string }
	var source struct{ URL, Token string }
	err := errors.Join(
		make(&token, "token", "create", "--name", "bench", "--role", "contributor"),
		make(&source, "source", "create", "--name", "bench", "--kind", "distribution", "--registry", "mycontainerregistry", "--rate", "0"))
	s.user, s.secret, s.bearer, s.source, s.sourceToken = token.ClientID, token.ClientSecret, token.Token, source.URL, source.Token
	return err
}

// webhook adds one; its name is from five letters or digits on.
func (s *server) webhook(name, to string) error {
	return s.form(pages+"/webhooks", url.Values{
		"name": {name}, "serviceUri": {to}, "actions": {"push"}, "scope": {""}, "status": {"enabled"}, "then": {"show"},
	})
}

func (s *server) webhooks(n int, to string) error {
	for i := range n {
		if err := s.webhook(fmt.Sprintf("hook%03d", i), to); err != nil {
			return err
		}
	}
	return nil
}

// cpu is the time the process has used, from /proc: 100 ticks are a second there.
func (s *server) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// pss is the memory the process keeps, shared pages counted by their share, in bytes.
func (s *server) pss() (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, found := strings.CutPrefix(line, "Pss:"); found {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) * 1024, err
		}
	}
	return 0, errors.New("the kernel tells no Pss")
}
