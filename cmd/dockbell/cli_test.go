package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"dockbell/web/webtest"
)

// samples are for every setting a value of the flag, the environment and the file, as `dockbell config` prints them.
var samples = map[string][3]any{
	"DOCKBELL_LISTEN":           {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
	"DOCKBELL_LISTEN_TLS":       {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
	"DOCKBELL_TLS":              {"self", "acme", "files"},
	"DOCKBELL_TLS_CERT":         {"/flag.pem", "/env.pem", "/file.pem"},
	"DOCKBELL_TLS_KEY":          {"/flag.pem", "/env.pem", "/file.pem"},
	"DOCKBELL_BLOBS":            {"s3://a", "azblob://b", "gs://c"},
	"DOCKBELL_ACME_DIRECTORY":   {"https://a.example.com/dir", "https://b.example.com/dir", "https://c.example.com/dir"},
	"DOCKBELL_KEEP_HISTORY":     {"10", "11", "12"},
	"DOCKBELL_KEEP_COUNTERS":    {"10", "11", "12"},
	"DOCKBELL_KEEP_AUDIT":       {"10", "11", "12"},
	"DOCKBELL_KEEP_INBOX":       {"10", "11", "12"},
	"DOCKBELL_LISTEN_METRICS":   {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
	"DOCKBELL_PUBLIC_URL":       {"https://flag.example.com", "https://env.example.com", "https://file.example.com"},
	"DOCKBELL_DATA":             {"/flag", "/env", "/file"},
	"DOCKBELL_DATABASE":         {"/flag.db", "/env.db", "/file.db"},
	"DOCKBELL_ALLOWED_NETWORKS": {[]any{"10.1.0.0/16"}, []any{"10.2.0.0/16"}, []any{"10.3.0.0/16"}},
	"DOCKBELL_OWNER":            {"flag", "env", "file"},
	"DOCKBELL_OWNER_PASSWORD":   {"***", "***", "***"},
	"DOCKBELL_REGISTRIES":       {[]any{"flagregistry"}, []any{"envregistry"}, []any{"fileregistry"}},
	"DOCKBELL_LOCATION":         {"flag", "env", "file"},
	"DOCKBELL_WORKERS":          {1, 2, 3},
	"DOCKBELL_KEY_FILE":         {"/flag.key", "/env.key", "/file.key"},
	"DOCKBELL_TRUSTED_PROXIES":  {[]any{"10.1.0.0/16"}, []any{"10.2.0.0/16"}, []any{"10.3.0.0/16"}},
	"DOCKBELL_LOG":              {"debug", "error", "warn"},
	"DOCKBELL_SMTP_URL":         {"smtp://flag.example.com", "smtps://env.example.com", "smtp://file.example.com?tls=off"},
	"DOCKBELL_SMTP_FROM":        {"flag@example.com", "env@example.com", "file@example.com"},
}

// partners are the settings without which another one is refused.
var partners = map[string]map[string]string{
	"DOCKBELL_OWNER":          {"DOCKBELL_OWNER_PASSWORD": "a canary of a password"},
	"DOCKBELL_OWNER_PASSWORD": {"DOCKBELL_OWNER": "ada"},
	"DOCKBELL_TLS": {
		"DOCKBELL_TLS_CERT": "/a.pem", "DOCKBELL_TLS_KEY": "/b.pem", "DOCKBELL_LISTEN_TLS": "127.0.0.1:1", "DOCKBELL_PUBLIC_URL": "https://dock.example.com",
	},
	"DOCKBELL_SMTP_URL": {"DOCKBELL_SMTP_FROM": "dock@example.com"},
	"DOCKBELL_TLS_CERT": {"DOCKBELL_TLS": "files", "DOCKBELL_TLS_KEY": "/b.pem"},
	"DOCKBELL_TLS_KEY":  {"DOCKBELL_TLS": "files", "DOCKBELL_TLS_CERT": "/a.pem"},
}

// given is a sample as somebody writes it, a list with commas.
func given(t *testing.T, v any) string {
	t.Helper()
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	if v == "***" {
		v = "a canary of a password"
	}
	if text, ok := v.(string); ok {
		return text // a number that is kept as text is written without quotes
	}
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestEverySettingFromEveryPlace: the flag wins over the environment, that over the file, and that over the default.
func TestEverySettingFromEveryPlace(t *testing.T) {
	shown := func(t *testing.T, args ...string) map[string]any {
		out, stderr, code := run(t, append([]string{"config"}, args...)...)
		if code != exitDone {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if strings.Contains(out+stderr, "canary") {
			t.Errorf("the password is shown:\n%s%s", out, stderr)
		}
		var got map[string]any
		if err := yaml.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, s := range settings() {
		t.Run(s.env, func(t *testing.T) {
			sample, ok := samples[s.env]
			if !ok {
				t.Fatal("this setting has no samples")
			}
			for env, text := range partners[s.env] {
				t.Setenv(env, text)
			}
			file := filepath.Join(t.TempDir(), "dockbell.yaml")
			write(t, file, s.key+": "+given(t, sample[2])+"\n")
			if got := shown(t, "--config", file)[s.key]; !cmp.Equal(got, sample[2]) {
				t.Errorf("from the file: %v, want %v", got, sample[2])
			}
			t.Setenv(s.env, given(t, sample[1]))
			if got := shown(t, "--config", file)[s.key]; !cmp.Equal(got, sample[1]) {
				t.Errorf("from the environment: %v, want %v", got, sample[1])
			}
			if got := shown(t, "--config", file, "--"+s.flag, given(t, sample[0]))[s.key]; !cmp.Equal(got, sample[0]) {
				t.Errorf("from the flag: %v, want %v", got, sample[0])
			}
		})
	}
}

// TestHelpOfServe names every setting, as the server's people look there first.
func TestHelpOfServe(t *testing.T) {
	out, stderr, code := run(t, "serve", "--help")
	if code != exitDone || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, s := range settings() {
		if !strings.Contains(out, "--"+s.flag+" ") || !strings.Contains(out, s.help) {
			t.Errorf("serve --help does not explain --%s", s.flag)
		}
	}
}

func TestVersion(t *testing.T) {
	if out, _, _ := run(t, "version"); !regexp.MustCompile(`^dockbell \S+ go1\S* \w+/\w+\n$`).MatchString(out) {
		t.Errorf("version prints %q", out)
	}
}

// credentials are what `token create` prints.
type credentials struct{ ClientID, ClientSecret, Token string }

func readCredentials(t *testing.T, out string) credentials {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	var c credentials
	if err := dec.Decode(&c); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`).MatchString(c.ClientID) || c.ClientSecret == "" || c.Token == "" {
		t.Fatalf("incomplete: %q", out)
	}
	return c
}

// login asks the registry's door as `docker login` does and gives the status.
func (h *runningHouse) login(with func(*http.Request)) int {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/v2/", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	with(req)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (c credentials) basic(r *http.Request)  { r.SetBasicAuth(c.ClientID, c.ClientSecret) }
func (c credentials) bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.Token) }

// TestTokenWithAndWithoutAServer: both ways the token is good at once, and no list shows it again.
func TestTokenWithAndWithoutAServer(t *testing.T) {
	h := startHouse(t)
	during := readCredentials(t, h.command("token", "create", "--name", "ci", "--role", "contributor"))
	h.stop()
	before := readCredentials(t, h.command("token", "create", "--name", "ops", "--role", "owner", "--registry", houseRegistry))
	h.start()
	for name, c := range map[string]credentials{"made beside the server": during, "made before it": before} {
		if got := h.login(c.basic); got != http.StatusOK {
			t.Errorf("%s, as docker login: %d", name, got)
		}
		if got := h.login(c.bearer); got != http.StatusOK {
			t.Errorf("%s, as a Bearer: %d", name, got)
		}
		if got := h.login(credentials{ClientID: c.ClientID, ClientSecret: c.ClientSecret + "x"}.basic); got != http.StatusUnauthorized {
			t.Errorf("%s, with a wrong secret: %d", name, got)
		}
	}
	list := h.command("token", "list")
	for _, want := range []string{"CLIENT ID", during.ClientID, "ci", "contributor", "ops", houseRegistry} {
		if !strings.Contains(list, want) {
			t.Errorf("the list has no %q:\n%s", want, list)
		}
	}
	for _, secret := range []string{during.ClientSecret, during.Token, before.ClientSecret, before.Token} {
		if strings.Contains(list+h.log.String(), secret) {
			t.Error("a secret is shown a second time")
		}
	}
	h.command("token", "revoke", during.ClientID)
	if got := h.login(during.bearer); got != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", got)
	}
	if got := h.login(before.bearer); got != http.StatusOK {
		t.Errorf("the other token went with it: %d", got)
	}
}

// typed runs a command line with something on stdin.
func (h *runningHouse) typed(stdin string, args ...string) (stderr string, code int) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), program(h.t), append(args, "--data="+h.data)...)
	cmd.Stdin = strings.NewReader(stdin)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	return errOut.String(), cmd.ProcessState.ExitCode()
}

// TestUsersOnTheCommandLine: who is added signs in at the running server, and who is removed no longer does.
func TestUsersOnTheCommandLine(t *testing.T) {
	const first, second = "five words nobody would guess", "and another five of them"
	h := startHouse(t)
	signIn := func(name, password string, want int) {
		t.Helper()
		webtest.New(t, h.url).SignIn(name, password).Status(want)
	}
	do := func(stdin string, want int, args ...string) string {
		t.Helper()
		stderr, code := h.typed(stdin, args...)
		if code != want || (code != exitDone) != (strings.Count(stderr, "\n") == 1) {
			t.Errorf("%q: exit code %d, want %d, with one line on stderr when it is not 0: %q", args, code, want, stderr)
		}
		return stderr
	}
	do(first+"\n", exitDone, "user", "add", "ada", "--role", "contributor")
	signIn("ada", first, http.StatusSeeOther)
	if list := h.command("user", "list"); !regexp.MustCompile(`(?m)^ada +contributor `).MatchString(list) {
		t.Errorf("the list:\n%s", list)
	}
	do(first, exitRefused, "user", "add", "ADA")
	do("short", exitUsage, "user", "add", "ben")
	do("", exitUsage, "user", "add", "ben")
	do(first, exitUsage, "user", "add", "ben", "--role", "king")
	do(first, exitUsage, "user", "add")
	do(second+"\n", exitDone, "user", "password", "ada")
	signIn("ada", first, http.StatusUnprocessableEntity)
	signIn("ada", second, http.StatusSeeOther)
	do("", exitDone, "user", "role", "ada", "reader")
	do("", exitUsage, "user", "role", "ada", "king")
	do("", exitNotFound, "user", "role", "nobody", "reader")
	do("", exitNotFound, "user", "delete", "nobody")
	do("", exitDone, "user", "delete", "ada")
	signIn("ada", second, http.StatusUnprocessableEntity)
	if why := do("", exitRefused, "user", "delete", houseOwner); !strings.Contains(why, "owner") {
		t.Errorf("the last owner: %q", why)
	}
}

// TestExitCodes: 1 for a refusal, 2 for a wrong command line, 3 for what is not there.
func TestExitCodes(t *testing.T) {
	h := startHouse(t)
	for _, c := range []struct {
		args string
		want int
	}{
		{"token create --name ci", exitUsage},
		{"token create --name ci --role king", exitUsage},
		{"token create --name ci --role reader --registry nosuchone", exitNotFound},
		{"token revoke 00000000-0000-4000-8000-000000000000", exitNotFound},
		{"token revoke", exitUsage},
		{"token frobnicate", exitUsage},
		{"serve --listen=nowhere", exitUsage},
		{"serve --listen=127.0.0.1:0", exitRefused}, // another one serves this folder
	} {
		_, stderr, code := run(t, append(strings.Fields(c.args), "--data="+h.data)...)
		if code != c.want || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "dockbell: ") {
			t.Errorf("%s: exit code %d, want %d and one line on stderr: %q", c.args, code, c.want, stderr)
		}
	}
	_, stderr, _ := run(t, "serve", "--listen=127.0.0.1:0", "--data="+h.data)
	if !strings.Contains(stderr, "another Dockbell is serving") {
		t.Errorf("a second server is told %q", stderr)
	}
	taken := "--listen=" + h.host()
	_, stderr, code := run(t, "serve", taken, "--data="+filepath.Join(t.TempDir(), "data"))
	if code != exitRefused || !strings.Contains(stderr, "is taken") {
		t.Errorf("an address in use: exit code %d, %q", code, stderr)
	}
}

// TestEverythingIsPrivate: a program started with the usual umask makes nothing that others can read, and refuses what they can.
func TestEverythingIsPrivate(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startProcess(t, data)
	s.push("team/api", "v1", "layer").wants(http.StatusCreated)
	seen := map[string]fs.FileMode{}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(data, path)
		seen[name] = info.Mode()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", "key", "dockbell.db", "dockbell.db-wal", "dockbell.db-shm", "blobs"} {
		if _, ok := seen[name]; !ok {
			t.Errorf("%s is not there: %v", name, seen)
		}
	}
	if len(seen) < 8 {
		t.Errorf("no layer is among %v", seen)
	}
	s.end(os.Interrupt)

	if err := os.Chmod(filepath.Join(data, "dockbell.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--listen=127.0.0.1:0"}, {"token", "list"}} {
		_, stderr, code := run(t, append(args, "--data="+data)...)
		if code != exitRefused || !strings.Contains(stderr, "chmod 600") {
			t.Errorf("%v with a database that others can read: exit code %d, %q", args, code, stderr)
		}
	}
}
