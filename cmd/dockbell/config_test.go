package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestReadmeListsSettings keeps the README's table equal to the Config struct, in its order.
func TestReadmeListsSettings(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "| `DOCKBELL_") {
			have = append(have, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, s := range settings() {
		def := "empty"
		if s.def != "" {
			def = "`" + s.def + "`"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", s.env, def, s.help))
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("README.md's table of settings (-Config +README):\n%s", diff)
	}
}

// run executes a command line as the shell would and gives what it wrote and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = execute(t.Context(), args, &out, &errOut)
	return out.String(), errOut.String(), code
}

func TestConfigOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dockbell.yaml")
	write(t, file, "workers: 3\nlocation: westeurope\nlog: warn\nallowed_networks: [10.0.0.0/8, \"::1/128\"]\n")
	t.Setenv("DOCKBELL_LOCATION", "eastus")
	t.Setenv("DOCKBELL_LOG", "error")
	out, stderr, code := run(t, "config", "--config", file, "--log", "debug")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"listen": "127.0.0.1:8080", "workers": 3, "location": "eastus", "log": "debug", "database": "data/dockbell.db",
		"allowed_networks": []any{"10.0.0.0/8", "::1/128"}, "registries": []any{"mycontainerregistry"},
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

// TestConfigReadsItself: what `dockbell config` prints is a file that gives the same settings.
func TestConfigReadsItself(t *testing.T) {
	t.Setenv("DOCKBELL_TRUSTED_PROXIES", "10.1.2.3, fd00::/8")
	first, _, _ := run(t, "config", "--workers", "7")
	file := filepath.Join(t.TempDir(), "dockbell.yaml")
	write(t, file, first)
	t.Setenv("DOCKBELL_TRUSTED_PROXIES", "")
	os.Unsetenv("DOCKBELL_TRUSTED_PROXIES")
	second, stderr, _ := run(t, "config", "--config", file)
	if first != second {
		t.Errorf("%s%s", stderr, cmp.Diff(first, second))
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	t.Setenv("DOCKBELL_OWNER", "ada")
	t.Setenv("DOCKBELL_OWNER_PASSWORD", "canary-one")
	t.Setenv("DOCKBELL_DATABASE", "postgres://dockbell:canary-two@db.example.com/dockbell?sslpassword=x")
	out, stderr, code := run(t, "config")
	if code != exitDone {
		t.Fatal(stderr)
	}
	if strings.Contains(out, "canary") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	for _, want := range []string{`owner_password: '***'`, "postgres://dockbell:***@db.example.com/dockbell"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	var logged bytes.Buffer
	cfg := Config{OwnerPassword: "canary-one", Database: "postgres://u:canary-two@h/d", SMTPURL: "smtps://u:canary-three@h"}
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "cfg", cfg, "secret", cfg.OwnerPassword, "db", cfg.Database)
	fmt.Fprintf(&logged, "%v %+v %#v %s %q", cfg, cfg, cfg, cfg.OwnerPassword, cfg.Database)
	if strings.Contains(logged.String(), "canary") {
		t.Errorf("a secret reaches a log: %s", logged.String())
	}
}

// TestBadSettings: every value that cannot be used is refused in one line that names its setting, with exit code 2.
func TestBadSettings(t *testing.T) {
	for env, bad := range map[string][]string{
		"DOCKBELL_LISTEN":           {"8080", "localhost", "a:b:c"},
		"DOCKBELL_LISTEN_METRICS":   {"9090"},
		"DOCKBELL_LISTEN_TLS":       {"8443"},
		"DOCKBELL_TLS":              {"files", "acme", "SELF", "letsencrypt", ""},
		"DOCKBELL_TLS_CERT":         {"cert.pem"},
		"DOCKBELL_ACME_DIRECTORY":   {"http://ca.example.com/dir", "ca.example.com", "https://"},
		"DOCKBELL_PUBLIC_URL":       {"dockbell.example.com", "ftp://x", "https://x/path", "https://u:p@x", "https://"},
		"DOCKBELL_DATABASE":         {"mysql://u:p@h/d"},
		"DOCKBELL_ALLOWED_NETWORKS": {"10.0.0.0/33", "loopback", "10.0.0.1/8"},
		"DOCKBELL_OWNER":            {"ada"},
		"DOCKBELL_REGISTRIES":       {"a-b", "abc", ","},
		"DOCKBELL_LOCATION":         {"-", "east/us"},
		"DOCKBELL_WORKERS":          {"0", "-1", "many", "5000", "1.5"},
		"DOCKBELL_KEEP_HISTORY":     {"6", "-1", "30 days", "3651"},
		"DOCKBELL_KEEP_AUDIT":       {"for ever"},
		"DOCKBELL_TRUSTED_PROXIES":  {"proxy"},
		"DOCKBELL_SMTP_URL":         {"mail.example.com", "smtp://mail.example.com", "smtp://u:***@mail.example.com"}, // all without a sender
		"DOCKBELL_LOG":              {"loud", "INFO+2"},
	} {
		for _, text := range bad {
			t.Run(env+"="+text, func(t *testing.T) {
				t.Setenv(env, text)
				_, stderr, code := run(t, "config")
				if code != exitUsage || !strings.HasPrefix(stderr, "dockbell: "+env) || strings.Count(stderr, "\n") != 1 {
					t.Errorf("code %d, stderr %q", code, stderr)
				}
			})
		}
	}
}

func TestBadConfigFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dockbell.yaml")
	write(t, file, "worker: 3\n")
	if _, stderr, code := run(t, "config", "--config", file); code != exitUsage || !strings.Contains(stderr, `"worker"`) {
		t.Errorf("a misspelt key: code %d, %q", code, stderr)
	}
	write(t, file, "a: [\n")
	if _, stderr, code := run(t, "config", "--config", file); code != exitUsage || strings.Count(stderr, "\n") != 1 {
		t.Errorf("broken YAML: code %d, %q", code, stderr)
	}
	if _, _, code := run(t, "config", "--config", file+".missing"); code != exitUsage {
		t.Errorf("a missing file: code %d", code)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"frobnicate"}, {"config", "x"}, {"version", "--frob"}} {
		if _, stderr, code := run(t, args...); code != exitUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: code %d, stderr %q", args, code, stderr)
		}
	}
	for _, args := range [][]string{{"--help"}, {"version"}, {"config", "--help"}, {"completion", "bash"}} {
		if stdout, stderr, code := run(t, args...); code != exitDone || stdout == "" {
			t.Errorf("%q: code %d, stderr %q", args, code, stderr)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
