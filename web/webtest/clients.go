package webtest

import (
	"archive/tar"
	"bytes"
	"dockbell/models/store/storetest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ClientsFolder is the environment variable that names the folder of crane, oras and helm, which `.ci/tool clients` builds.
// skopeo is a package of the system.
const ClientsFolder = "DOCKBELL_TEST_CLIENTS"

// Clients runs registry clients as their users do, in a home of their own.
type Clients struct {
	Dir                      string // where they run
	Registry, User, Password string // what H, U and P stand for in a command line
	t                        testing.TB
	programs                 map[string]string
}

// NewClients finds the clients; without them the test ends.
func NewClients(t testing.TB, registry, user, password string) *Clients {
	t.Helper()
	folder := os.Getenv(ClientsFolder)
	if folder == "" {
		storetest.Without(t, ClientsFolder+" does not name the folder of crane, oras and helm (make test sets it)")
	}
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		storetest.Without(t, "skopeo is not installed: apt-get install skopeo")
	}
	c := &Clients{Dir: t.TempDir(), Registry: registry, User: user, Password: password, t: t, programs: map[string]string{"skopeo": skopeo}}
	for _, name := range []string{"crane", "oras", "helm"} {
		c.programs[name] = filepath.Join(folder, name)
	}
	return c
}

// Write puts a file where the clients run.
func (c *Clients) Write(name string, content []byte) {
	c.t.Helper()
	must(c.t, os.WriteFile(filepath.Join(c.Dir, name), content, 0o600))
}

// WriteLayer puts a layer with one file where the clients run.
func (c *Clients) WriteLayer(name, content string) {
	c.t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	must(c.t, w.WriteHeader(&tar.Header{Name: "hello.txt", Mode: 0o644, Size: int64(len(content))}))
	_, err := w.Write([]byte(content))
	must(c.t, err)
	must(c.t, w.Close())
	c.Write(name, layer.Bytes())
}

// Run gives what a command line printed; when it fails the test ends. H is the registry, U and P the user and the password,
// and DIGEST(H/repository:tag) the digest of a tag.
func (c *Clients) Run(command string) string {
	c.t.Helper()
	if before, rest, ok := strings.Cut(command, "DIGEST("); ok {
		of, after, _ := strings.Cut(rest, ")")
		digest, _ := c.run("crane digest --insecure " + of)
		command = before + strings.TrimSpace(digest) + after
	}
	stdout, stderr := c.run(command)
	return stdout + stderr
}

func (c *Clients) run(command string) (stdout, stderr string) {
	c.t.Helper()
	words := strings.Fields(command)
	for i, word := range words {
		words[i] = c.spell(word)
	}
	cmd := exec.CommandContext(c.t.Context(), c.programs[words[0]], words[1:]...)
	cmd.Dir = c.Dir
	cmd.WaitDelay = time.Minute
	cmd.Env = []string{
		"HOME=" + c.Dir, "PATH=" + os.Getenv("PATH"), "DOCKER_CONFIG=" + filepath.Join(c.Dir, "docker"),
		"REGISTRY_AUTH_FILE=" + filepath.Join(c.Dir, "auth.json"), "XDG_RUNTIME_DIR=" + c.Dir,
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s: %v\n%s%s", command, err, out.String(), errOut.String())
	}
	return out.String(), errOut.String()
}

// spell puts the registry, the user and the password in the place of H, U and P.
func (c *Clients) spell(word string) string {
	switch word {
	case "H":
		return c.Registry
	case "U":
		return c.User
	case "P":
		return c.Password
	}
	if rest, ok := strings.CutPrefix(word, "H/"); ok {
		return c.Registry + "/" + rest
	}
	return strings.Replace(word, "//H/", "//"+c.Registry+"/", 1)
}
