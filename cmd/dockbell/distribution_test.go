package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// registryConfig is a CNCF Distribution that keeps its files in a folder; what the portal says is written behind it.
const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: FOLDER}, delete: {enabled: true}}
http: {addr: "ADDRESS"}
`

// startDistribution runs Debian's docker-registry with more at the end of its configuration, and gives its address.
func startDistribution(t *testing.T, more string) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		storetest.Without(t, "docker-registry is not installed: apt-get install docker-registry")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, folder := free.Addr().String(), t.TempDir()
	free.Close()
	file := filepath.Join(folder, "config.yml")
	text := strings.NewReplacer("FOLDER", filepath.Join(folder, "files"), "ADDRESS", address).Replace(registryConfig) + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	run := exec.Command(program, "serve", file)
	run.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait() // it was killed
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get("http://" + address + "/v2/"); err == nil {
			resp.Body.Close()
			return address
		}
	}
	t.Fatalf("docker-registry does not answer: %s", said.String())
	return ""
}

// TestEventsOfDistribution: with the configuration that the portal shows, what real clients do to a real CNCF Distribution comes in
// as the events that the built-in registry would raise.
func TestEventsOfDistribution(t *testing.T) {
	h := startHouse(t)
	b := webtest.New(t, h.url)
	b.SignIn(houseOwner, housePassword)
	made := b.Post("/registries/new/external", "registry", "acmeedge", "name", "edge", "kind", "distribution", "rate", "0").Status(http.StatusCreated)
	c := webtest.NewClients(t, startDistribution(t, made.Find(".callout pre").Text()+"\n"), "none", "none")
	c.WriteLayer("l1.tar", "one")
	for _, command := range []string{
		"crane append --insecure -f l1.tar -t H/team/app:v1", "crane tag --insecure H/team/app:v1 latest",
		"helm create mychart", "helm package mychart", "helm push mychart-0.1.0.tgz oci://H/charts --plain-http",
		"crane delete --insecure H/team/app@DIGEST(H/team/app:v1)", "crane delete --insecure H/charts/mychart@DIGEST(H/charts/mychart:0.1.0)",
	} {
		c.Run(command)
	}
	want := []string{"push team/app:v1", "push team/app:latest", "chart push charts/mychart:0.1.0", "delete team/app", "chart delete charts/mychart:0.1.0"}
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && len(got) < len(want); time.Sleep(50 * time.Millisecond) {
		got = nil
		b.Get("/registries/acmeedge/events").Status(http.StatusOK).Find("#ev-body tr[id^=ev-]").Each(func(_ int, row *goquery.Selection) {
			if image := row.Find("td[data-l=Image] code"); image.Length() > 0 {
				got = append(got, strings.TrimSpace(row.Find("td[data-l=Action]").Text())+" "+image.Text())
			}
		})
	}
	slices.Reverse(got)
	if len(got) != len(want) {
		t.Fatalf("%d events came in: %q, want %q", len(got), got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("event %d is %q, want %q", i, got[i], want[i])
		}
	}
	page := b.Get("/registries/acmeedge/sources/edge").Status(http.StatusOK)
	if page.Find(".pill.bad").Length() != 0 {
		t.Errorf("something was rejected: %s", page.Text(".reqs"))
	}
}
