package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// built is the real binary, built once for all tests that need a process to kill; hasty is one whose leases end soon.
var (
	built = sync.OnceValues(func() (string, error) { return buildProgram("dockbell") })
	hasty = sync.OnceValues(func() (string, error) { return buildProgram("hasty", "-ldflags", "-X main.linkedLease=3s") })
)

func buildProgram(name string, flags ...string) (string, error) {
	folder, err := builtIn()
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, name)
	out, err := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), ".")...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return program, err
}

// builtIn is the folder of both.
var builtIn = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "dockbell-test")
	builds.Store(&folder)
	return folder, err
})

var builds atomic.Pointer[string]

// TestMain removes the binary again. With workEnv this is no test run but the workload of TestSyncsAreSeen.
func TestMain(m *testing.M) {
	if work := os.Getenv(workEnv); work != "" {
		os.Exit(syncedWork(work))
	}
	code := m.Run()
	if folder := builds.Load(); folder != nil {
		_ = os.RemoveAll(*folder)
	}
	os.Exit(code)
}

func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a Dockbell of its own process, that a test may kill. It is started under the umask 0, the most careless there is.
type process struct {
	*pusher // with an owner's token
	program string
	data    string

	mu  sync.Mutex
	url string // empty while nothing listens
	run *running
}

// running is one life of a process.
type running struct {
	cmd   *exec.Cmd
	out   lockedBuffer
	ended chan struct{} // closed when it has
}

// startProcess serves the data folder with an owner's token and loopback among the allowed networks, until the test ends.
func startProcess(t *testing.T, data string, env ...string) *process {
	t.Helper()
	return startProgram(t, program(t), data, env...)
}

func startProgram(t *testing.T, path, data string, env ...string) *process {
	t.Helper()
	out, stderr, code := run(t, "token", "create", "--name", "tests", "--role", "owner", "--data="+data)
	if code != exitDone {
		t.Fatal(stderr)
	}
	p := &process{program: path, data: data, pusher: newPusher(t, readCredentials(t, out))}
	t.Cleanup(func() { p.end(os.Kill) })
	p.start(env...)
	return p
}

// command is the command line of a life.
func (p *process) command(env ...string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", `umask 0; exec "$0" "$@"`, p.program, "serve", "--listen=127.0.0.1:0", "--data="+p.data,
		"--registries="+houseRegistry, "--allowed-networks=127.0.0.0/8", "--owner="+houseOwner, "--log=warn")
	cmd.Env = append(append(os.Environ(), "DOCKBELL_OWNER_PASSWORD="+housePassword), env...)
	return cmd
}

// start begins a life and waits until it answers.
func (p *process) start(env ...string) {
	p.t.Helper()
	life := &running{ended: make(chan struct{})}
	life.cmd = p.command(env...)
	life.cmd.Stdout, life.cmd.Stderr = &life.out, &life.out
	if err := life.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = life.cmd.Wait() // its state says how it ended
		close(life.ended)
	}()
	p.mu.Lock()
	p.run = life
	p.mu.Unlock()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if said := servesLine.FindStringSubmatch(life.out.String()); len(said) > 1 && answers(said[1]) {
			p.mu.Lock()
			p.url = said[1]
			p.mu.Unlock()
			return
		}
		if life.over() || time.Now().After(deadline) {
			p.t.Fatalf("dockbell serve does not answer: %s", life.out.String())
		}
	}
}

func answers(url string) bool {
	resp, err := http.Get(url + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (r *running) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// end sends a signal and waits until the process is gone; it gives its exit code.
func (p *process) end(signal os.Signal) int {
	p.t.Helper()
	p.signal(signal)
	return p.ended()
}

func (p *process) signal(signal os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.run.over() {
		_ = p.run.cmd.Process.Signal(signal) // it may have ended by itself
	}
}

// ended waits until the process is gone, which the program promises within 30 seconds of a signal.
func (p *process) ended() int {
	p.t.Helper()
	select {
	case <-p.run.ended:
	case <-time.After(30 * time.Second):
		_ = p.run.cmd.Process.Kill()
		p.t.Fatalf("it still runs after 30 seconds: %s", p.run.out.String())
	}
	p.mu.Lock()
	p.url = ""
	p.mu.Unlock()
	return p.run.cmd.ProcessState.ExitCode()
}

// base is where the process is reached; empty while nothing listens.
func (p *process) base() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// push stores an image of one layer under a tag.
func (p *process) push(repo, tag, layer string) pushed {
	return p.pushThrough(p.base(), repo, tag, layer)
}

// held gives the digest that a tag has in the registry; empty when there is none.
func (p *process) held(repo, tag string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodHead, p.base()+"/v2/"+repo+"/manifests/"+tag, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.token.bearer(req)
	req.Header.Set("Accept", artifact.OCIManifest)
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Header.Get("Docker-Content-Digest")
}

// openData opens a data folder that no process serves.
func openData(t *testing.T, data string) *store.DB {
	t.Helper()
	cfg := placed(data)
	key, err := loadKey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.OpenWith(t, store.Options{DSN: string(cfg.Database), Key: key})
}
