package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDemo runs what `make demo` runs, against a started house, and looks for what it promises to leave. A second run adds to it.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	t.Parallel() // it ends only when the attempt at its slow receiver has
	h := startHouse(t)
	demo := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, ".ci", "demo"), "-o", demo, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the demo does not build: %s", out)
	}
	runDemo := func() string {
		run := exec.CommandContext(t.Context(), demo, "--address", h.url, "--dockbell", program(t))
		run.Env = append(os.Environ(), "DOCKBELL_DATA="+h.data)
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	runDemo()

	client := h.signedIn()
	page := func(path string) string {
		resp, err := client.Get(h.registry() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s is answered with %s (%v)", path, resp.Status, err)
		}
		return string(text)
	}
	for hook, status := range map[string]string{"deployweb": "200", "everything": "204", "brokenreceiver": "503"} {
		cell := regexp.MustCompile(`id="hook-` + hook + `-http">.*?</td>`)
		for end := time.Now().Add(time.Minute); !strings.Contains(cell.FindString(page("/webhooks")), ">"+status+"<"); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s shows %q, want %s", hook, cell.FindString(page("/webhooks")), status)
			}
		}
	}
	for path, parts := range map[string][]string{
		"/webhooks": {"slowreceiver"}, "/repositories": {"charts/web", "team/api", "team/gateway", "team/web"}, "/repositories/team/gateway": {"v3"},
		"/events": {"chart push", "delete", "team/gateway"}, "/deliveries": {"brokenreceiver", "charts/web"}, "/inbox": {"/inbox/"},
	} {
		for text := page(path); len(parts) > 0; parts = parts[1:] {
			if !strings.Contains(text, parts[0]) {
				t.Errorf("%s does not show %s", path, parts[0])
			}
		}
	}
	if out := h.command("user", "list"); strings.Contains(out, "demo-") {
		t.Errorf("the demo's account is still there: %s", out)
	}
	if out := runDemo(); strings.Count(out, "is there already") != 4 {
		t.Errorf("a second run says: %s", out)
	}
}
