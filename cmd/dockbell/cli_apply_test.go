package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestApply makes a registry's webhooks equal to a file, step by step.
func TestApply(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	t.Setenv("DEPLOY_TOKEN", "canary-token")
	file := filepath.Join(t.TempDir(), "webhooks.yaml")
	write(t, file, `registry: mycontainerregistry
webhooks:
  - name: deployhook
    uri: https://app:canary-pass@hooks.example.com/acr
    actions: [push, delete]
    scope: team/api:*
    headers: {Authorization: "Bearer ${DEPLOY_TOKEN}"}
  - {name: otherhook, uri: https://hooks.example.com/other, actions: [push], tags: {team: core}}
`)
	dry := func(want int, more ...string) string {
		t.Helper()
		out, stderr, code := p.do(append([]string{"webhook", "apply", "-f", file, "--dry-run"}, more...)...)
		if code != want || strings.Contains(out+stderr, "canary") {
			t.Errorf("a dry run ends with %d, want %d: %s%s", code, want, out, stderr)
		}
		return out
	}
	plan := dry(exitPending)
	if !strings.Contains(plan, "+ deployhook") || !strings.Contains(plan, "+ otherhook") || !strings.Contains(plan, "2 to create") {
		t.Errorf("plan:\n%s", plan)
	}
	if got := p.ok("webhook", "list", "-r", "..."); got != "[]\n" {
		t.Fatalf("a dry run made %s", got)
	}
	if out := p.ok("webhook", "apply", "-f", file); !strings.HasPrefix(out, plan) || !strings.HasSuffix(out, "Done: 2 changes.\n") || strings.Contains(out, "canary") {
		t.Errorf("applied:\n%s", out)
	}
	dry(exitDone)
	if config := p.ok("webhook", "get-config", "-r", "...", "-n", "deployhook"); !strings.Contains(config, "Bearer canary-token") || !strings.Contains(config, "canary-pass") {
		t.Errorf("secrets did not arrive: %s", config)
	}

	// What is exported changes nothing, and keeps secrets that it does not show.
	exported := p.ok("webhook", "export", "-r", "...")
	if strings.Contains(exported, "canary") {
		t.Errorf("export shows a secret:\n%s", exported)
	}
	write(t, file, exported)
	dry(exitDone)
	write(t, file, strings.Replace(exported, "actions: [push, delete]", "actions: [push]", 1))
	p.ok("webhook", "apply", "-f", file, "--yes")
	if config := p.ok("webhook", "get-config", "-r", "...", "-n", "deployhook"); !strings.Contains(config, "Bearer canary-token") || !strings.Contains(config, "canary-pass") {
		t.Errorf("secrets were lost: %s", config)
	}
	private := filepath.Join(t.TempDir(), "all.yaml")
	p.ok("webhook", "export", "-r", "...", "--show-secrets", "--file", private)
	text, err := os.ReadFile(private)
	if info, _ := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(string(text), "Bearer canary-token") {
		t.Errorf("%v, %v: %s", err, info, text)
	}

	// What is not in the file goes with --prune alone.
	write(t, file, "registry: mycontainerregistry\nwebhooks: []\n")
	if out := dry(exitDone); !strings.Contains(out, "Not in the file and left alone: deployhook, otherhook.") {
		t.Errorf("without --prune:\n%s", out)
	}
	if out := dry(exitPending, "--prune"); !strings.Contains(out, "- deployhook") || !strings.Contains(out, "2 to delete") {
		t.Errorf("with --prune:\n%s", out)
	}
	p.ok("webhook", "apply", "-f", file, "--prune")
	if got := p.ok("webhook", "list", "-r", "..."); got != "[]\n" {
		t.Errorf("after --prune: %s", got)
	}

	p.refused(exitUsage, "is for the registry mycontainerregistry", "webhook", "apply", "-f", file, "-r", "otherregistry")
	write(t, file, "webhooks: []\n")
	p.refused(exitUsage, "name the registry", "webhook", "apply", "-f", file)
	p.refused(exitNotFound, "nosuchregistry", "webhook", "apply", "-f", file, "-r", "nosuchregistry")
}

// TestApplyStops: when the server refuses a change, the rest is not made and the line says how far it came.
func TestApplyStops(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	file := filepath.Join(t.TempDir(), "webhooks.yaml")
	write(t, file, `webhooks:
  - {name: firsthook, uri: https://hooks.example.com, actions: [push]}
  - {name: secondhook, uri: "http://192.168.0.1/", actions: [push]}
  - {name: thirdhook, uri: https://hooks.example.com, actions: [push]}
`)
	out, stderr, code := p.do("webhook", "apply", "-f", file, "-r", "...")
	if code != exitRefused || !strings.Contains(stderr, "secondhook: ") || !strings.Contains(stderr, "(1 of 3 changes were made before)") || strings.Contains(out, "Done") {
		t.Errorf("code %d: %s%s", code, out, stderr)
	}
	if got := p.ok("webhook", "list", "-r", "...", "-o", "table"); !strings.Contains(got, "firsthook") || strings.Contains(got, "thirdhook") {
		t.Errorf("there is\n%s", got)
	}
}
