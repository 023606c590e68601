package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDeliveryOnTheCommandLine: pace, order and pause by flags, by commands and by a file.
func TestDeliveryOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	p.ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", receiver(t), "--actions", "push", "--max-in-flight", "2", "--rate", "60")
	shown := func(want ...string) {
		t.Helper()
		got := p.ok("webhook", "show-delivery", "-r", "...", "-n", "deployhook")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("the delivery lacks %s: %s", w, got)
			}
		}
	}
	shown(`"maxInFlight": 2`, `"rate": 60`, `"ordered": false`, `"paused": false`)
	p.ok("webhook", "update", "-r", "...", "-n", "deployhook", "--ordered", "--rate", "0")
	shown(`"maxInFlight": 2`, `"rate": 0`, `"ordered": true`)
	p.ok("webhook", "update", "-r", "...", "-n", "deployhook", "--format", "slack", "--retry", "5s,5m", "--timeout", "30s", "--signed")
	shown(`"format": "slack"`, `"retry": "5s, 5m"`, `"timeoutSeconds": 30`, `"signed": true`, `"maxInFlight": 2`)
	secret := strings.TrimSpace(p.ok("webhook", "show-secret", "-r", "...", "-n", "deployhook", "-o", "tsv"))
	rotated := strings.Split(p.ok("webhook", "rotate-secret", "-r", "...", "-n", "deployhook", "-o", "tsv"), "\n")
	if !strings.Contains(secret, "whsec_") || len(rotated) != 3 || !strings.Contains(rotated[1], strings.TrimPrefix(secret, "None\t")) || strings.Contains(rotated[0], secret) {
		t.Errorf("the secret was %q, and after its renewal they are %q", secret, rotated)
	}
	p.ok("webhook", "update", "-r", "...", "-n", "deployhook", "--format", "azure", "--retry", "default", "--timeout", "10", "--signed=false")
	shown(`"format": "azure"`, `"retry": "default"`, `"timeoutSeconds": 10`, `"signed": false`, `"maxInFlight": 2`)
	p.refused(exitRefused, "does not sign", "webhook", "rotate-secret", "-r", "...", "-n", "deployhook")
	for flag, why := range map[string]string{"--format=nosuch": "choose from azure", "--retry=often": "--retry: \"often\" is not a wait", "--timeout=90s": "from 1s to 60s", "--timeout=1500ms": "from 1s to 60s"} {
		p.refused(exitUsage, why, "webhook", "update", "-r", "...", "-n", "deployhook", flag)
	}
	for words, want := range map[string]string{"update --format ": "slack\n", "create --retry ": "none\n", "recover --since ": "24h\n", "replay --kind ": "again\n", "drop -r mycontainerregistry -n ": "deployhook\n"} {
		if got := p.ok(append([]string{"__complete", "webhook"}, strings.Split(words, " ")...)...); !strings.Contains(got, want) {
			t.Errorf("%q is completed by %q, want %q", words, got, want)
		}
	}
	p.refused(exitRefused, "maxInFlight", "webhook", "update", "-r", "...", "-n", "deployhook", "--max-in-flight", "17")

	p.ok("webhook", "pause", "-r", "...", "-n", "deployhook")
	shown(`"paused": true`)
	if got := p.ok("webhook", "show", "-r", "...", "-n", "deployhook"); !strings.Contains(got, `"status": "enabled"`) || strings.Contains(got, "paused") {
		t.Errorf("as az shows it: %s", got)
	}
	h.push("team/api:v1")
	h.push("team/api:v1")
	p.refused(exitUsage, "some", "webhook", "resume", "-r", "...", "-n", "deployhook", "--send", "some")
	if got := p.ok("webhook", "resume", "-r", "...", "-n", "deployhook", "--send", "newest", "--rate", "60"); !strings.Contains(got, `"dropped": 1`) || !strings.Contains(got, `"sent": 1`) {
		t.Errorf("resumed: %s", got)
	}
	p.refused(exitRefused, "is not paused", "webhook", "resume", "-r", "...", "-n", "deployhook")

	file := filepath.Join(t.TempDir(), "webhooks.yaml")
	exported := p.ok("webhook", "export", "-r", "...")
	if !strings.HasSuffix(exported, "    delivery:\n      maxInFlight: 2\n      ordered: true\n") {
		t.Errorf("exported:\n%s", exported)
	}
	apply := func(text string, want int, says string) {
		t.Helper()
		write(t, file, text)
		out, stderr, code := p.do("webhook", "apply", "-f", file, "--dry-run")
		if code != want || !strings.Contains(out+stderr, says) {
			t.Errorf("a dry run ends with %d, want %d and %q: %s%s", code, want, says, out, stderr)
		}
		if want == exitPending {
			p.ok("webhook", "apply", "-f", file, "--yes")
		}
	}
	apply(exported, exitDone, "")
	plain, _, _ := strings.Cut(exported, "    delivery:")
	apply(plain, exitDone, "") // what it does not say stays
	apply(plain+"    delivery: {retry: '5s, 1m', rate: 90, paused: true}\n", exitPending, "delivery retry: default → 5s, 1m")
	shown(`"maxInFlight": 0`, `"rate": 90`, `"retry": "5s, 1m"`, `"ordered": false`, `"paused": true`)
	apply(plain+"    delivery: {rate: -1}\n", exitUsage, "rate: The rate is a whole number")
	apply(plain+"    delivery: {ordered: perhaps}\n", exitUsage, "here stands true or false")
	apply(plain+"    delivery: {maxInFlight: many}\n", exitUsage, "here stands a whole number")
	apply(plain+"    delivery: {format: nosuch}\n", exitUsage, "is not a payload format")
}
